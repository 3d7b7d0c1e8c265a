"""``safecompress verify``."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from safecompress_core.cli import cli
from safecompress_core.results.checksums import record_all_files
from safecompress_core.results.integrity import Status, check_recorded_files
from safecompress_core.results.run_id import directory_name

Damage = Callable[[Path], None]


def verified(*arguments: object) -> Result:
    """The outcome of ``safecompress verify``."""
    return CliRunner().invoke(cli, ["verify", *map(str, arguments)])


def statuses(run: Path) -> dict[str, str]:
    """Return the checks that are not ok, from ``--json``."""
    found = json.loads(verified(run, "--json").stdout)
    return {one["check"]: one["status"] for one in found["checks"] if one["status"] != "ok"}


def edited(change: Callable[[dict[str, Any]], object]) -> Damage:
    """Damage to the results."""

    def damage(run: Path) -> None:
        results = json.loads((run / "results.json").read_text())
        change(results)
        (run / "results.json").write_text(json.dumps(results))

    return damage


def replaced(file: str, old: str, new: str) -> Damage:
    """Damage to a text file."""

    def damage(run: Path) -> None:
        text = (run / file).read_text()
        assert old in text
        (run / file).write_text(text.replace(old, new, 1))

    return damage


def flipped(file: str) -> Damage:
    """One changed bit in a binary file."""

    def damage(run: Path) -> None:
        content = bytearray((run / file).read_bytes())
        content[-1] ^= 1
        (run / file).write_bytes(content)

    return damage


def swapped(run: Path) -> None:
    """An undamaged model instead of another."""
    (run / "model" / "model.safetensors").write_bytes(
        (run / "baseline" / "model.safetensors").read_bytes()
    )


MODEL, BASELINE = "model/model.safetensors", "baseline/model.safetensors"


def test_an_untouched_run_passes(first_outcome: tuple[Result, Path]) -> None:
    """Every check is ok, and nothing has to be trained for it."""
    _, run = first_outcome

    outcome = verified(run)

    assert outcome.exit_code == 0
    assert outcome.stdout.splitlines()[-1] == f"{run}: everything fits"
    assert statuses(run) == {}


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        (flipped(MODEL), MODEL),
        (flipped(BASELINE), BASELINE),
        (swapped, MODEL),
        (lambda run: (run / BASELINE).unlink(), BASELINE),
        (edited(lambda r: r["model"].update(density=0.1)), MODEL),
        (edited(lambda r: r["model"].update(active=7)), MODEL),
        (edited(lambda r: r["archive"][0].update(file_bytes=7)), "archive/"),
        (edited(lambda r: r["rounds"][0]["candidates"].clear()), "archive/"),
        (edited(lambda r: r["files"].update({"archive/x.safetensors": ""})), "results.json: files"),
        (edited(lambda r: r["pools"]["audit"].update(members=7)), "results.json: pools"),
        (edited(lambda r: r["pools"]["select"].update(members=7)), "results.json: pools"),
        (edited(lambda r: r["gate"][0].update(passed=False)), "results.json: gate"),
        (
            edited(lambda r: r["metrics"]["accuracy"].update(interval=[0, 1])),
            "results.json: gate",
        ),
        (edited(lambda r: r.pop("pools")), "results.json"),
        (replaced("events.jsonl", '{"event"', '{"eve'), "events.jsonl"),
        (lambda run: (run / "events.jsonl").write_text(""), "events.jsonl"),
        (replaced("spec.resolved.yaml", "seed: 3", "seed: 4"), "name"),
        (replaced("spec.resolved.yaml", "name: tiny", "name: [tiny"), "name"),
    ],
)
def test_damage_is_found_where_it_is(finished_run: Path, damage: Damage, check: str) -> None:
    """Exit code 1, and few other checks fail, even if the record of hashes was written anew."""
    damage(finished_run)
    record_all_files(finished_run)

    outcome = verified(finished_run)

    assert outcome.exit_code == 1
    found = {name for name, status in statuses(finished_run).items() if status == "damaged"}
    assert any(name.startswith(check) for name in found)
    assert len(found) < 5
    assert "checks failed" in outcome.stdout.splitlines()[-1]


def test_another_version_of_what_the_spec_names_is_a_warning(finished_run: Path) -> None:
    """The run is as it was; only doing it again would give another one."""
    plugins = json.loads((finished_run / "plugins.json").read_text())
    [metric] = [one for one in plugins if (one["kind"], one["name"]) == ("metric", "accuracy")]
    metric["version"] = "0.0.1"
    (finished_run / "plugins.json").write_text(json.dumps(plugins))
    record_all_files(finished_run)
    spec = YAML(typ="safe", pure=True).load(finished_run / "spec.resolved.yaml")
    older = finished_run.rename(finished_run.with_name(directory_name(spec, plugins)))

    outcome = verified(older)

    assert outcome.exit_code == 0
    text = " ".join(outcome.stdout.split())
    assert "warning plugins.json others are installed now" in text
    assert "metric accuracy 0.0.1" in text


def test_a_plugin_that_the_spec_does_not_name_changes_nothing(
    finished_run: Path, tmp_path: Path
) -> None:
    """It took no part, so the spec still gives this run."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "acme.py").write_text(
        "from safecompress_core.api import MetricDef, Params, hookimpl\n"
        "@hookimpl\n"
        "def safecompress_metrics():\n"
        "    yield MetricDef(name='acme', params=Params, target='a:b', summary='Trial.')\n"
    )

    outcome = verified(finished_run, "--plugins-dir", folder)

    assert outcome.exit_code == 0
    assert "warning" not in outcome.stdout


