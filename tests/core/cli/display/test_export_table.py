"""Table of an export."""

from safecompress_core.cli.display.export_table import (
    export_findings,
    export_table,
    exports_table,
)
from safecompress_core.report.summary import Cell
from tests.core.fixtures.exports import agreement_record, export_record


def rows() -> dict[str, list[str]]:
    """Cells by label."""
    table = export_table(export_record())
    assert table.columns == ("compressed", "exported", "difference")
    return {row.label.strip(): [cell.value for cell in row.cells] for row in table.rows}


def test_the_model_stands_next_to_the_file() -> None:
    """Metric, attacks by game, and what a device pays."""
    found = rows()

    assert found["accuracy"] == ["0.500", "0.490", "−0.010 (−0.020 to 0.000)"]
    assert found["loss-threshold"] == ["0.130", "0.140", "+0.010 (−0.010 to 0.030)"]
    assert found["membership advantage"] == found["extraction advantage"] == []
    assert found["file"] == ["4.6 kB", "10 kB", ""]
    assert found["ms, batch of 32"] == ["0.32", "0.32", ""]
    assert found["95 % within"] == ["0.64", "0.64", ""]
    assert found["multiply-adds"] == ["2,496", "2,496", ""]


def test_findings_say_whether_answers_agree_and_what_was_left_out() -> None:
    """A failed check is bad news."""
    agreement, runtime, others = export_findings(export_record())
    failed, *_ = export_findings(
        export_record(agreement=agreement_record(passed=False, tolerance=0.1))
    )

    assert (agreement.tone, runtime.tone, failed.tone) == ("good", "plain", "bad")
    assert "99.00% of 270 labels agree, 2 of them ties (at least 95.00%)" in agreement.text
    assert failed.text.endswith("0.12 (at most 0.1)")
    assert runtime.text == "computed by onnxruntime 1.32.0 on 1 thread"
    assert others.text.endswith("lira (references)")


def test_exports_of_a_run_are_side_by_side() -> None:
    """A column a format, and what each has changed."""
    table = exports_table([export_record(format="onnx"), export_record(format="pt2")])

    assert table is not None
    assert table.columns == ("onnx", "pt2")
    found = {row.label.strip(): row.cells for row in table.rows}
    assert found["accuracy"][1] == Cell("0.490", "−0.010 (−0.020 to 0.000)")
    assert found["loss-threshold"][0] == Cell("0.140", "+0.010 (−0.010 to 0.030)")
    assert [cell.value for cell in found["labels that agree"]] == ["99.00%", "99.00%"]
    assert [cell.value for cell in found["ms, batch of 32"]] == ["0.32", "0.32"]
    # Attacks last, so that no other figure stands under their heading.
    assert [row.label.startswith("  ") for row in table.rows][-1]
    assert list(found).index("file") < list(found).index("loss-threshold")
    assert exports_table([]) is None
