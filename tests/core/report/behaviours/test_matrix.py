"""What the variants of a comparison changed."""

from safecompress_core.report.behaviours.matrix import change_matrix
from safecompress_core.report.comparison.variants_page import render
from safecompress_core.results.schema import ChangeVerdict, VariantBehaviourRecord
from tests.core.fixtures.comparisons import comparison_content, over_seeds, typed


def behaviour(name: str, change: float, verdict: ChangeVerdict) -> VariantBehaviourRecord:
    """A row of a variant; higher is better."""
    return VariantBehaviourRecord(
        name=name,
        higher="better",
        relative=False,
        before=over_seeds(0.9, 0.8),
        after=over_seeds(0.9 + change, 0.8 + change),
        change=over_seeds(change, change),
        interval=(change - 0.02, change + 0.02),
        noise=0.01,
        verdict=verdict,
    )


def test_variants_stand_side_by_side() -> None:
    """One that lacks a metric has an empty cell; those without any have no column."""
    comparison = typed(comparison_content())
    first, second, *rest = comparison.variants
    both = behaviour("accuracy", -0.1, "changed beyond training noise")
    variants = (
        first.model_copy(update={"behaviours": (both, behaviour("noise", 0.1, "within noise"))}),
        second.model_copy(update={"behaviours": (both,)}),
        *rest,
    )

    found = change_matrix(comparison.model_copy(update={"variants": variants}))

    assert found is not None
    assert len(found.columns) == 2
    accuracy, noise = found.rows
    assert (accuracy.name, noise.name) == ("accuracy", "noise")
    assert (accuracy.before, accuracy.noise) == ("0.850", "0.010")
    assert [
        (cell.after, cell.change, cell.interval, cell.direction) for cell in accuracy.cells
    ] == [("0.750", "−0.100", "−0.120 to −0.080", "worse")] * 2
    assert [cell.verdict for cell in noise.cells] == ["within noise", None]
    page = render(comparison.model_copy(update={"variants": variants}))
    assert "0.750 (−0.100)" in page
    assert ">−0.120 to −0.080<" in page
    assert ">changed beyond training noise<" in page


def test_older_comparisons_have_no_such_section() -> None:
    """Their runs have stated nothing."""
    comparison = typed(comparison_content())

    assert change_matrix(comparison) is None
    assert "What changed" not in render(comparison)