def test_a_renamed_directory_is_a_warning(finished_run: Path) -> None:
    """Renaming a directory changes no result."""
    renamed = finished_run.rename(finished_run.with_name("the-good-one"))

    assert statuses(renamed) == {"name": "warning"}
    assert verified(renamed).exit_code == 0


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda run: (run / "results.json").unlink(), "is this a finished run?"),
        (lambda run: (run / "results.json").write_text("{"), "not JSON"),
        (edited(lambda r: r.update(version=9)), "its results have version 9"),
    ],
)
def test_without_results_there_is_nothing_to_verify(
    finished_run: Path, damage: Damage, message: str
) -> None:
    """Exit code 2: nothing was verified."""
    damage(finished_run)
    if (finished_run / "results.json").exists():
        record_all_files(finished_run)

    outcome = verified(finished_run)

    assert outcome.exit_code == 2
    assert message in outcome.stderr


def final_files(run: Path) -> list[str]:
    """Return every file of a run except hidden ones."""
    paths = [path for path in run.rglob("*") if path.is_file() and path.name[0] != "."]
    return sorted(path.relative_to(run).as_posix() for path in paths)


def test_a_flipped_bit_is_found_in_every_file(finished_run: Path) -> None:
    """The first, a middle and the last byte of each, the record itself included."""
    files = final_files(finished_run)
    assert {"results.json", "report.html", "events.jsonl", "environment.json"} < set(files)
    assert {"SHA256SUMS", "identity.json", "model/model.safetensors"} < set(files)

    missed = []
    for file in files:
        path = finished_run / file
        whole = path.read_bytes()
        for place in {0, len(whole) // 2, len(whole) - 1}:
            for bit in (1, 32):
                path.write_bytes(whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :])
                checks = check_recorded_files(finished_run)
                if not any(check.status is Status.DAMAGED for check in checks):
                    missed.append((file, place, bit))
        path.write_bytes(whole)

    assert missed == []
    assert statuses(finished_run) == {}


@pytest.mark.parametrize("file", ["results.json", "events.jsonl", "report.html", "SHA256SUMS"])
def test_damage_that_the_record_shows_ends_with_1(finished_run: Path, file: str) -> None:
    """And the file is named."""
    flipped(file)(finished_run)

    outcome = verified(finished_run)

    assert outcome.exit_code == 1
    assert statuses(finished_run)[file] == "damaged"


def test_a_file_that_is_gone_is_damage_and_one_that_came_is_a_warning(finished_run: Path) -> None:
    """An additional file, such as a note, changes no result."""
    (finished_run / "environment.json").unlink()
    (finished_run / "note.txt").write_text("the good one")

    found = statuses(finished_run)

    assert found == {"environment.json": "damaged", "note.txt": "warning"}


def test_checkpoints_may_be_deleted(finished_run: Path) -> None:
    """They are as large as the models, and a finished run does not go on."""
    shutil.rmtree(finished_run / "checkpoints")

    assert statuses(finished_run) == {"SHA256SUMS": "warning"}
    assert verified(finished_run).exit_code == 0


def test_a_run_without_its_record_does_not_pass(finished_run: Path) -> None:
    """Otherwise removing the record would hide any change."""
    (finished_run / "SHA256SUMS").unlink()

    outcome = verified(finished_run)

    assert outcome.exit_code == 1
    assert "not finished, or has lost this record" in " ".join(outcome.stdout.split())


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="coreutils are not there")
def test_the_record_is_read_by_sha256sum(finished_run: Path) -> None:
    """Also after a report was written again and a model was picked."""
    runner = CliRunner()
    assert runner.invoke(cli, ["report", str(finished_run)]).exit_code == 0
    picked = runner.invoke(cli, ["pick", str(finished_run), "--prefer", "safety"])
    assert picked.exit_code == 0, picked.output
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]

    good = subprocess.run(command, cwd=finished_run, capture_output=True, text=True, check=False)
    flipped("results.json")(finished_run)
    bad = subprocess.run(command, cwd=finished_run, capture_output=True, text=True, check=False)

    assert good.returncode == 0, good.stdout + good.stderr
    listed = {line.removesuffix(": OK") for line in good.stdout.splitlines()}
    assert listed == set(final_files(finished_run)) - {"SHA256SUMS"}
    assert any(file.startswith("picked/") for file in listed)
    assert bad.returncode == 1
    assert "results.json: FAILED" in bad.stdout


@pytest.mark.parametrize("command", [["report"], ["pick", "--prefer", "safety"], ["inspect"]])
def test_changed_results_are_not_shown(finished_run: Path, command: list[str]) -> None:
    """A printed verdict is always the one that the run wrote."""
    edited(lambda r: r["gate"][0].update(passed=False))(finished_run)

    outcome = CliRunner().invoke(cli, [command[0], str(finished_run), *command[1:]])

    assert outcome.exit_code == 2
    assert "results.json: was changed or damaged" in outcome.stderr
