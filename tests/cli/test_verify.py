"""``safecompress verify``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from ruamel.yaml import YAML

from safecompress_core.cli import cli
from safecompress_core.engine.naming import directory_name

Damage = Callable[[Path], None]


def verified(*arguments: object) -> Result:
    """The outcome of ``safecompress verify``."""
    return CliRunner().invoke(cli, ["verify", *map(str, arguments)])


def statuses(run: Path) -> dict[str, str]:
    """What ``--json`` tells of each check that is not ok."""
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
    """A sound model in the place of another."""
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
        (edited(lambda r: r.pop("pools")), "results.json: pools"),
        (replaced("events.jsonl", '{"event"', '{"eve'), "events.jsonl"),
        (lambda run: (run / "events.jsonl").write_text(""), "events.jsonl"),
        (replaced("spec.resolved.yaml", "seed: 3", "seed: 4"), "name"),
        (replaced("spec.resolved.yaml", "name: tiny", "name: [tiny"), "name"),
    ],
)
def test_damage_is_found_where_it_is(finished_run: Path, damage: Damage, check: str) -> None:
    """Exit code 1; what is sound beside it stays ok."""
    damage(finished_run)

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
    """A person may call it what they like."""
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
    """Exit code 2: nothing was found out."""
    damage(finished_run)

    outcome = verified(finished_run)

    assert outcome.exit_code == 2
    assert message in outcome.stderr
