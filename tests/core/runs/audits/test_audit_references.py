"""Reference models of an audit, as a spec names them."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from safecompress_core.cli import cli

COUNT = 800
INPUTS, LABELS = (array[:COUNT] for array in load_digits(return_X_y=True))
IS_MEMBER = np.arange(COUNT) % 2 == 0
RECIPE = """
from pathlib import Path

from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

INPUTS, LABELS = (array[:800] for array in load_digits(return_X_y=True))


def train(indices, seed, trees=10):
    with Path("calls").open("a") as file:
        file.write(f"{len(indices)} {seed} {trees}\\n")
    forest = RandomForestClassifier(trees, random_state=seed)
    return forest.fit(INPUTS[indices], LABELS[indices]).predict_proba(INPUTS)


def model(indices, seed):
    return RandomForestClassifier(10, random_state=seed).fit(INPUTS[indices], LABELS[indices])
"""


def probabilities(mask: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    """Answers of a forest that was trained on some digits."""
    forest = RandomForestClassifier(10, random_state=seed).fit(INPUTS[mask], LABELS[mask])
    answers: NDArray[np.float64] = forest.predict_proba(INPUTS)
    return answers


def table(path: Path, mask: NDArray[np.bool_], answers: NDArray[np.float64]) -> Path:
    """Write a file of predictions."""
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "member", *(f"p_{label}" for label in range(10))])
        for label, is_in, row in zip(LABELS, mask, answers, strict=True):
            writer.writerow([label, is_in, *row])
    return path


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with predictions and the code that trains such models."""
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "predictions.csv", IS_MEMBER, probabilities(IS_MEMBER, 0))
    (tmp_path / "recipe.py").write_text(RECIPE)
    return tmp_path


def run(*options: str, **judges: Any) -> Any:
    """The command's result; ``judges`` is the audit's section."""
    attackers = [{"type": "rmia", "references": 4}]
    audit = json.dumps({"attackers": attackers, **judges})
    arguments = ["audit", "predictions.csv", "--json", "--set", f"audit={audit}", *options]
    return CliRunner().invoke(cli, arguments)


TRAIN = {"type": "python", "function": "recipe:train", "folder": "."}


def test_a_function_trains_them_only_with_permission(place: Path) -> None:
    """Without it nothing of the code is run."""
    refused = run(train=TRAIN)
    assert refused.exit_code == 1
    assert "'recipe:train' is code that this spec names" in refused.stderr
    assert not (place / "calls").exists()

    trained = run("--allow-code", train={**TRAIN, "arguments": {"trees": 8}})

    assert trained.exit_code == 0, trained.output
    results = json.loads(trained.stdout)
    assert results["references"] == {"models": 4, "method": "train"}
    assert results["swap_test"]["advantage"] > 0.3
    assert results["audit"]["rmia"]["auc"] > 0.75
    calls = [line.split() for line in (place / "calls").read_text().splitlines()]
    assert [count for count, _, _ in calls] == ["400"] * 5
    assert len({seed for _, seed, _ in calls}) == 5
    assert {trees for _, _, trees in calls} == {"8"}


def test_an_audit_that_was_stopped_trains_only_what_is_missing(place: Path) -> None:
    """Answers are kept as soon as they are there."""
    # A file decides, since the code is part of the audit's identity.
    check = "    assert not Path('stop').exists() or len(Path('calls').read_text().split()) < 9\n"
    (place / "recipe.py").write_text(RECIPE.replace("    forest =", f"{check}    forest ="))
    (place / "stop").touch()
    stopped = run("--allow-code", train=TRAIN)
    assert stopped.exit_code == 2
    assert "reference model 3: the function that trains it failed (AssertionError" in stopped.stderr
    (place / "stop").unlink()

    assert run("--allow-code", train=TRAIN).exit_code == 0

    seeds = [line.split()[1] for line in (place / "calls").read_text().splitlines()]
    assert len(seeds) == 6  # four models and a twin, one of them tried twice
    assert len(set(seeds)) == 5


def test_of_predictions_only_predictions_can_be_returned(place: Path) -> None:
    """There are no inputs that a model could be asked about."""
    result = run("--allow-code", train={**TRAIN, "function": "recipe:model"})

    assert result.exit_code == 2
    assert "a RandomForestClassifier cannot be asked" in result.stderr
    assert place.exists()


def test_a_folder_of_predictions_has_them_already(place: Path) -> None:
    """Each file says which of the records its model was trained on."""
    generator = np.random.default_rng(0)
    for number in range(0, 4, 2):
        half = generator.permutation(COUNT) < COUNT // 2
        for offset, mask in enumerate((half, ~half)):
            answers = probabilities(mask, number + offset)
            table(place / "models" / f"{number + offset}.csv", mask, answers)

    result = run(references={"type": "folder", "path": "models"})

    assert result.exit_code == 0, result.output
    results = json.loads(result.stdout)
    assert results["references"] == {"models": 4, "method": "given"}
    assert "swap_test" not in results
    assert results["audit"]["rmia"]["auc"] > 0.75


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda lines: lines[:-1], "0.csv has 799 rows, and there are 800 samples"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "row 1 has the label '1', and"),
        (
            lambda lines: [line.rpartition(",")[0] for line in lines],
            "0.csv: probabilities of .* do not sum to 1|label of row 10, '9', is none|9 outputs",
        ),
    ],
)
def test_files_of_other_samples_are_refused(change: Any, message: str, place: Path) -> None:
    """Their rows have to be those of the data."""
    path = table(place / "models" / "0.csv", IS_MEMBER, probabilities(IS_MEMBER, 1))
    path.write_text("\n".join(change(path.read_text().splitlines())))

    result = run(references={"type": "folder", "path": "models"})

    assert result.exit_code in (1, 2)
    assert re.search(message, result.stderr)


@pytest.mark.parametrize(
    ("judges", "message"),
    [
        ({}, "audit.attackers.0.type: 'rmia' compares with reference models"),
        (
            {"train": TRAIN, "references": {"type": "folder", "path": "models"}},
            "audit.references: reference models are either trained or there already",
        ),
        ({"references": {"type": "folder"}}, "'path' is the folder"),
        (
            {"references": {"type": "folder", "path": "runs"}},
            "'runs' holds no files of pred",
        ),
        ({"references": {"type": "in-memory"}}, "given as Python objects"),
    ],
)
def test_the_spec_says_where_they_come_from(
    judges: dict[str, Any], message: str, place: Path
) -> None:
    """And no two ways at once."""
    (place / "runs").mkdir()
    result = run("--allow-code", **judges)

    assert result.exit_code in (1, 2)
    assert message in result.stderr
