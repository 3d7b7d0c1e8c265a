"""``safecompress audit``."""

import html
import json
import re
import shlex
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from numpy.typing import NDArray
from safetensors.torch import save_file
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F

from safecompress_core.cli import cli
from safecompress_core.install_command import install_command

ROOT = Path(__file__).parents[4]
MLP = {"type": "mlp", "hidden": [32]}
ATTACKERS = [{"type": "loss-threshold"}, {"type": "modified-entropy"}, {"type": "gap"}]
GATE = [
    {"measure": "accuracy", "at_least": 0.5},
    {"measure": "membership.advantage", "at_most": 0.9},
]

Arrays = dict[str, NDArray[Any]]


@pytest.fixture(scope="module")
def digits() -> Arrays:
    """The digits of scikit-learn; of the first 800 every other one is a member."""
    inputs, labels = load_digits(return_X_y=True)
    return {
        "inputs": (inputs[:800] / 16).astype(np.float32),
        "labels": labels[:800],
        "members": np.arange(800) % 2 == 0,
    }


@pytest.fixture(scope="module")
def model(digits: Arrays) -> nn.Sequential:
    """A network that has memorised the members."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    inputs = torch.from_numpy(digits["inputs"][digits["members"]])
    labels = torch.from_numpy(digits["labels"][digits["members"]])
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
    return network.eval()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, digits: Arrays, model: nn.Module) -> Path:
    """The model and its data as files: with a column, and in two files."""
    folder = tmp_path_factory.mktemp("audit")
    save_file(model.state_dict(), folder / "model.safetensors")
    np.savez(folder / "column.npz", **digits)  # type: ignore[arg-type]
    for name, rows in (("in", digits["members"]), ("out", ~digits["members"])):
        np.savez(
            folder / f"{name}.npz",
            **{key: array[rows] for key, array in digits.items() if key != "members"},  # type: ignore[arg-type]
        )
    return folder


def spec_of(place: Path, name: str, **changes: Any) -> Path:
    """Write a spec of an audit into the folder; ``task`` and others replace its sections."""
    content = {
        "version": 1,
        "kind": "audit",
        "name": name,
        "task": {"data": data(place), "model": MLP},
        # Digits are in order, so more members are even.
        "audit": {"attackers": ATTACKERS, "accept_shift": True},
        "gate": GATE,
        **changes,
    }
    path = place / f"{name}.yaml"
    path.write_text(json.dumps(content))
    return path


def data(place: Path, file: str = "column.npz", **more: Any) -> dict[str, Any]:
    """Fields of a spec that read a file of digits."""
    sides = {"members": "members"} if file == "column.npz" else {}
    return {"type": "numpy", "path": str(place / file), **sides, **more}


def audited(place: Path, spec: Path, *arguments: str, model: str = "model.safetensors") -> Result:
    """The outcome of the command."""
    command = ["audit", str(place / model), "--spec", str(spec), "--runs-dir", str(place / "runs")]
    return CliRunner().invoke(cli, [*command, "--device", "cpu", *arguments])


def results_of(outcome: Result, *, exit_code: int = 0) -> dict[str, Any]:
    """The results that were printed as JSON, or a failure that shows what was printed instead."""
    assert outcome.exit_code == exit_code, outcome.output
    found: dict[str, Any] = json.loads(outcome.stdout)
    return found


@pytest.fixture(scope="module")
def first(place: Path) -> tuple[Result, Path]:
    """An audit by a column, and its directory."""
    outcome = audited(place, spec_of(place, "first"))
    assert outcome.exit_code == 0, outcome.output
    [directory] = (place / "runs").glob("first-*")
    return outcome, directory


def test_an_audit_ends_as_a_run_does(first: tuple[Result, Path]) -> None:
    """Table, controls, gates, verdict, places; of one model, since there is no other."""
    outcome, directory = first

    for expected in (
        "loss-threshold (membership)",
        "✓ Null control, membership drawn at random",
        "✓ Planted-leak control",
        "✓ Test accuracy must be at least 0.500.",
        "PASSED: the model meets both gates.",
        str(directory / "results.json"),
    ):
        assert expected in outcome.stdout
    assert "compressed" not in outcome.stdout
    names = {path.name for path in directory.iterdir()}
    wanted = {"results.json", "report.html", "events.jsonl", "spec.resolved.yaml", "plugins.json"}
    assert wanted | {"environment.json"} <= names
    assert "audit of model: advantage loss-threshold 0." in outcome.stderr


def test_what_was_learned_by_heart_is_found(first: tuple[Result, Path], place: Path) -> None:
    """The leak is there, and the figures are those of the model: accuracy on what it never saw."""
    _, directory = first
    results = json.loads((directory / "results.json").read_text())

    assert results["audit"]["gap"]["auc_interval"][0] > 0.5
    assert results["baseline"] is None
    assert results["origin"]["format"] == "state dict"
    assert results["origin"]["access"] == "white-box"
    assert results["model"]["parameters"] == 64 * 32 + 32 + 32 * 10 + 10
    assert results["model"]["file_bytes"] == (place / "model.safetensors").stat().st_size
    pools = results["pools"]
    assert {pool: one["members"] for pool, one in pools.items()} == {
        "attack_train": 200,
        "audit": 200,
    }


def test_the_report_shows_one_model(first: tuple[Result, Path]) -> None:
    """And the command line that gives it again, in the words of a shell."""
    page = (first[1] / "report.html").read_text(encoding="utf-8")

    assert "The strongest attack gains" in page
    recorded = json.loads((first[1] / "environment.json").read_text())["command"]
    again = CliRunner().invoke(cli, shlex.split(recorded["line"])[1:])
    assert recorded["directory"] == str(Path.cwd())
    assert recorded["line"] in html.unescape(page)
    assert again.exit_code == 0
    assert f"{first[1]} was finished before" in again.stderr
    assert ">uncompressed<" not in page
    assert "was </span>" not in page


def test_verify_and_inspect_know_an_audit(first: tuple[Result, Path]) -> None:
    """The name follows from spec, plugins and model."""
    directory = str(first[1])

    verified = CliRunner().invoke(cli, ["verify", directory])
    inspected = CliRunner().invoke(cli, ["inspect", directory])

    assert verified.exit_code == 0, verified.output
    assert "it follows from the spec and the plugins recorded" in verified.stdout
    assert inspected.exit_code == 0, inspected.output
    assert "PASSED: the model meets both gates." in inspected.stdout


def keys_of(document: Any) -> Iterator[str]:
    """Keys that do not name an attack, a metric or a pool of the spec."""
    if isinstance(document, list):
        for item in document:
            yield from keys_of(item)
    elif isinstance(document, dict):
        for key, value in document.items():
            yield key
            is_named = key in {"attacks", "audit", "metrics", "null", "planted", "pools"}
            yield from keys_of(
                list(value.values()) if is_named and isinstance(value, dict) else value
            )


def test_every_key_of_the_results_is_documented(first: tuple[Result, Path]) -> None:
    """On the page of results, as those of a run are."""
    page = (ROOT / "docs" / "results.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", page))))
    results = json.loads((first[1] / "results.json").read_text())

    assert sorted(set(keys_of(results)) - documented) == []


def test_the_same_audit_is_only_shown_again(first: tuple[Result, Path], place: Path) -> None:
    """And one of a model with other weights is another audit."""
    _, directory = first
    before = (directory / "events.jsonl").read_bytes()

    again = audited(place, place / "first.yaml")

    assert again.exit_code == 0
    assert f"{directory} was finished before; nothing was done again" in again.stderr
    assert (directory / "events.jsonl").read_bytes() == before

    state = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    save_file(state.state_dict(), place / "other.safetensors")
    other = audited(place, place / "first.yaml", model="other.safetensors")

    assert other.exit_code == 1, "it knows nothing, so it misses the gate of accuracy"
    assert "FAILED: the model misses 1 of 2 gates." in other.stdout
    assert len(list((place / "runs").glob("first-*"))) == 2


def test_two_files_give_what_a_column_gives(place: Path) -> None:
    """Members, non-members and figures are the same for both forms."""
    members = np.load(place / "in.npz")
    whole = {
        name: np.concatenate([members[name], np.load(place / "out.npz")[name]]) for name in members
    }
    sides = np.repeat(["member", "non-member"], [400, 400])
    np.savez(place / "sorted.npz", **whole, members=sides)  # type: ignore[arg-type]
    task = {"data": data(place, "sorted.npz", members="members"), "model": MLP}
    column = results_of(audited(place, spec_of(place, "column", task=task), "--json"))
    bare = {"data": {"type": "numpy", "path": "nowhere.npz"}, "model": MLP}
    files = ("--members", str(place / "in.npz"), "--non-members", str(place / "out.npz"))

    two = results_of(audited(place, spec_of(place, "two", task=bare), *files, "--json"))

    for key in ("audit", "metrics", "pools", "controls"):
        assert two[key] == column[key]


def test_the_option_names_another_data_file(place: Path) -> None:
    """It replaces the spec's file, and a problem is located at the option."""
    task = {"data": {"type": "numpy", "path": "nowhere.npz", "members": "members"}, "model": MLP}
    spec = spec_of(place, "data", task=task)
    (place / "no.npz").write_text("no archive")

    good = audited(place, spec, "--data", str(place / "column.npz"))
    bad = audited(place, spec, "--data", str(place / "no.npz"))

    assert good.exit_code == 0, good.output
    assert bad.exit_code == 1
    assert f"--data {place / 'no.npz'}:1:1: task.data.path: cannot read" in bad.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", ["program.pt2", "script.pt", "model.onnx"])
