"""The page of a run: complete, self-contained, and safe against markup in a spec."""

import copy
import json
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.errors import RunDirectoryError
from safecompress_core.report.page import write_report
from safecompress_core.results.checksums import is_recorded, record_all_files
from tests.core.fixtures.page_results import page_results
from tests.core.fixtures.results import race_results

Results = dict[str, Any]
MakeRun = Callable[..., Path]

SPEC = """\
attackers:
- {type: neural-blackbox, id: null, inputs: probabilities, weight: 1.0}
audit:
  attackers:
  - {type: loss-threshold, id: null, weight: 1.0}
  - {type: attribute-probe, id: probe-mlp, attribute: digit, classifier: mlp, weight: 1.0}
choose: {type: pareto, pick: knee}
method: {type: test-driven, confidence: 0.9, density: 0.1}
name: two-attacks
"""
ENVIRONMENT = {
    "python": "3.11.7",
    "platform": "Linux",
    "packages": {"safecompress": "0.1.0", "torch": "2.6.0"},
    "device": "cpu",
    "accelerator": None,
    "threads": 1,
    "command": None,
}
HOSTILE = '<script>alert(1)</script> & "quoted" $x$'


@pytest.fixture
def results() -> Results:
    """Results as JSON, for a test to change."""
    return page_results()


@pytest.fixture
def make_run(tmp_path: Path) -> MakeRun:
    """Write the files from which a page is made into a folder."""

    def make(results: Results, *, spec: str = SPEC, folder: str = "run") -> Path:
        run = tmp_path / folder
        run.mkdir()
        (run / "results.json").write_text(json.dumps(results), encoding="utf-8")
        (run / "environment.json").write_text(json.dumps(ENVIRONMENT), encoding="utf-8")
        (run / "spec.resolved.yaml").write_text(spec, encoding="utf-8")
        record_all_files(run)
        return run

    return make


