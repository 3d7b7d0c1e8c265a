"""One page that holds a comparison: a function of ``comparison.json``, and of nothing else."""

from safecompress_core.report.behaviours.matrix import change_matrix
from safecompress_core.report.comparison.variants import comparison_verdict, legend, variant_table
from safecompress_core.report.comparison.variants_figures import learning, trade_offs
from safecompress_core.report.page import page_template
from safecompress_core.results.schema import ComparisonResults

__all__ = ["headline", "render"]

TEMPLATE = "comparison.html"


def render(comparison: ComparisonResults) -> str:
    """The page.

    Args:
        comparison: the content of ``comparison.json``.
    """
    verdict = comparison_verdict(comparison)
    return page_template(TEMPLATE).render(
        comparison=comparison,
        headline="" if verdict.text.startswith("VOID") else headline(comparison),
        verdict=verdict,
        table=variant_table(comparison),
        legend=list(legend(comparison)),
        trade_offs=trade_offs(comparison),
        learning=learning(comparison),
        changed=change_matrix(comparison),
    )


def headline(comparison: ComparisonResults) -> str:
    """Return the best TM-score at each density, and whether seeds explain the lead."""
    rows = [row for row in comparison.variants if row.on_front is not None]
    scored = [(row, row.tm_score.mean) for row in rows if row.tm_score]
    if not scored:
        return f"{len(comparison.variants)} variants, side by side"
    is_single = len(comparison.seeds) == 1
    doubt = ", with one seed" if is_single else ", within what seeds explain"
    leaders = []
    for density in dict.fromkeys(row.density for row, _ in scored):
        peers = [(row, score) for row, score in scored if row.density == density]
        best, _ = max(peers, key=lambda pair: pair[1])
        at = "" if density is None else f" at density {density:g}"
        is_sure = "tm_score" in best.best
        leaders.append(f"{best.label}{at}{'' if is_sure else doubt}")
    return f"Best by TM-score: {'; '.join(leaders)}."
