"""``safecompress inspect``."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result

from safecompress_core.cli import cli
from safecompress_core.saved_models.storage import load_model, save_model
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.weight_codes import Quantised


def inspected(*arguments: object) -> Result:
    """The outcome of ``safecompress inspect``."""
    return CliRunner().invoke(cli, ["inspect", *map(str, arguments)])


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file with one sparse layer: 3 of 12 weights."""
    mask = torch.zeros(3, 4, dtype=torch.bool)
    mask[0, :3] = True
    state = {"fc.weight": mask * 0.5, "fc.bias": torch.ones(3)}
    path = tmp_path / "model.safetensors"
    save_model(path, state, Topology({"fc.weight": mask}), {"model": {"type": "mlp"}})
    return path


def test_a_model_file_tells_what_each_tensor_costs(model: Path) -> None:
    """A sparse one costs its active values and a bit for each place."""
    found = json.loads(inspected(model, "--json").stdout)

    tensors = {one["name"]: one for one in found["tensors"]}
    assert tensors["fc.weight"] == {
        "name": "fc.weight",
        "shape": [3, 4],
        "dtype": "float32",
        "weights": 12,
        "active": 3,
        "density": 0.25,
        "bytes": 3 * 4 + 2,
        "dense_bytes": 48,
    }
    assert tensors["fc.bias"]["bytes"] == 12
    assert (found["format_version"], found["density"]) == (1, 0.25)
    assert (found["weights"], found["active"], found["dense_bytes"]) == (15, 6, 60)
    assert found["file_bytes"] == model.stat().st_size
    assert found["metadata"] == {"model": {"type": "mlp"}}


def test_a_model_file_is_shown_as_a_table(model: Path) -> None:
    """With its architecture and its totals."""
    outcome = inspected(model)

    assert outcome.exit_code == 0
    assert "format version 1" in outcome.stdout
    assert "model: type mlp" in outcome.stdout
    assert "fc.weight   3 × 4   float32   0.250     14" in outcome.stdout
    assert (
        "6 of 15 weights: 0.400 of the whole model, 0.250 of the layers that may be sparse."
        in " ".join(outcome.stdout.split())
    )


def test_int8_weights_cost_a_byte_each_and_their_scales(tmp_path: Path) -> None:
    """Sizes are those in the file; the dense model would have float32."""
    int8 = Quantised(codes=torch.ones(3, 4, dtype=torch.int8), scales=torch.full((3,), 0.5))
    state, topology = {"fc.weight": int8.weight()}, Topology.dense({"fc.weight": (3, 4)})
    path = tmp_path / "model.safetensors"
    save_model(path, state, topology, {}, codes={"fc.weight": int8})

    [tensor] = json.loads(inspected(path, "--json").stdout)["tensors"]

    assert (tensor["dtype"], tensor["active"], tensor["density"]) == ("int8", 12, 1.0)
    assert (tensor["bytes"], tensor["dense_bytes"]) == (12 + 3 * 4, 48)
    assert "3 × 4   int8" in inspected(path).stdout


def test_what_guards_answers_is_told_by_its_bytes(model: Path, tmp_path: Path) -> None:
    """It is in the file, and no weight of the network."""
    stored, path = load_model(model), tmp_path / "guarded.safetensors"
    model_metadata = stored.metadata | {"guard": {"type": "memguard"}}
    save_model(path, stored.state, stored.topology, model_metadata, guard={"by": torch.ones(5)})

    found = json.loads(inspected(path, "--json").stdout)

    assert (found["guard_bytes"], found["weights"]) == (20, 15)
    assert "20 of these bytes guard its answers." in inspected(path).stdout
    assert "guard its answers" not in inspected(model).stdout


def test_a_run_shows_its_results_and_its_files(finished_run: Path) -> None:
    """The same table as at its end, and every file with its size."""
    outcome = inspected(finished_run)

    assert outcome.exit_code == 0
    assert "PASSED: the compressed model meets both gates." in outcome.stdout
    listed = outcome.stdout.partition("Files in ")[2]
    for file in ("model/model.safetensors", "results.json", "spec.resolved.yaml"):
        assert f"kB  {file} " in listed
    assert ".lock" not in listed


