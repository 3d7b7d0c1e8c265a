"""``safecompress predict``: a model answers about new rows as it did in its run."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from safecompress import load_classifier
from safecompress_core.cli import cli
from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.host import load_plugins
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.load import load_spec

METHOD = {"type": "uncompressed"}
AUDIT = {"attackers": [{"type": "loss-threshold"}]}


@dataclass
class Trained:
    """A finished run of one's own table, and the file of its rows."""

    rows: Path
    run: Path
    run_context: RunContext

    @property
    def model(self) -> Path:
        return self.run / "model" / "model.safetensors"

    def probabilities(self) -> torch.Tensor:
        """Probabilities of the run's own network for its own inputs."""
        network = self.run_context.load_network(self.model).eval()
        everyone = self.run_context.dataset.inputs[torch.arange(len(self.run_context.dataset))]
        with torch.no_grad():
            return network.module(everyone).softmax(dim=1)


def trained(place: Path, data: dict[str, Any], model: dict[str, Any]) -> tuple[Path, RunContext]:
    """Run a small spec, and prepare it once more to ask it."""
    spec = {
        "version": 1,
        "name": "scored",
        "device": "cpu",
        "task": {"data": data, "model": model},
        "pools": {"duplicates": "keep"},
        "training": {"epochs": 3, "learning_rate": 0.01},
        "method": METHOD,
        "audit": AUDIT,
    }
    (place / "spec.json").write_text(json.dumps(spec))
    outcome = invoke("run", place / "spec.json", "--runs-dir", place / "runs", "--json")
    assert outcome.exit_code == 0, outcome.output
    [run] = (place / "runs").iterdir()
    registry = load_plugins().registry
    return run, build_run_context(load_spec(place / "spec.json", registry=registry), registry)


def invoke(*arguments: Any) -> Result:
    """A command line."""
    return CliRunner().invoke(cli, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """300 people: two numbers, a job, and whether they are sick, which mostly follows from them."""
    place = tmp_path_factory.mktemp("scored")
    drawn = np.random.default_rng(0)
    lines = ["age,job,pay,sick"]
    for _ in range(300):
        age, pay = drawn.integers(20, 90), drawn.normal(3000, 900)
        job = drawn.choice(["clerk", "pilot", "smith"])
        sick = "yes" if age + 10 * (job == "smith") + drawn.normal(0, 8) > 60 else "no"
        lines.append(f"{age if drawn.random() > 0.05 else ''},{job},{pay:.2f},{sick}")
    (place / "people.csv").write_text("\n".join(lines) + "\n")
    data = {"type": "csv", "path": str(place / "people.csv"), "target": "sick"}
    run, run_context = trained(place, data, {"type": "mlp", "hidden": [16]})
    return Trained(place / "people.csv", run, run_context)


def test_the_rows_of_a_run_get_the_answers_of_the_run(table: Trained) -> None:
    """The same probabilities, and so the test accuracy of the results, by the file alone."""
    outcome = invoke("predict", table.model, table.rows)
    assert outcome.exit_code == 0, outcome.output
    rows = list(csv.DictReader(io.StringIO(outcome.stdout)))

    found = torch.tensor([[float(row["no"]), float(row["yes"])] for row in rows])
    torch.testing.assert_close(found, table.probabilities(), atol=1e-5, rtol=0)
    data, test = table.run_context.dataset, table.run_context.pools.audit.non_members
    truth = [data.classes[label] for label in data.labels.tolist()]
    right = sum(rows[one]["label"] == truth[one] for one in test.tolist())
    results = json.loads((table.run / "results.json").read_text())
    assert right / len(test) == pytest.approx(results["metrics"]["accuracy"]["value"])
    assert [row["row"] for row in rows[:2]] == ["1", "2"]


def test_a_run_directory_stands_for_its_model(table: Trained) -> None:
    """And JSON has labels and probabilities by name."""
    outcome = invoke("predict", table.run, table.rows, "--format", "json")
    content = json.loads(outcome.stdout)

    assert content["model"] == str(table.model)
    first = content["predictions"][0]
    assert first["row"] == "1"
    assert set(first["probabilities"]) == {"no", "yes"}
    assert first["label"] == max(first["probabilities"], key=first["probabilities"].get)


def test_predictions_go_into_a_file_where_one_is_named(table: Trained, tmp_path: Path) -> None:
    """And nothing to standard output."""
    outcome = invoke("predict", table.model, table.rows, "--out", tmp_path / "found.csv")

    assert outcome.stdout == ""
    assert (tmp_path / "found.csv").read_text().startswith("row,label,no,yes\n1,")


def test_rows_that_do_not_fit_are_an_error_of_one_line(table: Trained, tmp_path: Path) -> None:
    """With the column that is missing; nothing is written."""
    (tmp_path / "new.csv").write_text("age,pay\n33,1000\n")

    outcome = invoke("predict", table.model, tmp_path / "new.csv", "--out", tmp_path / "found.csv")

    assert outcome.exit_code == 2
    assert "the rows have no column 'job'" in outcome.stderr
    assert not (tmp_path / "found.csv").exists()


def test_a_classifier_encodes_mappings(table: Trained) -> None:
    """As the library's users have rows."""
    classifier = load_classifier(table.model)
    rows = [{"age": 25, "job": "clerk", "pay": 2500}, {"age": 85, "job": "smith", "pay": 2500}]

    inputs = classifier.encode(rows)

    assert inputs.shape == (2, 5)
    with torch.no_grad():
        wanted = classifier(inputs).softmax(dim=1)
    found = classifier.predict(rows)
    assert torch.equal(found.probabilities, wanted)
    assert found.labels == ("no", "yes")
    assert classifier.predict([]).labels == ()


def test_the_preprocessing_is_in_the_run_directory_as_well(table: Trained) -> None:
    """The same record as in the model file."""
    record = json.loads((table.run / "preprocessing.json").read_text())

    assert record == load_model(table.model).metadata["encoder"]
    assert [name for name, _ in record["record"]["columns"]] == ["age", "job", "pay"]


def test_built_in_data_are_scored_from_arrays(tmp_path: Path) -> None:
    """scikit-learn's digits, as scikit-learn hands them out."""
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    np.save(tmp_path / "digits.npy", digits.images)
    run, run_context = trained(tmp_path, {"type": "handwriting"}, {"type": "mlp", "hidden": [8]})
    one = Trained(tmp_path / "digits.npy", run, run_context)

    found = load_classifier(one.model).predict(one.rows)

    torch.testing.assert_close(found.probabilities, one.probabilities(), atol=1e-6, rtol=0)
    assert found.classes == run_context.dataset.classes


def test_a_file_that_does_not_say_how_rows_are_encoded_is_told(
    table: Trained, tmp_path: Path
) -> None:
    """As of a data set of a plugin that has no encoder."""
    from safecompress_core.saved_models.storage import save_model

    stored = load_model(table.model)
    metadata = {name: one for name, one in stored.metadata.items() if name != "encoder"}
    save_model(tmp_path / "bare.safetensors", stored.state, stored.topology, metadata)

    outcome = invoke("predict", tmp_path / "bare.safetensors", table.rows)

    assert outcome.exit_code == 2
    assert "does not say how rows are encoded" in outcome.stderr
    assert "inputs of shape (N, 5)" in outcome.stderr
