"""Figures of single records: ROC curves, score histograms, risks, and confusion of attributes.

All of them are functions of the scores that an audit keeps of every record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from safecompress_core.report.figures.svg import Color
from safecompress_core.results.schema import GroupRiskRecord, Results
from safecompress_core.results.score_file import BASELINE, ScoredRecords
from safecompress_core.stats.low_fpr import tpr_interval
from safecompress_core.stats.roc import RESOLVING_ERRORS, RocCurve, roc_curve

__all__ = [
    "BandPoint",
    "Confusion",
    "HistogramBin",
    "MemberRisk",
    "RecordRisk",
    "RocLine",
    "ScoreFigures",
    "ScoreHistogram",
    "score_figures",
]

# N samples · J points of a curve

Floats = NDArray[np.float64]

MOST_POINTS = 160
"""Points of a curve on either axis; more are not seen."""
BANDS = 28
BINS = 32
TAIL = 0.005
"""Share of scores at either end that the outermost bins of a histogram take in."""
MOST_MEMBERS, MOST_EXPOSED = 600, 200
MOST_VALUES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class BandPoint:
    """95 % interval of a curve's true-positive rate at a limit on false positives."""

    fpr: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RocLine:
    """ROC curve of one attack on one model.

    Attributes:
        attack, model: what it is of.
        color: the model's colour.
        fpr, tpr: shape (J,), rising, from (0, 0) to (1, 1).
        band: where the pool resolves the rate; empty where it resolves none.
        floor: half a non-member or half a member, whichever is the larger share: what 0 is
            drawn as on logarithmic axes.
    """

    attack: str
    model: str
    color: Color
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    band: tuple[BandPoint, ...]
    floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramBin:
    """A bin, and the shares of members and of non-members whose score lies in it."""

    low: float
    high: float
    members: float
    non_members: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreHistogram:
    """Scores of one attack on one model; the outermost bins hold what lies beyond them.

    Attributes:
        threshold: above which a record is called a member; None where it is beyond all bins.
    """

    attack: str
    model: str
    bins: tuple[HistogramBin, ...]
    threshold: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRisk:
    """A member's risk.

    Attributes:
        place: among all members, from 1 for the most exposed.
        position: of the sample in the data set, from 0.
        label: its task label.
        risk: calibrated, in [0, 1].
        low, high: ends of its 95 % interval over reference models; None without any.
    """

    place: int
    position: int
    label: str
    risk: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRisk:
    """Members by risk, for one attack on one model."""

    attack: str
    model: str
    members: tuple[MemberRisk, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confusion:
    """True and inferred values of an attribute, for one attack on one model.

    Attributes:
        values: the most frequent ones, at most 20.
        counts: records by true value (rows) and inferred value (columns); shape (V, V).
    """

    attack: str
    model: str
    values: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreFigures:
    """Everything that a page draws of single records; empty without scores.

    Attributes:
        min_risk: from which a member counts as exposed; None without risks.
        groups: risk of the members by label and by attribute.
    """

    roc: tuple[RocLine, ...] = ()
    histograms: tuple[ScoreHistogram, ...] = ()
    risks: tuple[RecordRisk, ...] = ()
    min_risk: float | None = None
    groups: tuple[GroupRiskRecord, ...] = field(default=())
    confusions: tuple[Confusion, ...] = ()


def score_figures(results: Results, scored: Sequence[ScoredRecords]) -> ScoreFigures:
    """Return the data of all figures of records.

    Args:
        results: of the run or audit.
        scored: the scores of the same; only those of attacks on the main models are drawn.
    """
    mains = [one for one in scored if one.attack in results.audit and one.model in _MAINS]
    members = [one for one in mains if one.game == "membership"]
    return ScoreFigures(
        roc=tuple(_roc_line(one) for one in members),
        histograms=tuple(_histogram(one, _threshold(results, one)) for one in members),
        risks=tuple(_record_risk(one) for one in members if not np.isnan(one.risk).any()),
        min_risk=None if results.records is None else results.records.min_risk,
        groups=() if results.records is None else results.records.groups,
        confusions=tuple(_confusion(one) for one in mains if one.guess is not None),
    )


_MAINS = (BASELINE, "compressed", "model")


def _roc_line(scored: ScoredRecords) -> RocLine:
    curve = roc_curve(scored.score, scored.member)
    shown = _visible_points(curve)
    return RocLine(
        attack=scored.attack,
        model=scored.model,
        color=Color.BEFORE if scored.model == BASELINE else Color.AFTER,
        fpr=tuple(curve.fpr[shown].tolist()),
        tpr=tuple(curve.tpr[shown].tolist()),
        band=tuple(_band(scored, curve)),
        floor=0.5 / min(curve.members, curve.non_members),
    )


def _visible_points(curve: RocCurve) -> NDArray[np.int64]:
    """Return points that show the curve on linear and on logarithmic axes."""
    last = len(curve.thresholds) - 1
    if last < 2 * MOST_POINTS:
        return np.arange(last + 1)
    lowest = 1 / curve.non_members
    grid = np.concatenate([np.linspace(0, 1, MOST_POINTS), np.geomspace(lowest, 1, MOST_POINTS)])
    # The last point within each limit: the one that is reported at that limit.
    found = np.searchsorted(curve.fpr, grid, side="right") - 1
    return np.unique(np.concatenate([[0, last], found]))


def _band(scored: ScoredRecords, curve: RocCurve) -> Iterator[BandPoint]:
    """Yield the interval of the rate at limits that leave ten false positives and more."""
    lowest = RESOLVING_ERRORS / curve.non_members
    if lowest >= 1:
        return
    for limit in np.geomspace(lowest * (1 + 1e-9), 1, BANDS)[:-1].tolist():
        rate = tpr_interval(scored.score, scored.member, max_fpr=limit)
        yield BandPoint(fpr=limit, low=rate.low, high=rate.high)
    yield BandPoint(fpr=1.0, low=1.0, high=1.0)


def _threshold(results: Results, scored: ScoredRecords) -> float | None:
    baseline = results.baseline
    part = results if scored.model != BASELINE or baseline is None else baseline
    return getattr(part.audit[scored.attack], "threshold", None)


def _histogram(scored: ScoredRecords, threshold: float | None) -> ScoreHistogram:
    finite = scored.score[np.isfinite(scored.score)]
    ends = np.quantile(finite, [TAIL, 1 - TAIL]) if len(finite) else np.zeros(2)
    # Scores that are all equal still have one bin.
    low, high = (ends[0], ends[1]) if ends[0] < ends[1] else (ends[0] - 0.5, ends[0] + 0.5)
    edges = np.linspace(low, high, BINS + 1)
    inside = np.clip(np.nan_to_num(scored.score, posinf=high, neginf=low), low, high)
    members, others = (
        np.histogram(inside[side], edges)[0] / max(int(side.sum()), 1)
        for side in (scored.member, ~scored.member)
    )
    return ScoreHistogram(
        attack=scored.attack,
        model=scored.model,
        bins=tuple(
            HistogramBin(low=left, high=right, members=inner, non_members=outer)
            for left, right, inner, outer in zip(
                edges[:-1].tolist(),
                edges[1:].tolist(),
                members.tolist(),
                others.tolist(),
                strict=True,
            )
        ),
        threshold=threshold if threshold is not None and low <= threshold <= high else None,
    )


def _record_risk(scored: ScoredRecords) -> RecordRisk:
    """Return the most exposed members, and evenly spaced ones of the others."""
    members = np.flatnonzero(scored.member)
    order = members[np.argsort(-scored.risk[members], kind="stable")]
    places = np.arange(len(order))
    if len(order) > MOST_MEMBERS:
        others = np.linspace(MOST_EXPOSED, len(order) - 1, MOST_MEMBERS - MOST_EXPOSED)
        places = np.concatenate([places[:MOST_EXPOSED], np.unique(others.round().astype(int))])
    return RecordRisk(
        attack=scored.attack,
        model=scored.model,
        members=tuple(_member(scored, int(order[place]), int(place)) for place in places),
        count=len(order),
    )


def _member(scored: ScoredRecords, row: int, place: int) -> MemberRisk:
    low, high = (
        None if np.isnan(end[row]) else float(end[row])
        for end in (scored.risk_low, scored.risk_high)
    )
    return MemberRisk(
        place=place + 1,
        position=int(scored.position[row]),
        label=str(scored.label[row]),
        risk=float(scored.risk[row]),
        low=low,
        high=high,
    )


def _confusion(scored: ScoredRecords) -> Confusion:
    assert scored.value is not None  # as has the guess
    assert scored.guess is not None
    names, counts = np.unique(scored.value, return_counts=True)
    frequent = names[np.sort(np.argsort(-counts, kind="stable")[:MOST_VALUES])]
    table = [
        [int(((scored.value == true) & (scored.guess == guess)).sum()) for guess in frequent]
        for true in frequent
    ]
    return Confusion(
        attack=scored.attack,
        model=scored.model,
        values=tuple(frequent.tolist()),
        counts=tuple(map(tuple, table)),
    )