def test_a_model_of_answers_is_attacked_as_its_weights_are(
    name: str, first: tuple[Result, Path], place: Path, model: nn.Module
) -> None:
    """Every figure of the black-box attacks, to 1e-5; nothing is known of its density."""
    sample = torch.zeros(3, 64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "model.onnx":
            pytest.importorskip("onnxruntime")
            pytest.importorskip("onnxscript")
            shapes = ({0: "samples"},)
            torch.onnx.export(model, (sample,), place / name, dynamo=True, dynamic_shapes=shapes)
        elif name == "program.pt2":
            shapes = ({0: torch.export.Dim.DYNAMIC},)
            torch.export.save(
                torch.export.export(model, (sample,), dynamic_shapes=shapes), place / name
            )
        else:
            torch.jit.save(torch.jit.trace(model, sample), place / name)
    weights = json.loads((first[1] / "results.json").read_text())

    found = results_of(audited(place, place / "first.yaml", "--allow-code", "--json", model=name))

    assert found["origin"]["access"] == "black-box"
    assert found["model"]["density"] is None
    for attack, judged in weights["audit"].items():
        for measure in ("auc", "accuracy", "advantage"):
            assert found["audit"][attack][measure] == pytest.approx(judged[measure], abs=1e-5)
    [directory] = [
        path.parent
        for path in (place / "runs").glob("first-*/results.json")
        if json.loads(path.read_text())["origin"]["file"].endswith(name)
    ]
    assert CliRunner().invoke(cli, ["verify", str(directory)]).exit_code == 0
    shown = [
        audited(place, place / "first.yaml", "--allow-code", model=name),
        CliRunner().invoke(cli, ["inspect", str(directory)]),
        CliRunner().invoke(cli, ["report", str(directory)]),
    ]
    for outcome in shown:
        assert outcome.exit_code == 0, outcome.output
    for outcome in shown[:2]:
        assert "loss-threshold (membership)" in outcome.stdout
        assert "density" not in outcome.stdout


def test_a_run_s_model_is_attacked_as_the_run_has_attacked_it(
    finished_run: Path, tmp_path: Path
) -> None:
    """Its file states its architecture; the same seed and share give the same members."""
    judges = [{"type": "loss-threshold"}]
    content = {
        "version": 1,
        "kind": "audit",
        "name": "own",
        "seed": 3,
        "task": {"data": {"type": "handwriting"}},
        "pools": {"members": 0.5, "attack_train": 0.5, "audit": 0.5},
        "audit": {"attackers": judges},
    }
    (tmp_path / "own.yaml").write_text(json.dumps(content))
    model = str(finished_run / "model" / "model.safetensors")
    command = ["audit", model, "--spec", str(tmp_path / "own.yaml"), "--device", "cpu", "--json"]

    found = results_of(CliRunner().invoke(cli, [*command, "--runs-dir", str(tmp_path / "runs")]))

    run = json.loads((finished_run / "results.json").read_text())
    sides = [
        sum(pool[side] for pool in run["pools"].values()) for side in ("members", "non_members")
    ]
    assert [sum(p[s] for p in found["pools"].values()) for s in ("members", "non_members")] == sides
    assert found["model"]["density"] == run["model"]["density"]
    low, high = run["metrics"]["accuracy"]["interval"]
    assert low <= found["metrics"]["accuracy"]["value"] <= high
    assert any("a membership that never was" in line for line in found["data"]["warnings"])


def test_members_among_the_non_members_are_listed_and_refused(place: Path, digits: Arrays) -> None:
    """By content, with counts on both sides; a field of the spec allows equal contents."""
    rows = np.r_[np.flatnonzero(~digits["members"]), 0, 4]
    np.savez(place / "leaky.npz", inputs=digits["inputs"][rows], labels=digits["labels"][rows])
    spec = spec_of(place, "overlap", task={"data": data(place, "in.npz"), "model": MLP})
    files = ("--members", str(place / "in.npz"), "--non-members", str(place / "leaky.npz"))

    refused = audited(place, spec, *files)
    kept = audited(place, spec, *files, "--set", "pools.duplicates=keep")

    assert refused.exit_code == 1
    assert "task.data: 2 non-members are members as well" in refused.stderr
    assert "on its side): 1 = 401, 3 = 402; take them out on one side" in refused.stderr
    assert kept.exit_code == 0, kept.output


WHITE = {"attackers": [{"type": "neural-whitebox"}]}
LIRA = {"attackers": [{"type": "lira"}]}


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"audit": LIRA}, (), "audit.attackers.0.type: 'lira' compares with reference models"),
        ({"audit": {"attackers": []}}, (), "audit.attackers: there are no entries"),
        ({"pools": {"audit": 0.6}}, (), "pools: attack_train and audit sum to 1.1"),
        ({"pools": {"audit": 0.02, "attack_train": 0.98}}, (), "planted-leak control needs 11"),
        ({"method": {"type": "uncompressed"}}, (), "method: there is no field 'method' here"),
        (
            {},
            ("--set", "task.data.members=null"),
            "the data do not state which samples are members",
        ),
        ({}, ("--set", "task.labels=[a, b]"), "labels that the model has no output for: '0', '1'"),
        ({}, ("--set", "task.model.hidden=[8]"), None),
    ],
)
def test_an_audit_that_cannot_work_is_refused_before_it_begins(
    changes: dict[str, Any], options: tuple[str, ...], message: str | None, place: Path
) -> None:
    """With the place in the spec; weights that do not fit are no mistake of the spec."""
    outcome = audited(place, spec_of(place, "refused", **changes), *options)

    assert outcome.exit_code == (2 if message is None else 1), outcome.output
    assert (message or "do not fit the architecture: other shapes: 1.weight") in outcome.stderr
    assert outcome.stdout == ""
    assert not list((place / "runs").glob("refused-*"))


