"""Script of a page: JSON that no name can leave, and Vega as its projects publish it."""

import hashlib
import json
import re
from importlib.resources import files
from typing import Any

import pytest

from safecompress_core.report.figures.score_data import ScoreFigures
from safecompress_core.report.interactive.chart import Chart
from safecompress_core.report.interactive.page_script import (
    LIBRARIES,
    charts_json,
    library_script,
    page_charts,
)
from tests.core.fixtures.records import typed

PUBLISHED = {
    # SHA-256 of build/*.min.js in the packages vega 6.4.0, vega-lite 6.4.3 and vega-embed 7.3.0
    # of registry.npmjs.org
    "vega.min.js": "8f6a3587cf8d4f42c7e08120e3eb05d067e746d554e39d2dcf52acc0bd5ba28f",
    "vega-lite.min.js": "35a9821df838825b05a6a73e9414b58747a1b18321583858ed903c66393a5c7e",
    "vega-embed.min.js": "b1455caba2fb1a72fb46025ba0ba1316e2dbc7f0dd40a3f6040172bf9c08ba91",
}


@pytest.mark.parametrize("name", LIBRARIES)
def test_vega_is_what_its_project_has_published(name: str) -> None:
    """Unchanged, with its version and licence next to it."""
    folder = files("safecompress_core.report.interactive") / "vega"

    assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == PUBLISHED[name]
    assert name in (folder / "LICENSE").read_text(encoding="utf-8")


def test_the_library_begins_with_its_licence_and_ends_no_element() -> None:
    """A page holds it as it is; no source map is asked for."""
    script = library_script()

    assert script.startswith("/*\nVega 6.4.0")
    assert "Redistribution and use in source and binary forms" in script.partition("*/")[0]
    assert "</script" not in script.lower()
    assert "sourceMappingURL=" not in script


def test_no_name_ends_the_element_of_the_charts() -> None:
    """And JSON reads it as it was."""
    title = "</script><script>alert(1)</script> & <!-- 'naïve'"
    chart = Chart(id="c", title=title, spec={}, rows=[], columns=())

    text = charts_json([chart])

    assert "<" not in text
    assert json.loads(text)[0]["title"] == title


def test_each_chart_has_its_place_in_the_page(results: dict[str, Any]) -> None:
    """The template names all ids; a run without rounds has the attacks alone."""
    charts = page_charts(typed(results), ScoreFigures())
    folder = files("safecompress_core.report") / "templates"
    places = set(re.findall(r'"([a-z]+-live)"', (folder / "report.html").read_text()))

    assert [chart.id for chart in charts] == ["attacks-live", "tested-live", "course-live"]
    assert {chart.id for chart in charts} < places
    results |= {"rounds": [], "archive": []}
    assert [one.id for one in page_charts(typed(results), ScoreFigures())] == ["attacks-live"]