class Reader(HTMLParser):
    """Collects a page's words, its elements, and every id and reference."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.references += [given[name] for name in ("href", "src", "xlink:href") if name in given]
        self.references += re.findall(r"url\(([^)]*)\)", " ".join(given.values()))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def read(run: Path) -> Reader:
    """The page of a run, written and read."""
    return Reader(write_report(run).read_text(encoding="utf-8"))


def test_the_page_shows_every_attack_gate_round_and_archived_model(
    make_run: MakeRun, results: Results
) -> None:
    """Nothing that the results name is missing from the words of the page."""
    text = read(make_run(results)).text

    named = [*results["audit"], *results["selection"]["attackers"], *results["pools"]]
    named += [one["id"] for round_ in results["rounds"] for one in round_["candidates"]]
    named += [one["id"] for one in results["archive"]]
    missing = [name for name in named if name.replace("_", "-") not in text]
    assert not missing
    assert "Test accuracy must be at least 0.300" in text
    assert "Membership advantage must be at most 0.300" in text
    assert "misses 1 of 2 gates" in text
    assert "Null controls passed" in text
    assert "not resolvable with n = 270 non-members" in text
    assert "not distinguished in 2 of 2 rounds" in text
    assert "safecompress run RUN/spec.resolved.yaml" in text
    assert "data: 1,797 samples, input 1 x 8 x 8" in text
    assert "warning: 'digit' is private and an input" in text


@pytest.mark.parametrize("phases", [[], [{"name": "fine-tune", "epochs": 7, "density": 0.25}]])
def test_the_phases_of_a_method_are_on_the_page(
    make_run: MakeRun, results: Results, phases: list[dict[str, Any]]
) -> None:
    """Phases are in order; a method without phases has no such table."""
    results["method"]["phases"] = phases

    text = read(make_run(results)).text

    assert ("How test-driven came to its model" in text) == bool(phases)
    assert ("fine-tune" in text) == bool(phases)


def test_the_headline_says_size_leakage_and_cost(make_run: MakeRun, results: Results) -> None:
    """200,000 bytes to 20,000; advantages 0.4 to 0.2 and 0.95 to 0.8; accuracy 0.5 to 0.31."""
    page = write_report(make_run(results)).read_text(encoding="utf-8")

    headline = re.search(r'<p class="claim">(.*?)</p>', page)

    assert headline is not None
    assert headline[1] == (
        "10.0× smaller, with 50 % less membership and 16 % less attribute leakage, "
        "for 19.0 points of accuracy."
    )


def test_the_page_needs_nothing_but_itself(make_run: MakeRun, results: Results) -> None:
    """No address of another machine outside of its scripts, and references to its own ids alone.

    That the scripts request nothing is shown in a browser.
    """
    run = make_run(results)
    page = read(run)
    text = (run / "report.html").read_text(encoding="utf-8")

    assert not re.search(r"https?:|//[a-z]", re.sub(r"(?s)<script.*?</script>", "", text))
    assert not {"link", "iframe", "img", "object"} & set(page.tags)
    assert text.count("<script") == text.count("</script>") == page.tags.count("script") == 3
    assert "<script src" not in text
    assert len(text.encode()) < 3e6
    assert page.references
    assert {reference.lstrip("#") for reference in page.references} <= set(page.ids)
    assert all(reference.startswith("#") for reference in page.references)
    assert len(page.ids) == len(set(page.ids))


def test_the_same_results_give_the_same_bytes(make_run: MakeRun, results: Results) -> None:
    """Neither the folder, nor the time, nor an earlier page leaves a trace."""
    first, second = make_run(results, folder="one"), make_run(results, folder="two")

    pages = [write_report(run).read_bytes() for run in (first, second, first)]

    assert pages[0] == pages[1] == pages[2]


def test_a_page_is_written_in_the_run_directory_and_leaves_nothing_else(
    make_run: MakeRun, results: Results
) -> None:
    """No temporary file stays behind."""
    run = make_run(results)
    before = set(run.iterdir())

    page = write_report(run)

    assert page == run / "report.html"
    assert set(run.iterdir()) == {*before, page}


def test_words_of_a_spec_are_shown_and_never_obeyed(
    make_run: MakeRun, results: Results, tmp_path: Path
) -> None:
    """Names of runs, strategies, attacks, models, pools and whole specs may contain markup."""

    def renamed(old: str, table: dict[str, Any]) -> dict[str, Any]:
        return {HOSTILE if name == old else name: value for name, value in table.items()}

    results["name"] = HOSTILE
    results["data"] |= {"notes": [HOSTILE], "labels": [{"name": HOSTILE, "samples": 1}]}
    for judged in (results, results["baseline"], results["archive"][0]):
        judged["audit"] = renamed("loss-threshold", judged["audit"])
    for kind, found in results["controls"].items():
        results["controls"][kind] = renamed("loss-threshold", found)
    results["selection_gap"]["membership"]["audit"]["attacker"] = HOSTILE
    results["selection"]["also_audit"] = [HOSTILE]
    for one in results["audit"].values():
        for label in one.get("labels", []):
            label["label"] = HOSTILE
    results["archive"][0] |= {"id": HOSTILE, "strategy": HOSTILE}
    results["selection"]["attackers"] = renamed(
        "neural-blackbox", results["selection"]["attackers"]
    )
    for one in results["archive"]:
        one["objectives"] = renamed("neural-blackbox", one["objectives"])
    for round_ in results["rounds"]:
        round_["spread"] = renamed("neural-blackbox", round_["spread"])
        for one in round_["candidates"]:
            one["strategy"] = HOSTILE
            one["objectives"] = renamed("neural-blackbox", one["objectives"])
            one["attacks"] = renamed("neural-blackbox", one["attacks"])
    results["gate"][0]["measure"] = HOSTILE
    results["pools"] = renamed("audit", results["pools"])

    page = read(make_run(results, spec=f"{SPEC}# {HOSTILE}\n"))

    assert page.tags.count("script") == 3
    assert "alert(1)</script>" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert page.text.count(HOSTILE) > 20


def test_win_shares_have_a_column_where_weights_are_uncertain(
    make_run: MakeRun, results: Results
) -> None:
    """In each round and in the archive."""
    for models in (results["archive"], *(one["candidates"] for one in results["rounds"])):
        for model in models:
            model["win_share"] = 1 / 64

    text = read(make_run(results)).text

    listed = len(results["archive"]) + sum(len(one["candidates"]) for one in results["rounds"])
    assert text.count("0.016") >= listed
    assert "A win share is the share of" in text


def test_an_uncompressed_run_has_neither_rounds_nor_archive_nor_gates(
    make_run: MakeRun, results: Results
) -> None:
    """Parts that a run does not have get no section, and the headline claims no change."""
    results |= copy.deepcopy(results["baseline"])
    results |= {"rounds": [], "archive": [], "gate": [], "selection_gap": {}}
    results["selection"] |= {"attackers": {}, "bound": None}

    page = read(
        make_run(results, spec=SPEC.replace("test-driven, confidence: 0.9", "uncompressed"))
    )

    assert {"comparison", "low-fpr", "pools"} <= set(page.ids)
    assert not {"trade-off", "course", "noise", "rounds", "archive"} & set(page.ids)
    assert (
        "Same size, with no measurable change in membership and no measurable change in attribute "
        "leakage, at the same accuracy."
    ) in page.text
    assert "The spec sets no gate" in page.text


def test_a_run_that_audits_and_selects_by_no_attack_still_has_a_page(
    make_run: MakeRun, results: Results
) -> None:
    """Rounds that only performance chose, and an audit of metrics alone."""
    for judged in (results, results["baseline"], results["archive"][0]):
        judged["audit"] = {}
    results |= {"controls": {"null": {}, "planted": {}}, "gate": results["gate"][:1]}
    results["selection_gap"] = {}
    results["selection"]["attackers"] = {}
    for round_ in results["rounds"]:
        del round_["spread"]["neural-blackbox"]
        for one in round_["candidates"]:
            one["attacks"] = {}
            del one["objectives"]["neural-blackbox"]
    for one in results["archive"]:
        del one["objectives"]["neural-blackbox"]

    page = read(make_run(results))

    assert "No attack tested the candidates" in page.text
    assert "No attack on membership was audited" in page.text
    assert {"course", "rounds"} <= set(page.ids)
    assert "exposure" not in page.ids


def test_a_failed_control_stands_at_the_top(make_run: MakeRun, results: Results) -> None:
    """Figures that prove nothing are not shown as a success."""
    results["controls"]["null"]["loss-threshold"]["passed"] = False

    text = read(make_run(results)).text

    assert "1 of 1 null controls failed" in text
    assert "Planted-leak controls passed" in text
    assert text.index("VOID: the null control failed") < text.index("Before and after")
    assert "% less" not in text


@pytest.mark.parametrize(
    ("passed", "word"),
    [((True, True), "PASSED"), ((True, False), "FAILED"), ((), "NO GATES")],
)
def test_the_page_leads_with_the_verdict(
    make_run: MakeRun, results: Results, passed: tuple[bool, ...], word: str
) -> None:
    """The comparison with the uncompressed model follows below it."""
    results["gate"] = results["gate"][: len(passed)]
    for gate, met in zip(results["gate"], passed, strict=True):
        gate["passed"] = met

    page = write_report(make_run(results)).read_text(encoding="utf-8")
    text = Reader(page).text

    heading = re.search(r"<h1>(.*?)</h1>", page)
    assert heading is not None
    assert f">{word}</span>" in heading[1]
    assert text.index(f"{word}: ") < text.index("10.0× smaller")


def test_worst_cases_that_did_not_improve_are_amber(make_run: MakeRun, results: Results) -> None:
    """TPR at 10 % and the most exposed tenth are those of the uncompressed model here."""
    page = write_report(make_run(results)).read_text(encoding="utf-8")

    tiles = re.findall(r'<dd class="change (\w+)">(.*?)</dd>', page)
    assert tiles.count(("caution", "did not improve")) == 2
    assert "2 worst-case figures did not improve beyond the noise</span>" in page
    assert "Selection understated the leak</span>" in page
    amber = re.findall(r'<td class="[^"]*caution"[^>]*>(\d\.\d+)', page)
    assert amber == ["0.200", "0.700"]


def test_every_cell_of_a_wide_table_names_its_column(make_run: MakeRun, results: Results) -> None:
    """On a narrow screen a row becomes a list, where each cell shows its column's name."""
    page = write_report(make_run(results)).read_text(encoding="utf-8")

    wide = re.findall(r'<table class="stacks">(.*?)</table>', page, re.DOTALL)
    cells = [cell for table in wide for cell in re.findall(r"<td([^>]*)>(.*?)</td>", table)]
    assert len(wide) >= 6
    nameless = [found for found in cells if found[1] and "data-label" not in found[0]]
    assert all("colspan" in attributes for attributes, _ in nameless)


