"""Simulated searches and races on measured curves: the mean truth about the settings they choose.

A search trains whole settings, drawn at random, and keeps the best by a test at the end. A race
starts with a field of settings, tests all of it at each rung and goes on with a smaller field.
Costs are in trainings of one model, twins included.

Selection compares settings pair by pair: if two leaks differ by more than z standard errors
(DeLong's for paired curves) the better objective wins, else the higher accuracy. The settings with
most wins stay (Copeland), and the objective breaks ties; at z = 0 this is the order of the
objective.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Curves", "TestCurves", "print_simulation"]

# S settings · R rungs · M exchanged samples of either side · D draws · F settings of a field

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Objective = Callable[[Floats, Floats], Floats]

CRITICAL_VALUES = (0.0, 0.5, 1.0, 1.64)
STARTS = (4, 6, 8, 12, 16, 24)
LISTS = (
    (16, 10, 6, 4, 3, 2, 2, 1),
    (8, 5, 3, 2, 2, 1, 1, 1),
    # the same costs, narrowed later: an early test may not yet see what memorisation comes to
    (6, 6, 4, 3, 2, 1, 1, 1),
    (5, 5, 5, 4, 2, 1, 1, 1),
    (11, 11, 9, 6, 3, 2, 2, 1),
    (10, 10, 10, 8, 4, 2, 2, 1),
)
SHARE = 0.6
"""Share of a field that stays after an eighth of training."""
BUDGETS = (6, 12)
"""Of searches, in plain trainings."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TestCurves:
    """Test of one lineage of each setting at every rung.

    Attributes:
        models: that it trains for each setting.
        leak: 2 · AUC − 1, shape (S, R).
        members: placements of the members, shape (S, R, M).
        non_members: placements of the non-members, shape (S, R, M).
    """

    models: int
    leak: Floats
    members: Floats
    non_members: Floats

    def standard_errors(self, rung: int) -> Floats:
        """Return those of the difference between each two leaks, shape (S, S)."""
        variance = np.zeros((len(self.leak), len(self.leak)))
        for placements in (self.members[:, rung], self.non_members[:, rung]):
            covariance = np.cov(placements) / placements.shape[1]
            own = covariance.diagonal()
            variance += own[:, None] + own - 2 * covariance
        errors: Floats = 2 * np.sqrt(variance.clip(min=0))
        return errors


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Curves:
    """Tests and truth of S settings, the undefended one first.

    Attributes:
        accuracy: on the select pool's non-members, shape (S, R).
        tests: by name.
        true_accuracy: of other models at the end of training, shape (S,).
        true_advantage: of RMIA against these, shape (S,).
    """

    accuracy: Floats
    tests: Mapping[str, TestCurves]
    true_accuracy: Floats
    true_advantage: Floats


def weighted(accuracy: Floats, leak: Floats) -> Floats:
    """Accuracy − leak."""
    return accuracy - leak


def tm_score(accuracy: Floats, leak: Floats) -> Floats:
    """Accuracy over attack accuracy, the papers' TM-score."""
    return accuracy / (0.5 + leak / 2)


OBJECTIVES: dict[str, Objective] = {"accuracy − leak": weighted, "TM-score": tm_score}


class Selection:
    """Choice among settings at each rung by pairwise wins.

    Args:
        curves: of all settings.
        test: the one that decides.
        objective: of accuracy and leak.
        z: critical value of a difference between two leaks, in standard errors.
    """

    def __init__(self, curves: Curves, test: TestCurves, objective: Objective, z: float) -> None:
        self._objective = objective(curves.accuracy, test.leak)
        self._wins = []
        for rung in range(test.leak.shape[1]):
            leak, accuracy = test.leak[:, rung], curves.accuracy[:, rung]
            is_different = np.abs(leak[:, None] - leak) > z * test.standard_errors(rung)
            by_objective = _pairwise_wins(self._objective[:, rung])
            self._wins.append(np.where(is_different, by_objective, _pairwise_wins(accuracy)))

    def best(self, fields: Indices, rung: int, width: int) -> Indices:
        """Return the ``width`` best settings of each field, best first, shape (D, width).

        Args:
            fields: settings, shape (D, F).
            rung: when they are compared.
            width: how many stay.
        """
        wins = self._wins[rung][fields[:, :, None], fields[:, None, :]].sum(axis=2)
        order = np.lexsort((-self._objective[fields, rung], -wins), axis=1)
        return np.take_along_axis(fields, order[:, :width], axis=1)