def test_samples_of_one_side_alone_are_refused(place: Path, digits: Arrays) -> None:
    """Membership needs non-members as well as members."""
    np.savez(place / "members.npz", **digits | {"members": np.ones(800, dtype=bool)})  # type: ignore[arg-type]
    task = {"data": data(place, "members.npz", members="members"), "model": MLP}

    outcome = audited(place, spec_of(place, "one-side", task=task))

    assert outcome.exit_code == 1
    assert "pools: all 800 samples are members; give non-members as well" in outcome.stderr


def test_too_few_samples_for_what_is_measured_are_refused(place: Path, digits: Arrays) -> None:
    """Each control needs some to be sure of anything."""
    rows = np.r_[0:30]
    np.savez(place / "few.npz", **{name: array[rows] for name, array in digits.items()})  # type: ignore[arg-type]
    task = {"data": data(place, "few.npz", members="members"), "model": MLP}
    spec = spec_of(place, "few", task=task | {"labels": list("0123456789")})

    outcome = audited(place, spec)

    assert outcome.exit_code == 1
    assert "planted-leak control needs 11 of either" in outcome.stderr


def test_an_onnx_model_gives_black_box_access_only(place: Path) -> None:
    """The format decides, without loading the model."""
    (place / "never.onnx").write_bytes(b"never read")

    outcome = audited(place, spec_of(place, "white", audit=WHITE), model="never.onnx")

    assert outcome.exit_code == 1
    wanted = "'neural-whitebox' needs parameters; an ONNX model gives black-box access only"
    assert f"audit.attackers.0.type: {wanted}" in outcome.stderr


