"""``safecompress compare``."""

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli

COMPARISON = """\
version: 1
name: tiny-comparison
base: {base}
seeds: [1, 2]
densities: [0.2]
changes: {{device: cpu, training: {{epochs: 2}}, audit: {{front: chosen}}, gate: []}}
variants:
  - method: {{rounds: 1}}
  - name: uncompressed-re2
    method: {{type: uncompressed, defences: [{{type: entropy, weight: 0.1}}]}}
"""


def run(spec: Path, into: Path, *arguments: str) -> Result:
    """The outcome of ``safecompress compare``."""
    return CliRunner().invoke(cli, ["compare", str(spec), "--into", str(into), *arguments])


@pytest.fixture(scope="module")
def spec(tiny_spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two variants with two seeds."""
    path = tmp_path_factory.mktemp("comparison") / "comparison.yaml"
    path.write_text(COMPARISON.format(base=tiny_spec))
    return path


@pytest.fixture(scope="module")
def finished(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """Output of the command, and the comparison's folder."""
    into = tmp_path_factory.mktemp("comparisons")
    outcome = run(spec, into)
    assert outcome.exception is None, outcome.stderr
    return outcome, into / "tiny-comparison"


def record(folder: Path) -> dict[str, Any]:
    """The content of ``comparison.json``."""
    found: dict[str, Any] = json.loads((folder / "comparison.json").read_text())
    return found


def test_it_prints_a_table_and_where_things_lie(finished: tuple[Result, Path]) -> None:
    """A row for each variant and the uncompressed model; on standard error a line for each run."""
    outcome, folder = finished

    assert outcome.exit_code == 0
    for expected in ("accuracy", "TM", "uncompressed", "test-driven", "Means over 2 seeds"):
        assert expected in outcome.stdout
    assert "[4/4] uncompressed-re2, seed 2: done" in outcome.stderr
    for suffix in ("json", "csv", "md", "tex", "html"):
        assert (folder / f"comparison.{suffix}").stat().st_size > 0
        assert str(folder / f"comparison.{suffix}") in outcome.stdout


def test_its_json_has_a_mean_and_an_interval_for_each_figure(
    finished: tuple[Result, Path], spec: Path
) -> None:
    """As documented."""
    found = record(finished[1])

    names = [(one["name"], one["method"], one["density"]) for one in found["variants"]]
    assert names == [
        ("uncompressed", "uncompressed", None),
        ("test-driven", "test-driven", 0.2),
        ("uncompressed-re2", "uncompressed", None),
    ]
    own = found["variants"][1]
    assert own["seeds"] == [1, 2]
    for figure in (
        *("task_accuracy", "mia_accuracy", "tm_score", "bytes", "seconds"),
        *("auc", "lift", "trainings", "steps", "cpu_seconds"),
    ):
        assert own[figure]["interval"][0] <= own[figure]["mean"] <= own[figure]["interval"][1]
    assert own["audit"]["loss-threshold"]["auc"]["mean"] == own["auc"]["mean"]
    for score, task, mia in zip(
        *(own[one]["values"] for one in ("tm_score", "task_accuracy", "mia_accuracy")), strict=True
    ):
        assert score == pytest.approx(task / mia)
    assert found["failures"] == []
    words = shlex.split(found["command"])
    assert words[:2] == ["safecompress", "compare"]
    assert words[2:] == [str(spec), "--into", str(finished[1].parent)]
    assert found["directory"] == str(Path.cwd())
    for run_ in (finished[1] / "runs").iterdir():
        recorded = json.loads((run_ / "environment.json").read_text())["command"]
        assert recorded["line"] == found["command"]
    assert own["verdicts"] == {"NO GATES": 2}
    assert "NO GATES: the specs set none" in finished[0].stdout


def test_the_big_model_of_a_seed_is_trained_once(finished: tuple[Result, Path]) -> None:
    """All runs of the seed have the same file."""
    _, folder = finished
    files = sorted((folder / "runs").glob("*/baseline/model.safetensors"))

    assert len(files) == 4
    assert len({file.read_bytes() for file in files}) == 2
    assert len(list((folder / "shared" / "uncompressed").iterdir())) == 2


def test_the_big_model_of_a_seed_is_audited_once(finished: tuple[Result, Path]) -> None:
    """The other run of the seed reuses its results."""
    _, folder = finished
    audited: dict[int, list[str]] = {1: [], 2: []}
    found: dict[int, list[Any]] = {1: [], 2: []}

    for path in (folder / "runs").iterdir():
        results = json.loads((path / "results.json").read_text())
        found[results["seed"]].append(results["baseline"])
        for event in map(json.loads, (path / "events.jsonl").read_text().splitlines()):
            if event["event"] == "attack_finished" and event.get("model") == "uncompressed":
                audited[results["seed"]].append(event["attacker"])

    for seed in (1, 2):
        assert found[seed][0] == found[seed][1]
        assert sorted(audited[seed]) == sorted(found[seed][0]["audit"])


def test_a_finished_comparison_is_only_shown(spec: Path, finished: tuple[Result, Path]) -> None:
    """Its results do not change, nor do those of its runs."""
    _, folder = finished
    before = record(folder)
    models = {path: path.stat().st_mtime_ns for path in folder.rglob("model.safetensors")}

    again = run(spec, folder.parent, "--json")

    assert json.loads(again.stdout) == before == record(folder)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("model.safetensors")} == models


