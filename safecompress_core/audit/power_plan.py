"""Plan of an audit's power: its pool, its gates, and the samples that sharper figures take."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import ceil
from typing import Any

from safecompress_core.api import GameDef, Params, component_id
from safecompress_core.audit.power import (
    POWER,
    LeakPower,
    PoolPower,
    chance_of_margin,
    non_members_needed,
    share_needed,
)
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import FPR_LEVELS
from safecompress_core.specfile.checks.spec_checks import MODEL_MEASURES
from safecompress_core.specfile.models.components import definition_of, game_of
from safecompress_core.specfile.models.run_spec import Gate
from safecompress_core.stats.intervals import Estimate, clopper_pearson

__all__ = ["GatePower", "PowerPlan", "RatePower", "SignalPower", "plan_power"]

DISTANCES = {"none": 0.0, "weak": 0.25, "clear": 0.75}
"""Attacks on the typical pool, by how far apart members and non-members score on average, in
standard deviations: AUC 0.50, 0.57 and 0.70."""
HALF_WIDTHS = (0.1, 0.05, 0.02)
SHARES = frozenset({"accuracy", "robust_accuracy", "fidelity"})
"""Measures of other games that are shares of samples, with Clopper and Pearson's interval."""
OF_MEMBERS = "exposed_members"
"""Measure of membership that is a share of members, with the same interval."""
EXACT = "it has no sampling error: the value itself is compared"
UNKNOWN = "its interval depends on more than the sizes of the pools"
FLOOR = "a floor on a leak is met by leaking, so there is nothing to plan"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPower:
    """Figures of an attack on the typical pool.

    Attributes:
        signal: what the attack finds: nothing, little, or much.
        figures: by measure the value and its 95 % interval; true-positive rates at a limit on
            false positives, which may not be resolvable, are keyed ``tpr@<limit>``.
    """

    signal: str
    figures: dict[str, Estimate | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatePower:
    """Whether a limit on false positives can be resolved.

    Attributes:
        max_fpr: the limit.
        is_resolved: whether the pool has enough non-members.
        non_members: needed in the pool.
        samples: needed in the data, if all pools grow alike.
    """

    max_fpr: float
    is_resolved: bool
    non_members: int
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePower:
    """What a gate asks of a model, with such pools.

    Attributes:
        measure: of the gate.
        bound: the bound, or the margin of a relative gate.
        kind: ``at_least``, ``at_most`` or ``margin``.
        estimate: the least estimate that meets ``at_least``, or the largest that meets
            ``at_most``; None if none does, or for a margin.
        value: the true value that meets it in 80 % of all audits; None likewise.
        chance: how often a model without leakage meets the gate, or with a margin an equal one;
            None for gates on other things than membership.
        note: why nothing can be said; empty if something can.
    """

    measure: str
    bound: float
    kind: str
    estimate: float | None = None
    value: float | None = None
    chance: float | None = None
    note: str = ""

    @property
    def is_resolved(self) -> bool | None:
        """Return whether a model that deserves to meet the gate does, in 80 % of all audits."""
        if self.note:
            return None
        return self.value is not None if self.chance is None else self.chance >= POWER


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerPlan:
    """What the audit of a spec can resolve.

    Attributes:
        pool: sizes of the pool *audit*, and the number of membership attacks.
        samples: in the data, of all pools.
        signals: figures of three attacks.
        leaks: by measure of membership what can be resolved.
        rates: limits on false positives.
        sides: by half-width of the advantage's interval the members, and as many non-members,
            that it takes.
        gates: of the spec, in its order.
    """

    pool: PoolPower
    samples: int
    signals: tuple[SignalPower, ...]
    leaks: dict[str, LeakPower]
    rates: tuple[RatePower, ...]
    sides: dict[float, int]
    gates: tuple[GatePower, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        content = asdict(self)
        content["sides"] = {f"{half:g}": count for half, count in self.sides.items()}
        for gate, record in zip(self.gates, content["gates"], strict=True):
            record["resolved"] = gate.is_resolved
        return content


def plan_power(
    gates: Sequence[Gate],
    attackers: Sequence[Params],
    metrics: Sequence[Params],
    *,
    members: int,
    non_members: int,
    samples: int,
) -> PowerPlan:
    """Plan what an audit can resolve.

    Args:
        gates: of a spec.
        attackers: of its audit.
        metrics: of the spec.
        members: of the pool *audit*.
        non_members: likewise.
        samples: of the data, duplicates removed.
    """
    games = {component_id(attacker): game_of(attacker) for attacker in attackers}
    attacks = sum(game.name == MEMBERSHIP.name for game in games.values())
    pool = PoolPower(members=members, non_members=non_members, attacks=max(attacks, 1))
    # How many members are exposed does not follow from the distance of the means.
    measures = [one.name for one in MEMBERSHIP.measures if one.name != OF_MEMBERS]
    return PowerPlan(
        pool=pool,
        samples=samples,
        signals=tuple(
            SignalPower(
                signal=signal,
                figures={
                    **{name: pool.measure(name, distance) for name in measures},
                    **{f"tpr@{level:g}": pool.rate(level, distance) for level in FPR_LEVELS},
                },
            )
            for signal, distance in DISTANCES.items()
        ),
        leaks={name: pool.leak(name) for name in measures},
        rates=tuple(_plan_rates(non_members, samples)),
        sides={half: _side_needed(half) for half in HALF_WIDTHS},
        gates=tuple(_plan_gate(gate, pool, games, metrics) for gate in gates),
    )


def _plan_rates(non_members: int, samples: int) -> Iterator[RatePower]:
    for level in FPR_LEVELS:
        needed = non_members_needed(level)
        yield RatePower(
            max_fpr=level,
            is_resolved=non_members >= needed,
            non_members=needed,
            samples=-(-needed * samples // non_members),
        )


def _side_needed(half_width: float) -> int:
    """Return the samples of either side for an interval of the advantage, without a signal."""

    def is_enough(count: int) -> bool:
        nothing = PoolPower(members=count, non_members=count).measure("advantage", 0.0)
        return nothing.high - nothing.value <= half_width

    # The half-width is about 1.4 / √n, so the count lies well within this range.
    near = ceil(2 / half_width**2)
    counts = range(near // 2, near * 2)
    return counts[bisect_left(counts, x=True, key=is_enough)]


def _plan_gate(
    gate: Gate, pool: PoolPower, games: dict[str, GameDef], metrics: Sequence[Params]
) -> GatePower:
    owner, _, measure = gate.measure.rpartition(".")
    named = {game.name: game for game in games.values()} | games
    if owner in named and named[owner].name == MEMBERSHIP.name and measure != OF_MEMBERS:
        # A single attacker's measure is not the worst of several.
        alone = PoolPower(members=pool.members, non_members=pool.non_members)
        return _plan_membership(gate, measure, alone if owner in games else pool)
    kind, bound = _bound(gate)
    planned = partial(GatePower, measure=gate.measure, bound=bound, kind=kind)
    if gate.measure in MODEL_MEASURES:
        return planned(note=EXACT)
    trials = _trials(gate, pool, named, metrics)
    if trials is None:
        return planned(note=UNKNOWN)
    if kind == "margin":
        # Of all shares one half has the widest interval.
        widest = clopper_pearson(trials // 2, trials)
        return planned(chance=chance_of_margin(widest.high - widest.value, bound))
    needed = share_needed(bound, trials, is_floor=kind == "at_least")
    estimate, value = needed or (None, None)
    return planned(estimate=estimate, value=value)


def _plan_membership(gate: Gate, measure: str, pool: PoolPower) -> GatePower:
    kind, bound = _bound(gate)
    planned = partial(GatePower, measure=gate.measure, bound=bound, kind=kind)
    if kind == "margin":
        half_width = pool.leak(measure).half_width
        return planned(chance=chance_of_margin(half_width, bound) ** pool.attacks)
    if kind == "at_least":
        return planned(note=FLOOR)
    return planned(
        estimate=pool.estimate_needed(measure, bound),
        value=pool.value_needed(measure, bound),
        chance=pool.chance_at_most(measure, bound),
    )


def _bound(gate: Gate) -> tuple[str, float]:
    if gate.at_least is not None:
        return "at_least", gate.at_least
    return ("margin", gate.margin) if gate.at_most is None else ("at_most", gate.at_most)


def _trials(
    gate: Gate, pool: PoolPower, games: dict[str, GameDef], metrics: Sequence[Params]
) -> int | None:
    """Return the samples that a share is of; None for a measure that is none."""
    owner, _, measure = gate.measure.rpartition(".")
    shares = {
        component_id(metric) for metric in metrics if definition_of(metric).name == "accuracy"
    }
    if gate.measure in shares:
        return pool.non_members
    if measure == OF_MEMBERS:
        return pool.members
    if owner in games and measure in SHARES:
        counts = games[owner].counts
        sizes = {
            "samples": pool.members + pool.non_members,
            "non-members": pool.non_members,
        }
        return sizes.get(counts)
    return None