def test_a_missing_extra_says_which_one(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime is no part of what a run needs."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    (place / "never.onnx").write_bytes(b"never read")

    outcome = audited(place, spec_of(place, "extra"), model="never.onnx")

    assert outcome.exit_code == 2
    assert f"install it with: {install_command('onnx')}" in outcome.stderr


def test_a_pickle_is_refused_with_the_way_out(place: Path, model: nn.Module) -> None:
    """A state dict of torch.save, in the format of today and in that of old."""
    torch.save(model.state_dict(), place / "model.pth")
    torch.save(model.state_dict(), place / "old.pth", _use_new_zipfile_serialization=False)

    for name in ("model.pth", "old.pth"):
        outcome = audited(place, place / "first.yaml", "--allow-code", model=name)

        assert outcome.exit_code == 2
        assert "pickle" in outcome.stderr
        assert "safetensors.torch.save_file(state_dict, 'model.safetensors')" in outcome.stderr


def test_a_file_that_holds_code_has_to_be_allowed(place: Path, model: nn.Module) -> None:
    """With the reason, and before anything of it is read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(model, torch.zeros(3, 64)), place / "code.pt")

    outcome = audited(place, place / "first.yaml", model="code.pt")

    assert outcome.exit_code == 2
    assert "a TorchScript model holds code, which may do anything that you may" in outcome.stderr
    assert "--allow-code" in outcome.stderr


def test_a_folder_that_is_no_model_is_refused(place: Path) -> None:
    """Without a configuration, or with pickled weights alone."""
    folder = place / "folder"
    folder.mkdir()

    empty = audited(place, place / "first.yaml", model="folder")
    (folder / "config.json").write_text("{}")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    pickled = audited(place, place / "first.yaml", model="folder")

    assert (empty.exit_code, pickled.exit_code) == (2, 2)
    assert "is a folder without config.json" in empty.stderr
    assert "pickled weights are never loaded" in pickled.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--members", "in.npz"), "give both --members and --non-members"),
        (
            ("--members", "in.npz", "--non-members", "out.npz", "--data", "column.npz"),
            "give either --data, or --members and --non-members",
        ),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments: tuple[str, ...], message: str, place: Path
) -> None:
    """Exit code 2, as for every command that is not understood."""
    given = [str(place / one) if one.endswith(".npz") else one for one in arguments]

    outcome = audited(place, place / "first.yaml", *given)

    assert outcome.exit_code == 2
    assert message in outcome.stderr


def test_a_spec_says_which_command_it_is_for(
    place: Path, tiny_spec: Path, first: tuple[Result, Path]
) -> None:
    """Both are valid, and each command takes its own."""
    run = CliRunner().invoke(cli, ["run", str(place / "first.yaml")])
    audit = audited(place, tiny_spec)
    valid = CliRunner().invoke(cli, ["validate", str(place / "first.yaml"), str(tiny_spec)])

    assert (run.exit_code, audit.exit_code, valid.exit_code) == (1, 1, 0)
    assert "kind: this is the spec of an audit" in run.stderr
    assert "method: this is the spec of a run" in audit.stderr
    assert valid.stderr == "2 specs are valid\n"


@pytest.fixture(scope="module")
def predictions(digits: Arrays, model: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's probabilities for the digits, as a table."""
    with torch.no_grad():
        answers = model(torch.from_numpy(digits["inputs"])).double().softmax(dim=1)
    path = tmp_path_factory.mktemp("predictions") / "predictions.csv"
    lines = [",".join(("label", "member", *(f"p_{label}" for label in range(10))))]
    for label, is_member, row in zip(digits["labels"], digits["members"], answers, strict=True):
        lines.append(",".join(map(str, (label, is_member, *row.tolist()))))
    path.write_text("\n".join(lines))
    return path


QUICK = ("--set", "audit.attackers=[{type: loss-threshold}, {type: modified-entropy}]")


def test_predictions_alone_are_audited_as_the_model_is(
    predictions: Path, place: Path, tmp_path: Path
) -> None:
    """Held against the audit of the model itself: the same scores, on the same pools."""
    spec = {
        "version": 1,
        "kind": "audit",
        "name": "whole",
        "task": {
            "data": {"type": "numpy", "path": str(place / "column.npz"), "members": "members"},
            "model": MLP,
        },
        "pools": {"duplicates": "keep"},
        "audit": {"attackers": ATTACKERS[:2], "accept_shift": True},
    }
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))
    model = run(
        str(place / "model.safetensors"), "--spec", str(tmp_path / "spec.yaml"), folder=tmp_path
    )

    alone = run(str(predictions), *QUICK, folder=tmp_path)

    assert alone["origin"]["format"] == "file of predictions"
    assert alone["origin"]["answers"] == "probabilities"
    assert alone["model"]["file_bytes"] is None
    assert alone["blind_baseline"]["note"] == "the inputs of the samples are unknown"
    assert model["blind_baseline"]["note"] is None
    for name in ("loss-threshold", "modified-entropy"):
        assert alone["audit"][name]["auc"] == pytest.approx(model["audit"][name]["auc"], abs=1e-3)
        assert alone["controls"]["null"][name]["passed"]
        assert alone["controls"]["planted"][name]["passed"]


