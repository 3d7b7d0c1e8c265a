"""Behaviours by compression method over several comparisons, as one Markdown table of verdicts.

    python benchmarks/behaviours.py docs/results/*_behaviours/comparison.json

A cell has a mark for each comparison, in the order of the arguments: + better and − worse beyond
training noise, · within noise, ? undecided, and a blank where the comparison has no such figure.
The figures themselves are in the comparison.md next to each file.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from safecompress_core.results.schema import (
    UNDECIDED,
    ComparisonResults,
    VariantBehaviourRecord,
)

__all__ = ["verdict_table"]

BLANK = "\N{FIGURE SPACE}"


def verdict_table(comparisons: Sequence[ComparisonResults]) -> str:
    """Return the table: a row a behaviour, a column a variant."""
    found = [
        {
            (record.name, variant.name): record
            for variant in comparison.variants
            for record in variant.behaviours or ()
        }
        for comparison in comparisons
    ]
    keys = dict.fromkeys(key for records in found for key in records)
    behaviours = dict.fromkeys(behaviour for behaviour, _ in keys)
    variants = dict.fromkeys(variant for _, variant in keys)
    lines = [["", *(f"`{variant}`" for variant in variants)], ["---"] * (1 + len(variants))]
    for behaviour in behaviours:
        cells = (
            "".join(_mark(records.get((behaviour, variant))) for records in found)
            for variant in variants
        )
        lines.append([f"`{behaviour}`", *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _mark(record: VariantBehaviourRecord | None) -> str:
    if record is None:
        return BLANK
    if record.verdict == UNDECIDED:
        return "?"
    if record.verdict == "within noise":
        return "·"
    return "+" if (record.change.mean > 0) == (record.higher == "better") else "−"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("comparisons", nargs="+", type=Path, help="files comparison.json")
    given = parser.parse_args().comparisons
    print(
        verdict_table(
            [ComparisonResults.model_validate_json(path.read_text("utf-8")) for path in given]
        )
    )


if __name__ == "__main__":
    main()