@pytest.mark.slow
@pytest.mark.usefixtures("forked_workers")
def test_several_workers_find_the_same(
    spec: Path, finished: tuple[Result, Path], tmp_path: Path
) -> None:
    """Only seconds depend on where a run is done."""
    outcome = run(spec, tmp_path, "--workers", "2")

    assert outcome.exit_code == 0, outcome.stderr
    folders = (finished[1], tmp_path / "tiny-comparison")
    for one, other in zip(*(record(one)["variants"] for one in folders), strict=True):
        assert one["task_accuracy"] == other["task_accuracy"]
        assert one["audit"] == other["audit"]


def test_a_dry_run_shows_what_is_left(spec: Path, finished: tuple[Result, Path]) -> None:
    """With the time that training takes at the pace of this machine."""
    fresh = run(spec, finished[1].parent / "elsewhere", "--dry-run")
    told = json.loads(run(spec, finished[1].parent, "--dry-run", "--json").stdout)

    assert "test-driven at density 0.2, seed 1" in fresh.stdout
    assert "all training at this pace" in fresh.stdout
    assert fresh.stdout.splitlines()[1].split() == ["run", "trainings", "epochs", "tests"]
    assert all(one["trainings"] >= 1 for one in told["runs"])
    assert not (finished[1].parent / "elsewhere").exists()
    assert [one["is_done"] for one in told["runs"]] == [True] * 4
    assert told["epochs"] == told["seconds"] == 0


def test_a_dry_run_tells_which_runs_are_stale(
    spec: Path, finished: tuple[Result, Path], tmp_path: Path
) -> None:
    """Inputs of finished runs are hashed again, as by the comparison itself."""
    folder = tmp_path / "tiny-comparison"
    shutil.copytree(finished[1], folder)
    first, *_ = [one["directory"] for one in record_of_plan(spec, tmp_path)]
    identity = folder / "runs" / first / "identity.json"
    known = json.loads(identity.read_text())
    identity.write_text(json.dumps({**known, "the label names": "of another time"}))

    told = record_of_plan(spec, tmp_path)
    shown = run(spec, tmp_path, "--dry-run").stdout

    assert [one["is_done"] for one in told] == [False, True, True, True]
    assert [one["changed"] for one in told] == [["the label names"], [], [], []]
    assert f"changed since it began: the label names; remove runs/{first} of" in shown


def record_of_plan(spec: Path, into: Path) -> list[dict[str, Any]]:
    """The runs of a dry run."""
    runs: list[dict[str, Any]] = json.loads(run(spec, into, "--dry-run", "--json").stdout)["runs"]
    return runs


def test_a_run_that_fails_takes_nothing_from_the_others(tiny_spec: Path, tmp_path: Path) -> None:
    """Its reason is printed, and the exit code is 2."""
    spec = tmp_path / "comparison.yaml"
    text = COMPARISON.format(base=tiny_spec).replace("seeds: [1, 2]", "seeds: [1]")
    text = text.replace("densities: [0.2]\n", "")  # no variant of these has one
    broken = (
        "name: uncompressed-fast, method: {type: uncompressed}, training: {learning_rate: 1e30}"
    )
    spec.write_text(text.replace("method: {rounds: 1}", broken.replace(", ", "\n    ")))

    outcome = run(spec, tmp_path)

    assert outcome.exit_code == 2
    [failure] = record(tmp_path / "tiny-comparison")["failures"]
    assert failure["label"] == "uncompressed-fast, seed 1"
    assert "no longer a number" in failure["reason"]
    assert "not finished: uncompressed-fast, seed 1" in " ".join(outcome.stdout.split())
    assert "uncompressed-re2" in outcome.stdout