def run(*arguments: str, folder: Path) -> dict[str, Any]:
    """The results of an audit that meets its gates."""
    result = CliRunner().invoke(
        cli, ["audit", *arguments, "--json", "--runs-dir", str(folder / "runs")]
    )
    assert result.exit_code == 0, result.output
    content: dict[str, Any] = json.loads(result.stdout)
    return content


def test_what_is_wrong_with_predictions_has_the_place_of_the_file(
    predictions: Path, tmp_path: Path
) -> None:
    """No directory is made for an audit that cannot be."""
    header, *lines = predictions.read_text().splitlines()
    cases = {
        "task.data.members: there is no column 'member'": [header.replace("member", "in"), *lines],
        "pools: all 400 samples are members": [header, *(x for x in lines if ",True," in x)],
        "task.data.label: the label of row 2, '77'": [header, lines[0], f"7{lines[7]}", *lines],
        "pools: pool 'attack_train' would have 1 members": [header, *pair(lines)],
    }
    for message, content in cases.items():
        path = tmp_path / "wrong.csv"
        path.write_text("\n".join(content))

        result = CliRunner().invoke(cli, ["audit", str(path), "--runs-dir", str(tmp_path / "runs")])

        assert result.exit_code == 1, message
        assert f"{path}:1:1: {message}" in result.stderr
    assert not (tmp_path / "runs").exists()


def pair(lines: list[str]) -> list[str]:
    """Two members and two others of one label each, of two labels."""
    return [
        next(line for line in lines if line.startswith(f"{label},{is_member}"))
        for label in (0, 1)
        for is_member in (True, False)
    ]


def test_only_predictions_need_no_spec_and_have_columns_to_name(place: Path) -> None:
    """Both mistakes are those of a command line."""
    model = str(place / "model.safetensors")

    without = CliRunner().invoke(cli, ["audit", model])
    named = CliRunner().invoke(cli, ["audit", model, "--spec", "audit_model", "--label", "species"])

    assert (without.exit_code, named.exit_code) == (2, 2)
    assert "only a file of predictions needs none" in without.stderr
    assert "name columns of a file of predictions" in named.stderr
