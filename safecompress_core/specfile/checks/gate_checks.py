"""Gates that decide nothing: bounds that no model can miss, or that none can meet."""

import math
from collections.abc import Iterator, Mapping, Sequence

from safecompress_core.api import GameDef, Params, SparseTrainingParams, component_id
from safecompress_core.problems import Problem
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.models.run_spec import Gate

__all__ = ["check_bounds", "check_contradictions", "check_densities"]

Range = tuple[float, float]

SHARE: Range = (0, 1)

MODEL_RANGES: Mapping[str, Range] = {"model.density": SHARE, "model.file_bytes": (1, math.inf)}


def check_bounds(
    gates: Sequence[Gate], metrics: Sequence[Params], games: Mapping[str, GameDef]
) -> Iterator[Problem]:
    """Find each bound that lies outside of its measure's range, or at the end that is always kept.

    Args:
        gates: of the spec; a measure that is not known is passed over.
        metrics: of the spec.
        games: the game by each name that may stand before a measure: of a game, or of an attacker.
    """
    ranges = {component_id(metric): _metric_range(metric) for metric in metrics} | dict(
        MODEL_RANGES
    )
    for index, gate in enumerate(gates):
        owner, _, measure = gate.measure.rpartition(".")
        bounds = ranges.get(gate.measure)
        if bounds is None and owner in games:
            of_game = games[owner].measure(measure)
            bounds = None if of_game is None else (of_game.lowest, of_game.highest)
        if bounds is not None:
            yield from _outside(index, gate, bounds)


def check_contradictions(gates: Sequence[Gate]) -> Iterator[Problem]:
    """Find two gates on one measure of which one excludes the other."""
    lower: dict[str, float] = {}
    upper: dict[str, float] = {}
    for index, gate in enumerate(gates):
        if gate.at_least is not None:
            # Several gates on one measure: the strictest bound of each side counts.
            lower[gate.measure] = max(gate.at_least, lower.get(gate.measure, -math.inf))
        if gate.at_most is not None:
            upper[gate.measure] = min(gate.at_most, upper.get(gate.measure, math.inf))
        least, most = lower.get(gate.measure), upper.get(gate.measure)
        # Equal bounds are valid: they ask for one value.
        if least is not None and most is not None and least > most:
            message = f"{gate.measure!r} cannot be at least {least:g} and at most {most:g}"
            field = "at_least" if gate.at_least is not None else "at_most"
            yield Problem(("gate", index, field), message, "change one of the two gates")


def check_densities(gates: Sequence[Gate], method: Params) -> Iterator[Problem]:
    """Find bounds on density that the method rules out: the whole model is never sparser."""
    name = definition_of(method).name
    if isinstance(method, SparseTrainingParams):
        active_share = method.density
    elif name == "uncompressed":
        active_share = 1.0
    else:
        # Other methods decide on a density themselves, so nothing can be excluded.
        return
    for index, gate in enumerate(gates):
        # a count is rounded by less than one weight, of which a small layer has few
        if (
            gate.measure == "model.density"
            and gate.at_most is not None
            and gate.at_most < active_share
        ):
            message = (
                f"{name!r} keeps {active_share:g} of the weights, and all that cannot be sparse"
            )
            hint = f"write {active_share:g} or more, or a lower method.density"
            if name == "uncompressed":
                hint = "take the gate out, or use a method that compresses"
            yield Problem(("gate", index, "at_most"), message, hint)


def _metric_range(metric: Params) -> Range:
    definition = definition_of(metric)
    return (definition.lowest, definition.highest)


def _outside(index: int, gate: Gate, found: Range) -> Iterator[Problem]:
    low, high = found
    name = gate.measure
    field = "at_least" if gate.at_least is not None else "at_most"
    path = ("gate", index, field)
    least, most = gate.at_least, gate.at_most
    if least is not None and least > high:
        # Impossible bounds before useless ones: the first are errors, the second oversights.
        yield Problem(path, f"{name!r} is never above {high:g}", _hint(least, found))
    elif most is not None and most < low:
        yield Problem(path, f"{name!r} is never below {low:g}", _hint(most, found))
    elif least is not None and least <= low:
        message = f"{name!r} is never below {low:g}, so this gate cannot be missed"
        yield Problem(path, message, _hint(least, found))
    elif most is not None and most >= high:
        message = f"{name!r} is never above {high:g}, so this gate cannot be missed"
        yield Problem(path, message, _hint(most, found))


def _hint(bound: float, bounds: Range) -> str:
    low, high = bounds
    # A bound between 1 and 100 on a share was probably meant as a percentage.
    if high == 1 and 1 < bound <= 100:
        return f"write {bound / 100:g} for {bound:g} %"
    if math.isinf(high):
        return f"write a number above {low:g}"
    within = f"between {low:g} and {high:g}" if math.isfinite(low) else f"below {high:g}"
    return f"write a number {within}, or take the gate out"
