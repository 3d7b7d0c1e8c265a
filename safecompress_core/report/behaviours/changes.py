"""Rows of what compression changed, and the samples that are answered otherwise."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecompress_core.report.formatting import format_interval, format_number
from safecompress_core.results.schema import (
    UNDECIDED,
    BehaviourRecord,
    ChangeVerdict,
    EstimateRecord,
    Results,
)

__all__ = [
    "ChangeRow",
    "FlipRow",
    "Flips",
    "changes",
    "count_retrained",
    "flips",
    "left_out",
    "summary",
]

LISTED = 30
"""Flipped samples that a page lists; results have more."""

WORSE_OR_BETTER = {True: "better", False: "worse"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A behaviour before and after compression, in words.

    Attributes:
        name: of the metric, or attack and measure.
        before, after: figures with their intervals.
        change: the difference with its interval.
        noise: the range of the re-trained models' differences; empty without any.
        verdict: as in results.
        direction: of a change beyond noise ``better`` or ``worse``, else ``same``.
    """

    name: str
    before: tuple[str, str]
    after: tuple[str, str]
    change: tuple[str, str]
    noise: str
    verdict: ChangeVerdict
    direction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipRow:
    """A group of samples, and how many of them are answered otherwise.

    Attributes:
        name: of the group.
        samples: in it.
        share: of them that flip, with its interval.
    """

    name: str
    samples: int
    share: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """Samples that both models answer differently.

    Attributes:
        groups: members, others, exposed members and the other ones.
        changes: numbers by kind of change.
        samples: the first ones, as in results.
        more: how many results list beyond these.
    """

    groups: tuple[FlipRow, ...]
    changes: Mapping[str, int]
    samples: Sequence[Mapping[str, Any]]
    more: int


def changes(results: Results) -> tuple[ChangeRow, ...]:
    """Return a row a behaviour.

    None without re-trained models: only against them can a change be judged, and the figures
    themselves are in the table of both models.
    """
    return tuple(map(_row, results.behaviours or ())) if count_retrained(results) else ()


def count_retrained(results: Results) -> int:
    """Return the number of re-trained models that changes are judged against."""
    return max((len(row.retrained) for row in results.behaviours or ()), default=0)


def _row(record: BehaviourRecord) -> ChangeRow:
    return ChangeRow(
        name=record.name,
        before=_figure(record.before),
        after=_figure(record.after),
        change=_figure(record.change, is_signed=True),
        noise=_noise(record.retrained),
        verdict=record.verdict,
        direction=_direction(record),
    )


def _direction(record: BehaviourRecord) -> str:
    if record.verdict in ("within noise", UNDECIDED):
        return "same"
    return WORSE_OR_BETTER[(record.change.value > 0) == (record.higher == "better")]


def _noise(retrained: Sequence[EstimateRecord]) -> str:
    values = [other.value for other in retrained]
    if not values:
        return ""
    ends = sorted({_signed(min(values)), _signed(max(values))}, reverse=min(values) < 0)
    return " to ".join(ends if len(ends) > 1 else ends[:1])


def _figure(estimate: EstimateRecord, *, is_signed: bool = False) -> tuple[str, str]:
    low, high = estimate.interval
    value = _signed(estimate.value) if is_signed else format_number(estimate.value)
    # An exact figure, such as a number of bytes, has no interval to show.
    return value, "" if low == high else format_interval(low, high)


def _signed(value: float) -> str:
    text = format_number(value)
    return f"+{text}" if value > 0 else text


def summary(results: Results) -> str:
    """Return the verdicts counted, as one sentence."""
    rows = results.behaviours or ()
    beyond, within, undecided = (
        [row for row in rows if row.verdict == verdict]
        for verdict in ("changed beyond training noise", "within noise", UNDECIDED)
    )
    again = count_retrained(results)
    noise = (
        "One uncompressed model was trained again with another seed"
        if again == 1
        else f"{again} uncompressed models were trained again with other seeds"
    )
    return (
        f"Of {len(rows)} behaviours {len(beyond)} changed beyond training noise, {len(within)} lie "
        f"within noise, and {len(undecided)} cannot be decided. {noise}."
    )


def flips(results: Results) -> Flips | None:
    """Return who is answered otherwise; None where no metric looks at that."""
    for details in (results.details or {}).values():
        if "shares" in details and "changes" in details:
            found: Mapping[str, Any] = details
            samples = found["samples"]
            return Flips(
                groups=tuple(_groups(found["shares"])),
                changes=found["changes"],
                samples=samples[:LISTED],
                more=max(0, len(samples) - LISTED),
            )
    return None


def _groups(shares: Mapping[str, Any]) -> Iterator[FlipRow]:
    for name, share in shares.items():
        yield FlipRow(
            name=name.replace("_", " ").replace("non ", "non-"),
            samples=share["samples"],
            share=(format_number(share["value"]), format_interval(*share["interval"])),
        )


def left_out(results: Results) -> tuple[str, ...]:
    """Return a sentence for each metric that left out groups with too few samples."""
    sentences = []
    for name, details in (results.details or {}).items():
        groups: Any = details.get("left_out") or ()
        if groups:
            shown = ", ".join(
                f"{group['name']}{_of_label(group)} ({group['samples']})" for group in groups[:5]
            )
            more = f" and {len(groups) - 5} more" if len(groups) > 5 else ""
            sentences.append(f"{name} leaves out groups with fewer than 10 samples: {shown}{more}.")
    return tuple(sentences)


def _of_label(group: Mapping[str, Any]) -> str:
    return f" at label {group['label']}" if "label" in group else ""
