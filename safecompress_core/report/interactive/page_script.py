"""Script of a page: Vega with its licence, and the charts as JSON.

Vega, Vega-Lite and Vega-Embed are shipped with the package, as their projects publish them, and
stand in the page whole: it asks for nothing over the network. Only the addresses of source maps
are taken out, which a browser's developer tools would request.
"""

import json
import re
from collections.abc import Iterator, Sequence
from importlib.resources import files

from markupsafe import Markup

from safecompress_core.report.figures.attack_readings import attack_readings
from safecompress_core.report.figures.candidate_models import candidate_models, measure_titles
from safecompress_core.report.figures.score_data import ScoreFigures
from safecompress_core.report.interactive.chart import Chart
from safecompress_core.report.interactive.result_charts import (
    attack_chart,
    candidate_chart,
    course_chart,
)
from safecompress_core.report.interactive.score_charts import score_charts
from safecompress_core.results.schema import Results

__all__ = ["LIBRARIES", "charts_json", "library_script", "page_charts"]

LIBRARIES = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js")
"""In the order in which they depend on each other."""
SOURCE_MAP = re.compile(r"\s*//# sourceMappingURL=\S+\s*$")


def page_charts(results: Results, scores: ScoreFigures) -> tuple[Chart, ...]:
    """Return the charts of a page, those of attacks first."""
    return tuple(_page_charts(results, scores))


def _page_charts(results: Results, scores: ScoreFigures) -> Iterator[Chart]:
    if results.audit:
        yield attack_chart(attack_readings(results))
    models, titles = candidate_models(results), measure_titles(results)
    attacks = [name for name in results.selection.attackers if name in titles]
    if models and attacks:
        yield candidate_chart(models, titles, attack=attacks[0])
    if models:
        yield course_chart(models, titles)
    yield from score_charts(scores, strongest=_strongest(results))


def _strongest(results: Results) -> str | None:
    """Return the membership attack of the largest advantage; None without any."""
    found = {
        name: attack.advantage
        for name, attack in results.audit.items()
        if attack.game == "membership"
    }
    return max(found, key=lambda name: found[name], default=None)


def charts_json(charts: Sequence[Chart]) -> Markup:
    """Return charts as JSON that may stand in a script element, whatever a spec has named."""
    text = json.dumps(
        [chart.to_json() for chart in charts], ensure_ascii=False, separators=(",", ":")
    )
    # No "<" is left, so that no text can end the element; JSON reads the escape as the same text.
    return Markup(text.replace("<", "\\u003c"))  # noqa: S704 -- escaped here


def library_script() -> Markup:
    """Return Vega, Vega-Lite and Vega-Embed as one script, their licence first."""
    folder = files("safecompress_core.report.interactive") / "vega"
    licence = (folder / "LICENSE").read_text(encoding="utf-8")
    sources = [(folder / name).read_text(encoding="utf-8") for name in LIBRARIES]
    scripts = [SOURCE_MAP.sub("", source) for source in sources]
    return Markup("\n".join([f"/*\n{licence}*/", *scripts]))  # noqa: S704 -- shipped, no input
