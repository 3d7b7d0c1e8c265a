"""A comparison as a table, as text, and as a page."""

import csv
import re
from io import StringIO
from typing import Any

import pytest

from safecompress_core.report.comparison.variants import comparison_verdict, legend, variant_table
from safecompress_core.report.comparison.variants_page import headline, render
from safecompress_core.report.comparison.variants_text import as_csv, as_latex, as_markdown
from safecompress_core.results.schema import ComparisonResults, SummaryRecord, VariantRecord

FIGURES = ("mia_accuracy", "tm_score", "auc", "tpr_at_1_percent_fpr", "lift")


def over_seeds(*values: float) -> SummaryRecord:
    """A mean with an interval that is easy to check."""
    mean = sum(values) / len(values)
    return SummaryRecord(mean=mean, interval=(mean - 0.02, mean + 0.02), values=values)


def row(name: str, accuracy: float, **more: Any) -> VariantRecord:
    """A variant of two seeds."""
    method = name.partition("-")[0]
    content = {
        "name": name,
        "method": "test-driven" if method == "test" else method,
        "density": 0.05,
        "kept": over_seeds(0.05, 0.05),
        "model_density": over_seeds(0.06, 0.06),
        "sparsifiable": 0.99,
        "seeds": [1, 2],
        "task_accuracy": over_seeds(accuracy, accuracy),
        **dict.fromkeys(FIGURES),
        "tm_score": over_seeds(accuracy / 0.6, accuracy / 0.6),
        "advantage": {"membership": over_seeds(0.2, 0.2)},
        "bytes": SummaryRecord(
            mean=29624.0, interval=(29624.0, 29624.0), values=(29624.0, 29624.0)
        ),
        "seconds": over_seeds(4.0, 4.0),
        "relative_seconds": 2.0,
        "audit": {"loss": {"auc": over_seeds(0.7, 0.7)}},
        "verdicts": {},
        "best": [],
        "on_front": False,
    }
    return VariantRecord.model_validate(content | more)


@pytest.fixture
def comparison() -> dict[str, Any]:
    """Three variants, of which one leads in accuracy."""
    dense = {"density": None, "kept": over_seeds(1.0, 1.0), "on_front": None}
    rounds = [{"round": n, "performance": 0.3 + n / 10, "advantage": 0.3} for n in (1, 2)]
    content = {
        "version": 1,
        "name": "trial",
        "command": "safecompress compare trial.yaml",
        "directory": "/work/trial",
        "sha256": "0f" * 32,
        "seeds": [1, 2],
        "densities": [0.05],
        "mia": None,
        "environment": {"packages": {"safecompress": "0.1.0", "torch": "2.13.0"}},
        "variants": [
            row("uncompressed", 0.5, **dense),
            row("prune_fast", 0.4),
            row("test-driven", 0.45, best=["task_accuracy", "tm_score"], on_front=True),
        ],
        "courses": [
            {"name": "test-driven", "density": 0.05, "seed": seed, "rounds": rounds}
            for seed in (1, 2)
        ],
        "failures": [],
    }
    return ComparisonResults.model_validate(content).to_json()


def typed(comparison: dict[str, Any]) -> ComparisonResults:
    """What a test has changed as JSON."""
    return ComparisonResults.model_validate(comparison)


def test_columns_that_nothing_measured_are_left_out(comparison: dict[str, Any]) -> None:
    """As are those that there is no room for."""
    assert variant_table(typed(comparison)).columns == ("accuracy", "TM", "bytes", "seconds")
    assert variant_table(typed(comparison), without=("bytes",)).columns == (
        *("accuracy", "TM", "seconds"),
    )


def test_a_figure_has_half_of_its_interval_and_says_whether_it_leads(
    comparison: dict[str, Any],
) -> None:
    """Where seeds agree there is no interval to show."""
    first, second, third = variant_table(typed(comparison)).rows

    assert (third.figures[0].value, third.figures[0].reach) == ("0.450", "±0.020")
    assert third.figures[0].is_best
    assert not second.figures[0].is_best
    assert (third.figures[2].value, third.figures[2].reach) == ("29,624", "")
    assert (first.density, second.density, third.times) == ("", "0.05", "2.0×")


def test_a_row_says_how_much_of_the_whole_model_is_kept(comparison: dict[str, Any]) -> None:
    """Where under half of the parameters may be sparse: 0.05 of them may be 0.69 of all."""
    comparison["variants"][1] |= {
        "sparsifiable": 0.33,
        "model_density": over_seeds(0.687, 0.687).to_json(),
    }

    assert variant_table(typed(comparison)).rows[1].density == "0.05 (0.687 of all)"


def test_one_seed_promises_nothing(comparison: dict[str, Any]) -> None:
    """The table says so."""
    comparison["seeds"] = [1]

    assert any(
        sentence.startswith("One seed: nothing here") for sentence in legend(typed(comparison))
    )


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


def test_the_page_needs_nothing_beside_it(comparison: dict[str, Any]) -> None:
    """No script, no other file; names from a spec are escaped."""
    comparison["failures"] = [{"label": "<b>prune</b>", "reason": "none"}]
    page = render(typed(comparison))

    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert "&lt;b&gt;prune" in page
    assert page.count('class="panel"') == 3  # one density, and two courses
    assert "<strong>0.450</strong>" in page


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([{"PASSED": 2}, {"PASSED": 2}], "PASSED: all 4 runs meet every gate."),
        ([{"PASSED": 2}, {"FAILED": 1, "PASSED": 1}], "FAILED: 1 of 4 runs miss a gate."),
        (
            [{"FAILED": 2}, {"VOID": 1, "PASSED": 1}],
            "VOID: in 1 of 4 runs a control failed; they prove nothing.",
        ),
        (
            [{"NO GATES": 2}, {"NO GATES": 2}],
            "NO GATES: the specs set none, so there is nothing to pass or to fail.",
        ),
    ],
)
def test_the_worst_verdict_of_a_run_is_the_comparison_s(
    comparison: dict[str, Any], verdicts: list[dict[str, int]], said: str
) -> None:
    """The page leads with it, and its table has each variant's."""
    for row_, counts in zip(comparison["variants"][1:], verdicts, strict=True):
        row_["verdicts"] = counts

    page = render(typed(comparison))

    assert comparison_verdict(typed(comparison)).text == said
    word, _, rest = said.partition(": ")
    assert page.index(f">{word}</span>") < page.index(rest) < page.index("Side by side")
    assert ("Best by TM-score" in page) == (word != "VOID")
    shown = re.findall(r'data-label="verdict">(.*?)</td>', page)
    assert shown[0] == ""
    assert [one.count(word) for one in shown[1:]] == [int(word in one) for one in verdicts]


def test_a_single_round_is_no_course(comparison: dict[str, Any]) -> None:
    """There is nothing to follow."""
    for course in comparison["courses"]:
        course["rounds"] = course["rounds"][:1]

    assert 'id="learning"' not in render(typed(comparison))


def test_the_headline_says_who_leads_and_whether_seeds_explain_it(
    comparison: dict[str, Any],
) -> None:
    """By TM-score, at each density."""
    assert headline(typed(comparison)) == "Best by TM-score: test-driven at density 0.05."
    comparison["variants"][2]["best"] = []
    assert headline(typed(comparison)) == (
        "Best by TM-score: test-driven at density 0.05, within what seeds explain."
    )
    comparison["seeds"] = [1]
    assert (
        headline(typed(comparison))
        == "Best by TM-score: test-driven at density 0.05, with one seed."
    )