def _pairwise_wins(values: Floats) -> Floats:
    """Return 1 where the row's value is higher, ½ where both are equal, (S, S)."""
    return (np.sign(values[:, None] - values) + 1) / 2


def geometric_field(start: int, rungs: int) -> tuple[int, ...]:
    """Return a field that narrows by the same factor after each rung."""
    return tuple(math.ceil(start * SHARE ** (8 * rung / rungs)) for rung in range(rungs))


def run_race(selection: Selection, draws: Indices, field: Sequence[int]) -> Indices:
    """Return the setting that each race ends with, (D,), of orders of settings (D, S)."""
    fields = draws[:, : field[0]]
    for rung, width in enumerate((*field[1:], 1)):
        fields = selection.best(fields, rung, width)
    return fields[:, 0]


def simulate(curves: Curves, *, draws: int) -> list[tuple[str, float, list[Floats]]]:
    """Return name, cost and outcomes by objective and critical value of each way to choose.

    The orders of settings are the same for all, so outcomes (D,) may be compared pair by pair.
    """
    settings, rungs = curves.accuracy.shape
    generator = np.random.default_rng(18)
    orders = np.stack([generator.permutation(settings) for _ in range(draws)])
    fields = [*(geometric_field(start, rungs) for start in STARTS), *LISTS]
    ways: list[tuple[str, str, float, Any]] = []
    for name, test in curves.tests.items():
        for budget in BUDGETS:
            count = budget // test.models
            ways.append((f"search, {count} by {name}", name, count * test.models, count))
        if test.models <= 2:  # references need models of their own at every rung
            ways += [
                (f"race {list(field)} by {name}", name, test.models * sum(field) / rungs, field)
                for field in dict.fromkeys(fields)
                if field[0] <= settings and len(field) == rungs
            ]
    rows = []
    for label, name, cost, way in ways:
        outcomes = []
        for objective in OBJECTIVES.values():
            truth = objective(curves.true_accuracy, curves.true_advantage)
            for z in CRITICAL_VALUES:
                selection = Selection(curves, curves.tests[name], objective, z)
                if isinstance(way, int):
                    chosen = selection.best(orders[:, :way], rungs - 1, 1)[:, 0]
                else:
                    chosen = run_race(selection, orders, way)
                outcomes.append(truth[chosen])
        rows.append((label, cost, outcomes))
    return rows


def print_simulation(curves: Curves, *, draws: int) -> None:
    """Print the mean outcome of each way, the cheapest first."""
    values = "  ".join(f"z={z:<4g}" for z in CRITICAL_VALUES)
    print(f"\n{'way, trainings':58}       " + "    ".join(f"{name:30}" for name in OBJECTIVES))
    print(f"{'':65}{values}      {values}")
    truths = [
        objective(curves.true_accuracy, curves.true_advantage) for objective in OBJECTIVES.values()
    ]
    for label, pick in (("best of all", np.max), ("mean of all", np.mean), ("undefended", np.min)):
        figures = [truth[0] if label == "undefended" else pick(truth) for truth in truths]
        print(f"{label:65}" + "".join(f"{figure:<34.3f}" for figure in figures))
    for label, cost, outcomes in sorted(simulate(curves, draws=draws), key=lambda row: row[1]):
        half = len(CRITICAL_VALUES)
        figures = [f"{outcome.mean():6.3f}" for outcome in outcomes]
        sides = "      ".join("  ".join(part) for part in (figures[:half], figures[half:]))
        print(f"{label:58}{cost:5.2f}  {sides}")
