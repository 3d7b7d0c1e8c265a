"""``safecompress pick``."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli
from safecompress_core.cli.archive_entries import other_model
from safecompress_core.results.checksums import record_all_files
from safecompress_core.results.reading import read_results
from tests.core.fixtures.records import archive_record, edited


def picked(*arguments: object) -> Result:
    """The outcome of ``safecompress pick``."""
    return CliRunner().invoke(cli, ["pick", *map(str, arguments)])


def results_of(run: Path) -> dict[str, Any]:
    """The results of a run."""
    found: dict[str, Any] = json.loads((run / "results.json").read_text())
    return found


def test_each_preference_takes_the_model_that_it_describes(finished_run: Path) -> None:
    """Performance: the best at the task. Safety: the least success of the worst attack."""
    archive = {entry["id"]: entry["objectives"] for entry in results_of(finished_run)["archive"]}

    taken = {
        preference: json.loads(picked(finished_run, "--prefer", preference, "--json").stdout)["id"]
        for preference in ("performance", "safety", "balanced")
    }

    def worst(name: str) -> float:
        return max(archive[name]["neural-blackbox"], archive[name]["attribute-probe"])

    best = max(one["performance"] for one in archive.values())
    assert archive[taken["performance"]]["performance"] == best
    assert worst(taken["safety"]) == min(map(worst, archive))
    assert taken["balanced"] in archive


def test_an_attack_of_weight_0_has_no_say(finished_run: Path) -> None:
    """Safety is weighted by the spec's weights."""
    file, results = finished_run / "results.json", results_of(finished_run)
    first = results["archive"][0]
    second = {**first, "id": "other", "objectives": {**first["objectives"]}}
    first["objectives"] |= {"neural-blackbox": 0.1, "attribute-probe": 0.9}
    second["objectives"] |= {"neural-blackbox": 0.2, "attribute-probe": 0.8}
    results["archive"] = [first, second]
    chosen = {}
    for weight in (0, 1):
        results["selection"]["attackers"]["attribute-probe"]["weight"] = weight
        file.write_text(json.dumps(results))
        record_all_files(finished_run)
        outcome = picked(finished_run, "--prefer", "safety", "--json")
        chosen[weight] = json.loads(outcome.stdout)["id"]

    assert chosen == {0: first["id"], 1: "other"}


def test_the_model_is_copied_as_it_is(finished_run: Path, tmp_path: Path) -> None:
    """Into the run's own folder, or where it is wanted."""
    entry = results_of(finished_run)["archive"][0]
    source = (finished_run / entry["file"]).read_bytes()
    wanted = tmp_path / "new" / "mine.safetensors"

    picked(finished_run, "--id", entry["id"])
    outcome = picked(finished_run, "--id", entry["id"], "--output", wanted)

    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.splitlines()[-1] == f"file  {wanted}"
    assert wanted.read_bytes() == source
    assert (finished_run / "picked" / f"{entry['id']}.safetensors").read_bytes() == source


def test_an_audited_model_is_shown_with_its_audit(finished_run: Path) -> None:
    """And with the objectives that kept it."""
    entry = next(one for one in results_of(finished_run)["archive"] if "audit" in one)

    outcome = picked(finished_run, "--id", entry["id"])

    assert "upper end of the 2·AUC − 1 of neural-blackbox" in outcome.stdout
    assert "loss-threshold (membership)" in outcome.stdout
    assert "not audited" not in outcome.stdout


def test_a_model_without_an_audit_says_so_and_how_to_have_one(finished_run: Path) -> None:
    """Figures that selected a model read too well for it."""
    results = results_of(finished_run)
    entry = results["archive"][0]
    for key in ("audit", "metrics"):
        entry.pop(key, None)
    (finished_run / "results.json").write_text(json.dumps(results))
    record_all_files(finished_run)

    outcome = picked(finished_run, "--id", entry["id"])

    assert "This model was not audited" in outcome.stdout
    assert "--set audit.front=all" in outcome.stdout
    assert json.loads(picked(finished_run, "--id", entry["id"], "--json").stdout)["audit"] is None


def test_an_unknown_id_gets_the_nearest(finished_run: Path) -> None:
    """Exit code 2: nothing was taken."""
    known = results_of(finished_run)["archive"][0]["id"]

    outcome = picked(finished_run, "--id", f"{known}x")

    assert outcome.exit_code == 2
    assert f"no model is called '{known}x'; did you mean '{known}'" in outcome.stderr
    assert not (finished_run / "picked").exists()


