"""The table of a comparison on a terminal."""

from io import StringIO

from rich.console import Console

from safecompress_core.cli.display.comparison_tables import draw_variants
from tests.core.fixtures.comparisons import comparison_content, typed


def drawn(*, with_intervals: bool) -> list[str]:
    """Lines of the output on 120 columns."""
    console = Console(file=StringIO(), width=120, record=True)
    console.print(draw_variants(typed(comparison_content()), with_intervals=with_intervals))
    return [" ".join(line.split()) for line in console.export_text().splitlines()]


def test_each_variant_is_a_row_with_its_place() -> None:
    """Variants on the front have a mark before their name."""
    lines = drawn(with_intervals=False)

    assert lines[0] == "trial"
    assert lines[1] == "# variant density accuracy TM time"
    assert lines[-3:] == [
        "1 uncompressed 0.500 0.833 2.0×",
        "2 prune_fast 0.05 0.400 0.667 2.0×",
        "✓ 3 test-driven 0.05 0.450 0.750 2.0×",
    ]


def test_a_wide_terminal_has_room_for_intervals_and_sizes() -> None:
    """The files of the comparison have them on any terminal."""
    lines = drawn(with_intervals=True)

    assert lines[1] == "# variant density accuracy TM bytes seconds time"
    assert "0.450 ±0.020" in lines[-1]
    assert "29,624" in lines[-1]
