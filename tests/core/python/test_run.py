"""``safecompress.run``."""

import json
from pathlib import Path

import pytest
import torch
from click.testing import Result as CliResult
from ruamel.yaml import YAML
from sklearn.datasets import load_digits
from torch import nn

from safecompress_core.errors import ExecutionError, SpecError, StorageError
from safecompress_core.python.run import run
from safecompress_core.saved_models.load import load_classifier
from tests.core.fixtures.small_run import SPEC
from tests.core.fixtures.text_models import small_text_model

OBJECTS = {
    "version": 1,
    "name": "objects",
    "device": "cpu",
    "training": {"epochs": 2},
    "method": {"type": "prune", "density": 0.5},
    "audit": {"attackers": [{"type": "loss-threshold"}]},
}
"""A spec without a task, which the call gives."""


def test_it_finds_the_run_that_the_command_line_has_finished(
    first_outcome: tuple[CliResult, Path], tiny_spec: Path
) -> None:
    """The same directory, whatever form the spec and the override have; nothing is done again."""
    _, directory = first_outcome
    written = (directory / "results.json").stat().st_mtime_ns
    values = YAML(typ="safe", pure=True).load(SPEC)

    from_file = run(tiny_spec, overrides={"device": "cpu"}, runs_dir=directory.parent)
    from_values = run(values, overrides=["device=cpu"], runs_dir=str(directory.parent))

    assert from_file == from_values
    assert from_file.path == directory
    assert from_file.results.to_json() == json.loads((directory / "results.json").read_text())
    assert (directory / "results.json").stat().st_mtime_ns == written


def test_a_run_from_python_leaves_what_one_from_the_command_line_does(
    first_outcome: tuple[CliResult, Path],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The same files and bytes of the model, the report included; in silence."""
    _, directory = first_outcome
    values = YAML(typ="safe", pure=True).load(SPEC)

    result = run({**values, "device": "cpu"}, runs_dir=tmp_path)

    def files(place: Path) -> set[str]:
        return {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}

    assert result.path.name == directory.name
    assert files(result.path) == files(directory)
    model = Path("model", "model.safetensors")
    assert (result.path / model).read_bytes() == (directory / model).read_bytes()
    environment = json.loads((result.path / "environment.json").read_text())
    assert environment["command"] is None
    assert capfd.readouterr() == ("", "")


def test_progress_is_written_where_it_is_asked_for(
    first_outcome: tuple[CliResult, Path], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Lines on standard error, as without a terminal."""
    values = YAML(typ="safe", pure=True).load(SPEC)
    plain = {**values, "method": {"type": "uncompressed"}, "attackers": [], "gate": []}

    result = run(plain, overrides={"training.epochs": 1}, runs_dir=tmp_path, progress=True)

    out, err = capfd.readouterr()
    assert out == ""
    assert str(result.path) in err
    assert "loss-threshold" in err


def test_a_wrong_spec_leaves_nothing_behind(tmp_path: Path) -> None:
    """All problems at once, before anything is made."""
    with pytest.raises(SpecError) as raised:
        run({"version": 1, "seed": "x"}, runs_dir=tmp_path / "runs")

    assert "<dict>: seed: 'x' is not a whole number" in str(raised.value)
    assert len(raised.value.problems) > 1
    assert not (tmp_path / "runs").exists()


def test_a_spec_of_another_kind_is_refused() -> None:
    """It names what it is for."""
    with pytest.raises(SpecError, match="compare"):
        run("desk/handwriting")


def test_samples_may_be_python_objects(tmp_path: Path) -> None:
    """Known by their content: the same samples find the run again, and others make another one."""
    digits = load_digits()
    spec = {**OBJECTS, "task": {"model": {"type": "mlp", "hidden": [8]}}}

    first = run(spec, data=(digits.data, digits.target), runs_dir=tmp_path)
    again = run(spec, data=(digits.data.copy(), list(digits.target)), runs_dir=tmp_path)
    other = run(spec, data=(digits.data[:1500], digits.target[:1500]), runs_dir=tmp_path)

    assert again == first
    assert other.path != first.path
    assert "in-memory" in (first.path / "spec.resolved.yaml").read_text()
    assert [label.name for label in first.results.data.labels] == list("0123456789")


def test_a_network_may_be_a_python_object(tmp_path: Path) -> None:
    """Found again by its layers; the result makes the model of its own copy."""
    digits = load_digits()
    data = (digits.data / 16, digits.target)

    def network(hidden: int = 8) -> nn.Sequential:
        return nn.Sequential(nn.Linear(64, hidden), nn.ReLU(), nn.Linear(hidden, 10))

    first = run(OBJECTS, data=data, model=network(), runs_dir=tmp_path)
    again = run(OBJECTS, data=data, model=network(), runs_dir=tmp_path)
    other = run(OBJECTS, data=data, model=lambda: network(9), runs_dir=tmp_path)

    assert again == first
    assert other.path != first.path
    model, file = first.model(), first.path / "model" / "model.safetensors"
    assert other.model()(torch.ones(1, 64)).shape == (1, 10)
    assert sum(int(one.count_nonzero()) for one in model.parameters()) == first.results.model.active
    with pytest.raises(StorageError, match="given as a Python object, and is not in this process"):
        load_classifier(file)
    filled = load_classifier(file, network=network())
    assert torch.equal(filled(torch.ones(1, 64)), model(torch.ones(1, 64)))


@pytest.mark.slow
def test_a_text_classifier_is_compressed_from_its_weights(tmp_path: Path) -> None:
    """Texts are tokenised by its own tokenizer."""
    texts = [f"{'very ' * (n % 7)}{'good' if n % 2 else 'bad'} film" for n in range(200)]
    labels = [n % 2 for n in range(200)]

    result = run(
        {**OBJECTS, "pools": {"duplicates": "keep"}},
        data=(texts, labels),
        model=small_text_model(),
        runs_dir=tmp_path,
    )

    assert result.model()(torch.tensor([[2, 4, -1]])).shape == (1, 2)
    assert result.results.model.density == pytest.approx(0.5, abs=0.01)


def test_a_network_that_does_not_fit_is_refused_before_training(tmp_path: Path) -> None:
    """With its field."""
    digits = load_digits()

    with pytest.raises(
        SpecError, match="task.model: the model has 12 outputs, and the data have 10"
    ):
        run(OBJECTS, data=(digits.data, digits.target), model=nn.Linear(64, 12), runs_dir=tmp_path)

    assert not any(tmp_path.iterdir())


def test_objects_in_memory_stay_in_this_process() -> None:
    """Workers would have to be sent them."""
    with pytest.raises(ExecutionError, match="samples in memory cannot be brought to the workers"):
        run("multi_attack", data=([[0.0]], [0]), workers=2)
