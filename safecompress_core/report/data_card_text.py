"""The data card in words: what the samples are, and what was done to them."""

from collections.abc import Iterator, Sequence

from safecompress_core.results.schema import DataRecord, ValueCountRecord

__all__ = ["card_lines"]

MOST_NAMED = 10
"""Names of values that are shown; of more, their number."""


def card_lines(card: DataRecord) -> Iterator[str]:
    """A line a fact, warnings last."""
    shape = " x ".join(map(str, card.input_shape)) or "1"
    yield f"data: {card.samples:,} samples, input {shape}"
    yield f"  labels: {_format_count(card.labels)}"
    for attribute in card.attributes:
        yield f"  private {attribute.name}: {_format_count(attribute.values)}"
    for note in card.notes:
        yield f"  {note}"
    for warning in card.warnings:
        yield f"  warning: {warning}"


def _format_count(values: Sequence[ValueCountRecord]) -> str:
    if len(values) > MOST_NAMED:
        counts = [value.samples for value in values]
        return f"{len(values)}, with {min(counts):,} to {max(counts):,} samples each"
    return ", ".join(f"{value.name} {value.samples:,}" for value in values)