def test_each_attack_is_described_in_its_own_words(make_run: MakeRun, results: Results) -> None:
    """The summary is found by type, not by id, in the audit as in selection."""
    text = read(make_run(results)).text
    section = text[text.index("What the attacks are") : text.index("The data")]

    for summary in results["attacks"].values():
        assert section.count(summary) == 1
    assert section.index("probe-mlp") < section.index("Reads the attribute")


def test_the_command_line_is_shown_with_its_directory(make_run: MakeRun, results: Results) -> None:
    """As it was given; the run directory alone would not do for relative paths."""
    run = make_run(results)
    line = "safecompress run 'my specs/a.yaml' --set training.epochs=4 --plugins-dir ours"
    environment = ENVIRONMENT | {"command": {"line": line, "directory": "/home/a b"}}
    (run / "environment.json").write_text(json.dumps(environment), encoding="utf-8")
    record_all_files(run)

    text = read(run).text

    assert line in text
    assert "From the directory /home/a b:" in text
    assert "RUN/spec.resolved.yaml" not in text


def test_attackers_that_selected_are_named_at_the_top(make_run: MakeRun, results: Results) -> None:
    """The spec allows them to audit, and the warning comes before all figures."""
    results["selection"]["also_audit"] = ["loss-threshold"]

    text = read(make_run(results)).text

    assert text.index("Selecting attackers audit too") < text.index("Before and after")
    assert "loss-threshold selected too (allow_selectors: true)" in text


