"""The page of a run in a browser: hover, click, keyboard, themes, print, and no request."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.report.page import write_report
from safecompress_core.results.checksums import record_all_files

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

pytestmark = pytest.mark.slow

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
HOSTILE = "<img src=x onerror=alert(1)>"

Open = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium of this machine."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium: apt-get install chromium-headless-shell")
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=found)
        yield launched
        launched.close()


@pytest.fixture
def page_file(finished_run: Path) -> Path:
    """The page of a small run."""
    return finished_run / "report.html"


@pytest.fixture
def open_page(browser: Any, page_file: Path) -> Iterator[Open]:
    """Open the page; in the end nothing may have been logged, raised or requested."""
    heard: list[str] = []
    contexts = []

    def opened(*, width: int = 1200, **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: heard.append(f"request {request.url}"))
        page.goto(page_file.as_uri())
        if options.get("java_script_enabled", True):
            page.wait_for_selector("html[data-live]")
        return page

    yield opened
    for context in contexts:
        context.close()
    is_local = page_file.as_uri()
    assert [
        line for line in heard if not line.startswith((f"request {is_local}", "request data:"))
    ] == []


def visible(page: Any, selector: str) -> list[bool]:
    """Return of each element whether it is seen."""
    return [one.is_visible() for one in page.locator(selector).all()]


def test_every_figure_is_live_and_its_static_form_hidden(open_page: Open) -> None:
    """On opening, from a file, with nothing logged and nothing requested."""
    page = open_page()

    charts = json.loads(page.locator("#charts").text_content())
    assert page.locator("html").get_attribute("data-live") == str(len(charts))
    assert all(visible(page, ".live .view svg"))
    assert not any(visible(page, "[data-static-of]"))
    assert [chart["id"] for chart in charts] == [
        *("attacks-live", "tested-live", "course-live", "roc-live"),
        *("scores-live", "risk-live", "groups-live", "confusion-live"),
    ]


def test_a_point_under_the_pointer_is_read_in_a_tooltip(open_page: Open) -> None:
    """With the model and both measures of the axes."""
    page = open_page()
    point = page.locator("#tested-live .view g.mark-symbol.role-mark path").last
    point.hover(force=True)

    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    words = tooltip.inner_text()
    assert "strategy" in words
    assert "accuracy" in words


def test_a_click_marks_the_model_in_the_tables_and_the_other_figures(open_page: Open) -> None:
    """The same model, wherever it is."""
    page = open_page()
    page.locator("#tested-live .view g.mark-symbol.role-mark path").last.click(force=True)

    reading = page.locator("#tested-live .reading").inner_text()
    model = reading.removeprefix("model ").partition(",")[0]
    linked = page.locator("tr.linked")
    assert {row.get_attribute("data-model") for row in linked.all()} == {model}
    assert page.locator("#course-live .reading").inner_text().startswith(f"model {model},")


def test_a_row_of_the_archive_leads_to_its_point(open_page: Open) -> None:
    """By a button that says so."""
    page = open_page()
    row = page.locator("#archive tr[data-model]").first
    model = row.get_attribute("data-model")

    page.get_by_role("button", name=f"Show {model} in the figures").first.click()

    assert page.locator("#tested-live .reading").inner_text().startswith(f"model {model},")
    assert "linked" in row.get_attribute("class")


def test_a_figure_is_read_by_the_keyboard(open_page: Open) -> None:
    """Arrow keys go from row to row; what is read is announced, and is there as a table."""
    page = open_page()
    view = page.locator("#risk-live .view")
    reading = page.locator("#risk-live .reading")
    view.focus()

    page.keyboard.press("ArrowRight")
    first = reading.inner_text()
    page.keyboard.press("End")
    last = reading.inner_text()
    page.keyboard.press("Home")

    assert first.startswith("place 1, sample ")
    assert last != first == reading.inner_text()
    assert reading.get_attribute("role") == "status"
    assert "Arrow keys" in view.get_attribute("aria-label")
    page.locator("#risk-live details summary").click()
    row = page.locator("#risk-live details tbody tr").first
    row.wait_for()  # the table is made when it is opened, after the click
    cells = row.locator("td").all_inner_texts()
    assert first.startswith(f"place {cells[0]}, sample {cells[1]},")


def test_axes_can_be_any_two_measures(open_page: Open) -> None:
    """A choice changes the title of the axis and what is read."""
    page = open_page()
    lists = page.locator("#tested-live select")
    options = lists.nth(1).locator("option").all_inner_texts()

    lists.nth(1).select_option(label="density")

    assert {"accuracy", "density", "utility", "neural-blackbox: auc"} <= set(options)
    page.locator("#tested-live .view text", has_text="density →").wait_for()
    page.locator("#tested-live .view").focus()
    page.keyboard.press("ArrowRight")
    assert ", density 0.2" in page.locator("#tested-live .reading").inner_text()


def test_axes_of_the_curve_are_logarithmic_or_linear(open_page: Open) -> None:
    """Ticks tell."""
    page = open_page()
    ticks = "#roc-live .view g.role-axis-label text"
    before = page.locator(ticks).all_text_contents()

    page.locator("#roc-live select").nth(1).select_option(label="linear")

    page.locator(ticks, has_text="0.4").first.wait_for()
    assert "0.1" in before
    assert "0.4" not in before


@pytest.mark.parametrize(
    ("scheme", "ground"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 25, 29)")]
)
@pytest.mark.parametrize("width", [1200, 390])
def test_figures_follow_the_theme_and_fit_a_phone(
    open_page: Open, scheme: str, ground: str, width: int
) -> None:
    """Colours of marks are those of the page; nothing is wider than the window."""
    page = open_page(color_scheme=scheme, width=width)

    card = page.locator(".card", has=page.locator("#roc-live"))
    line = page.locator("#roc-live .view g.mark-line path").last
    role = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--ink-after')"
    )
    assert card.evaluate("one => getComputedStyle(one).backgroundColor") == ground
    assert line.get_attribute("stroke") == "var(--ink-after)"
    red, green, blue = (int(role.strip()[place : place + 2], 16) for place in (1, 3, 5))
    assert line.evaluate("one => getComputedStyle(one).stroke") == f"rgb({red}, {green}, {blue})"
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_print_has_the_static_figures(open_page: Open) -> None:
    """And none of the controls."""
    page = open_page()

    page.emulate_media(media="print")

    assert not any(visible(page, ".live"))
    assert all(visible(page, ".plates[data-static-of]"))
    assert all(visible(page, "#curves svg.panel"))


def test_without_scripts_the_page_is_whole(open_page: Open) -> None:
    """Static figures, and no empty place of a live one."""
    page = open_page(java_script_enabled=False)

    assert not any(visible(page, ".live"))
    assert all(visible(page, "#curves svg.panel"))
    assert not visible(page, ".locate")


def test_words_of_a_spec_are_text_in_figures(open_page: Open, finished_run: Path) -> None:
    """Of a strategy with markup nothing is run: not in tooltips, readings or tables."""
    file = finished_run / "results.json"
    results = json.loads(file.read_text(encoding="utf-8"))
    for record in results["rounds"]:
        for candidate in record["candidates"]:
            candidate["strategy"] = HOSTILE
    file.write_text(json.dumps(results), encoding="utf-8")
    record_all_files(finished_run)
    write_report(finished_run)
    page = open_page()

    page.locator("#tested-live .view g.mark-symbol.role-mark path").last.click(force=True)
    tooltip = page.locator("#vg-tooltip-element.visible").inner_text()
    page.locator("#tested-live details summary").click()

    assert HOSTILE in tooltip
    assert HOSTILE in page.locator("#tested-live .reading").inner_text()
    assert page.locator("img").count() == 0