def test_an_invalid_comparison_is_refused_before_anything_is_done(
    spec: Path, tmp_path: Path
) -> None:
    """With exit code 1, by compare and by validate alike."""
    change = ("--set", "variants.0.method.rounds=0")
    outcomes = [
        run(spec, tmp_path, *change),
        CliRunner().invoke(cli, ["validate", str(spec), *change]),
    ]

    for outcome in outcomes:
        assert outcome.exit_code == 1
        assert "method.rounds: 0 is less than 1" in outcome.stdout + outcome.stderr
    assert list(tmp_path.iterdir()) == []
    assert CliRunner().invoke(cli, ["validate", str(spec)]).exit_code == 0


SMALL = """\
version: 1
name: small
task: {data: {type: made-up, samples: 100, classes: 2}, model: {type: alexnet}}
training: {epochs: 2, batch_size: 30}
method: {type: prune, density: 0.5}
audit: {attackers: [{type: loss-threshold}]}
"""
TWO = """\
version: 1
name: two
base: small.yaml
variants:
  - {}
  - {%s}
"""


@pytest.mark.parametrize(
    ("variant", "told"),
    [
        (
            "name: distill-kd, method: {type: distill, density: 0.5, defences: "
            "[{type: distillation}]}",
            (
                "method.defences.0.type",
                "'distill' cannot host the defence 'distillation'",
                "or use a method that can: grasp, lottery",
            ),
        ),
        (
            "name: prune-dmp, method: {defences: [{type: dmp}]}",
            (
                "method.defences.0.type",
                "'dmp' learns from samples that are no members, and there are none for it",
                "write pools.reference: 0.5, say",
            ),
        ),
        (
            "name: prune-dp, method: {defences: [{type: dp-sgd, noise: 1}]}",
            (
                "method.defences.0.type",
                "dp-sgd does not support '1' (BatchNorm2d) and 6 more",
                "take 'normalisation: group'",
            ),
        ),
        (
            "name: rigl, method: {type: rigl, density: 1.0e-7}",
            (
                "method.density",
                "without a single weight",
                "the smallest density that leaves no layer empty is",
            ),
        ),
        (
            "name: prune-other, pools: {members: 0.4}",
            (
                "pools.members",
                "0.4 here, and 0.5 for 'prune'",
                "write it under 'changes'",
            ),
        ),
    ],
    ids=["a host", "reference data", "batch normalisation", "a density", "other pools"],
)
@pytest.mark.parametrize("arguments", [("--dry-run",), ()], ids=["dry run", "run"])
def test_a_variant_that_cannot_be_done_is_refused_before_anything_is_trained(
    tmp_path: Path, arguments: tuple[str, ...], variant: str, told: tuple[str, ...]
) -> None:
    """At its line, with what to write instead; the variants before it are not begun either."""
    (tmp_path / "small.yaml").write_text(SMALL)
    spec = tmp_path / "two.yaml"
    spec.write_text(TWO % variant)

    outcome = run(spec, tmp_path / "comparisons", *arguments)

    assert outcome.exit_code == 1
    shown = outcome.stdout + outcome.stderr
    for expected in (f"{spec}:6:", *told):
        assert expected in shown
    assert not (tmp_path / "comparisons").exists()


def test_a_run_whose_results_were_changed_is_told_and_left_out(
    finished: tuple[Result, Path], spec: Path, tmp_path: Path
) -> None:
    """The others are compared all the same."""
    shutil.copytree(finished[1], tmp_path / "tiny-comparison")
    runs = sorted((tmp_path / "tiny-comparison" / "runs").iterdir())
    results = runs[0] / "results.json"
    results.write_text(results.read_text() + " ")

    outcome = run(spec, tmp_path)

    assert outcome.exit_code == 2
    assert f"could not be finished: {results}: was changed or damaged" in outcome.stderr
    failures = record(tmp_path / "tiny-comparison")["failures"]
    assert [one["reason"].partition(";")[0] for one in failures] == [
        f"{results}: was changed or damaged"
    ]
