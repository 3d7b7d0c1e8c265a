"""A comparison as Markdown, LaTeX and CSV."""

import csv
import re
from io import StringIO
from typing import Any

import pytest

from safecompress_core.report.comparison.variants_text import as_csv, as_latex, as_markdown
from safecompress_core.results.schema import UNDECIDED, VariantBehaviourRecord
from tests.core.fixtures.comparisons import over_seeds, typed


def test_markdown_has_the_command_the_hash_and_the_versions(comparison: dict[str, Any]) -> None:
    """And bold where a lead is sure."""
    text = as_markdown(typed(comparison))

    assert "$ safecompress compare trial.yaml" in text
    assert f"safecompress 0.1.0, torch 2.13.0; SHA-256 of the resolved runs {'0f' * 32}" in text
    assert "| 3 | `test-driven` | 0.05 | **0.450 ±0.020** |" in text
    assert "| 2 | `prune_fast` | 0.05 | 0.400 ±0.020 |" in text


def test_markdown_tells_of_runs_that_failed(comparison: dict[str, Any]) -> None:
    """A gap in a table has its reason."""
    comparison["failures"] = [{"label": "prune, seed 3", "reason": "the loss\nis no number"}]

    assert "- prune, seed 3: the loss is no number" in as_markdown(typed(comparison))


def test_markdown_has_a_table_of_changes(comparison: dict[str, Any]) -> None:
    """A column a variant; changes beyond training noise are bold, undecided ones are marked."""
    found = typed(comparison)
    first, *rest = found.variants
    rows = tuple(
        VariantBehaviourRecord(
            name=name,
            higher="better",
            relative=False,
            before=over_seeds(0.9, 0.8),
            after=over_seeds(0.8, 0.7),
            change=over_seeds(-0.1, -0.1),
            interval=(-0.12, -0.08),
            noise=0.01,
            verdict=verdict,
        )
        for name, verdict in (
            ("accuracy", "changed beyond training noise"),
            ("blur", "within noise"),
            ("flips", UNDECIDED),
        )
    )
    variants = (first.model_copy(update={"behaviours": rows}), *rest)

    text = as_markdown(found.model_copy(update={"variants": variants}))

    assert "| `accuracy` | 0.850 | 0.010 | **−0.100 [−0.120 to −0.080]** |" in text
    assert "| `blur` | 0.850 | 0.010 | −0.100 [−0.120 to −0.080] |" in text
    assert "| `flips` | 0.850 | 0.010 | −0.100 [−0.120 to −0.080] (?) |" in text
    assert "What changed" not in as_markdown(found)


def test_latex_is_a_table_of_booktabs(comparison: dict[str, Any]) -> None:
    """With as many cells in each line as there are columns, and nothing left to escape."""
    lines = as_latex(typed(comparison)).splitlines()

    columns = re.fullmatch(r"\\begin{tabular}{(l+r+l)}", lines[0])
    assert columns
    cells = {line.count("&") + 1 for line in lines if line.endswith(r"\\")}
    assert cells == {len(columns[1])}
    assert any(line.startswith(r"prune\_fast & 0.05") for line in lines)
    assert any(r"\textbf{$0.450$" in line for line in lines)


def test_csv_has_every_figure_of_every_attacker(comparison: dict[str, Any]) -> None:
    """A row for each variant and density; what is not known is empty."""
    rows = list(csv.DictReader(StringIO(as_csv(typed(comparison)))))

    assert [one["name"] for one in rows] == ["uncompressed", "prune_fast", "test-driven"]
    assert float(rows[2]["task_accuracy"]) == 0.45
    assert float(rows[2]["task_accuracy.low"]) == pytest.approx(0.43)
    assert float(rows[1]["audit.loss.auc"]) == 0.7
    assert rows[1]["auc"] == ""