def test_two_ways_to_choose_are_refused(finished_run: Path) -> None:
    """They might mean different models."""
    outcome = picked(finished_run, "--id", "r1c1", "--prefer", "safety")

    assert outcome.exit_code == 2
    assert "give either --prefer or --id" in outcome.stderr


def test_without_a_choice_all_models_are_listed(finished_run: Path) -> None:
    """With their ids and objectives; nothing is copied."""
    archive = results_of(finished_run)["archive"]

    outcome = picked(finished_run)
    listed = json.loads(picked(finished_run, "--json").stdout)

    assert outcome.exit_code == 0
    rows = [line.split() for line in outcome.stdout.splitlines()]
    for entry in archive:
        [row] = [row for row in rows if row[:1] == [entry["id"]]]
        assert f"{entry['objectives']['performance']:.3f}" in row
        assert ("chosen" in row) == entry["chosen"]
    assert f"safecompress pick {finished_run} --id ID" in outcome.stdout
    assert [one["id"] for one in listed] == [entry["id"] for entry in archive]
    assert not (finished_run / "picked").exists()


def test_what_is_suggested_after_a_run_is_another_model(finished_run: Path) -> None:
    """The first preference that takes one; the list, where each takes the chosen one."""
    results = read_results(finished_run)
    attackers = results.selection.attackers
    safe = {"performance": 0.5} | dict.fromkeys(attackers, 0.1)
    good = {"performance": 0.9} | dict.fromkeys(attackers, 0.8)

    def suggested(chosen: str) -> str:
        archive = [
            archive_record(name, objectives, chosen=name == chosen)
            for name, objectives in (("safe", safe), ("good", good))
        ]
        return other_model(edited(results, {"archive": archive}), Path("runs/a"))

    assert suggested("good") == "safecompress pick runs/a --prefer safety"
    assert suggested("safe") == "safecompress pick runs/a --prefer performance"
    alone = edited(results, {"archive": [archive_record("one", safe, chosen=True)]})
    assert other_model(alone, Path("runs/a")) == "safecompress pick runs/a"


@pytest.mark.parametrize("arguments", [("--id", "r1c1"), ("--prefer", "safety")])
def test_a_run_without_an_archive_has_nothing_to_pick(
    finished_run: Path, arguments: tuple[str, ...]
) -> None:
    """A method that tests nothing keeps one model."""
    results = results_of(finished_run)
    (finished_run / "results.json").write_text(json.dumps({**results, "archive": []}))
    record_all_files(finished_run)

    outcome = picked(finished_run, *arguments)

    assert outcome.exit_code == 2
    assert "this run kept no archive" in outcome.stderr


@pytest.mark.parametrize(("content", "version"), [("{}", "None"), ('{"version": 2}', "2")])
def test_results_of_another_version_are_refused(
    finished_run: Path, content: str, version: str
) -> None:
    """Rather than read as something that they are not."""
    (finished_run / "results.json").write_text(content)
    record_all_files(finished_run)

    outcome = picked(finished_run, "--prefer", "safety")

    assert outcome.exit_code == 2
    assert f"its results have version {version}, this SafeCompress reads" in outcome.stderr


def test_a_damaged_file_is_not_copied(finished_run: Path) -> None:
    """A model that differs from its hash was never tested."""
    entry = results_of(finished_run)["archive"][0]
    file = finished_run / entry["file"]
    file.write_bytes(file.read_bytes()[:-4] + b"\1\2\3\4")

    outcome = picked(finished_run, "--id", entry["id"])

    assert outcome.exit_code == 2
    assert "the file is damaged" in outcome.stderr
    assert not (finished_run / "picked").exists()


@pytest.mark.parametrize("field", ["id", "file"])
def test_results_cannot_name_a_file_outside_the_run(finished_run: Path, field: str) -> None:
    """Neither one to read nor one to write."""
    results = results_of(finished_run)
    outside = "../../outside" if field == "id" else "../outside.safetensors"
    results["archive"][0][field] = outside
    (finished_run / "results.json").write_text(json.dumps(results))
    record_all_files(finished_run)

    outcome = picked(finished_run, "--id", results["archive"][0]["id"])

    assert outcome.exit_code == 2
    assert "outside the run directory" in outcome.stderr
    assert not list(finished_run.parent.glob("outside*"))