def test_a_run_as_json_holds_results_and_files(finished_run: Path) -> None:
    """One document."""
    found = json.loads(inspected(finished_run, "--json").stdout)

    assert found["results"] == json.loads((finished_run / "results.json").read_text())
    assert found["files"]["results.json"] == (finished_run / "results.json").stat().st_size


def test_a_run_that_is_not_finished_says_so(finished_run: Path) -> None:
    """Its files are shown all the same."""
    (finished_run / "results.json").unlink()

    outcome = inspected(finished_run)

    assert outcome.exit_code == 0
    assert "This run is not finished" in outcome.stdout
    assert "model/model.safetensors" in outcome.stdout
    assert json.loads(inspected(finished_run, "--json").stdout)["results"] is None


def test_what_is_neither_is_refused(tmp_path: Path) -> None:
    """Exit code 2, with what is wrong."""
    text = tmp_path / "notes.txt"
    text.write_text("hello")

    for place, message in ((tmp_path, "is no run directory"), (text, "cannot be read as a model")):
        outcome = inspected(place)
        assert outcome.exit_code == 2
        assert message in outcome.stderr


SPEC = """
version: 1
name: looked-at
task:
  data: {type: handwriting, task: session}
  model: {type: mlp, hidden: [8, 4]}
  representation: "2"
  sparsify: {exclude: [5.*]}
method: {type: uncompressed}
"""


def test_a_spec_tells_what_may_be_sparse_and_what_may_be_the_representation(
    tmp_path: Path,
) -> None:
    """Modules with the shape of what they put out, and weights with theirs; nothing is trained."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    found = json.loads(inspected(path, "--json").stdout)

    assert [one["name"] for one in found["sparse"]] == ["1.weight", "3.weight"]
    assert (found["sparse_weights"], found["parameters"]) == (64 * 8 + 8 * 4, 520 + 36 + 70)
    assert found["representations"][1] == {"name": "1", "layer": "Linear", "shape": [8]}
    assert (found["representation"], found["head"], found["outputs"]) == (8, "5", 14)
    shown = inspected(path).stdout
    assert "544 of 626 parameters may be sparse." in shown
    assert "The representation has 8 values; the logits come from '5'." in shown
    assert list(tmp_path.iterdir()) == [path]


def test_a_model_that_cannot_be_had_is_a_problem_of_the_spec(tmp_path: Path) -> None:
    """At its place."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("mlp, hidden: [8, 4]", "vgg16"))

    outcome = inspected(path)

    assert outcome.exit_code == 1
    assert "spec.yaml:6" in outcome.output
    assert "task.model: vgg16 reduces images of 8 × 8 to nothing" in outcome.output


def test_data_that_cannot_be_had_are_a_problem_of_the_spec(tmp_path: Path) -> None:
    """As in a run, with the place of the field and what there is."""
    path = tmp_path / "spec.yaml"
    data = f"csv, path: '{tmp_path / 'mein.csv'}', target: y"
    path.write_text(SPEC.replace("handwriting, task: session", data))

    outcome = inspected(path)

    assert outcome.exit_code == 1
    assert "spec.yaml:5" in outcome.output
    assert "task.data.path: there is no 'mein.csv'" in outcome.output


def test_a_model_of_another_format_is_for_an_audit(tmp_path: Path) -> None:
    """The message points to the command ``audit``."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x08 onnx" * 10)

    outcome = inspected(path)

    assert outcome.exit_code == 2
    assert outcome.stderr.endswith(f"can be attacked: safecompress audit {path}\n")


def test_how_rows_are_encoded_is_named_and_not_listed(finished_run: Path) -> None:
    """The record may have a line for each column; JSON has it whole."""
    shown = inspected(finished_run / "model" / "model.safetensors").stdout

    assert "encoder: rows as handwriting reads them (its record: --json)" in shown