def test_what_averages_hide_has_its_section(make_run: MakeRun, results: Results) -> None:
    """Precision, the highest scores, ε, and a table by label that marks those with few samples."""
    text = read(make_run(results)).text
    section = text[text.index("Averages hide who is exposed") :]

    for said in (
        "precision at prior 0.1",
        "top 10 % members (guess 0.500)",
        "51 of 67 right",
        "0.300–0.500",
        "fewer than 10 members or non-members",
    ):
        assert said in section
    assert "selection understated the leak by 0.100" in text


def test_several_carried_models_are_all_named_as_chosen(
    make_run: MakeRun, results: Results
) -> None:
    """With a beam of two, a round goes on with two candidates."""
    results["rounds"][0]["candidates"][1]["chosen"] = True

    text = read(make_run(results)).text

    assert "the 2 that cover most of the front" in text


@pytest.mark.parametrize("name", ["results.json", "spec.resolved.yaml", "environment.json"])
def test_what_was_changed_gets_no_page(make_run: MakeRun, results: Results, name: str) -> None:
    """A page shows recorded files only."""
    run = make_run(results)
    (run / name).write_bytes((run / name).read_bytes() + b" ")

    with pytest.raises(RunDirectoryError, match=f"{name}: was changed or damaged"):
        write_report(run)

    assert not (run / "report.html").exists()


def test_a_page_is_recorded(make_run: MakeRun, results: Results) -> None:
    """The record keeps its other files, and is updated if the page is written again."""
    run = make_run(results)

    for _ in range(2):
        page = write_report(run)
        assert is_recorded(run, page.name)
    page.write_text("other")

    assert not is_recorded(run, page.name)
    assert is_recorded(run, "results.json")


@pytest.mark.parametrize("name", ["results.json", "spec.resolved.yaml", "environment.json"])
def test_a_missing_file_is_named(make_run: MakeRun, results: Results, name: str) -> None:
    """A directory without all files of a finished run gets no page."""
    run = make_run(results)
    (run / name).unlink()

    with pytest.raises(RunDirectoryError, match=name):
        write_report(run)

    assert not (run / "report.html").exists()


def test_a_page_is_made_without_torch_and_without_pyplot() -> None:
    """A report loads quickly, and leaves the user's open figures unchanged."""
    code = (
        "import sys, safecompress_core.report.page; "
        "print([name for name in ('torch', 'matplotlib.pyplot') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_race_shows_each_lineage_and_the_end_of_it(make_run: MakeRun) -> None:
    """Table, figures and rounds speak of lineages, of candidates where one is left."""
    page = read(make_run(race_results().to_json()))
    race = page.text[
        page.text.index("The race, round by round") : page.text.rindex("Resolution of")
    ]
    rounds = page.text[page.text.index("Lineages are compared in pairs") :]

    assert "The rounds cost 2 plain trainings." in race
    assert "outranked by lineage 2 (r2c1), by accuracy, as no attack distinguishes them" in race
    assert "dominated by lineage 2 (r1c2): significantly worse in every objective" in race
    assert "Of an attack on membership 2·AUC − 1 counts" in race
    assert "Learning, round by round" not in page.text
    assert "lineages 1, 2" in rounds
    assert "Round 1: all 3 lineages" in rounds
    assert "Round 3: all 2 candidates" in rounds


def test_a_run_of_one_lineage_has_no_race(make_run: MakeRun, results: Results) -> None:
    """It shows how its candidates learned."""
    text = read(make_run(results)).text

    assert "Learning, round by round" in text
    assert "lineage" not in text[: text.index("Run it again")].lower()
