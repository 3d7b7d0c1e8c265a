"""Reference models that an owner's function trains: here, in workers, and after a stop."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from torch import nn

from safecompress_core.cli import cli
from safecompress_core.errors import ExecutionError
from safecompress_core.execution.settings import Execution
from safecompress_core.host import Registry
from safecompress_core.python.audit import audit
from safecompress_core.runs.audit_model import audit_model
from safecompress_core.saved_models.model_format import detect_model
from safecompress_core.specfile.load import compose_spec, load_audit_spec
from tests.core.fixtures.audited_models import SPEC, weights

pytestmark = pytest.mark.slow

RECIPE = """
import os
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

INPUTS, LABELS = (array[:800] for array in load_digits(return_X_y=True))


def note(seed):
    with Path("calls").open("a") as file:
        file.write(f"{seed} {os.getpid()}\\n")


def model(indices, seed):
    note(seed)
    bayes = GaussianNB(var_smoothing=0.01 + seed % 7 / 100)
    return bayes.fit(INPUTS[indices] / 16, LABELS[indices])


def train(indices, seed):
    if Path("stop").exists() and len(Path("calls").read_text().split()) >= 4:
        os._exit(1)
    return model(indices, seed).predict_proba(INPUTS / 16)


def sessions(indices, seed):
    note(seed)
    every = torch.as_tensor(load_digits().data, dtype=torch.float32) / 16
    parts = torch.arange(len(every)) // 129
    known = torch.zeros(len(every), dtype=torch.bool)
    known[indices] = True
    means = torch.stack([every[known & (parts == part)].mean(dim=0) for part in range(14)])
    return lambda inputs: torch.softmax(-torch.cdist(inputs.flatten(1), means), dim=1)
"""
INPUTS, LABELS = (array[:800] for array in load_digits(return_X_y=True))
IS_MEMBER = np.arange(800) % 2 == 0


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with predictions, and the code that trains models as theirs was."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.py").write_text(RECIPE)
    fitted = LogisticRegression(max_iter=30, tol=0.1).fit(INPUTS[IS_MEMBER], LABELS[IS_MEMBER])
    rows = [
        [label, member, *answers]
        for label, member, answers in zip(
            LABELS, IS_MEMBER, fitted.predict_proba(INPUTS), strict=True
        )
    ]
    header = ["label", "member", *(f"p_{label}" for label in range(10))]
    text = "\n".join(",".join(map(str, row)) for row in [header, *rows])
    (tmp_path / "predictions.csv").write_text(text)
    return tmp_path


def run(place: Path, *options: str) -> Any:
    """Results of ``safecompress audit`` with a folder of its own, and what it printed."""
    section = {
        "attackers": [{"type": "rmia", "references": 4}],
        "train": {"type": "python", "function": "recipe:train", "folder": "."},
    }
    arguments = ["audit", "predictions.csv", "--json", "--allow-code", *options]
    return CliRunner().invoke(cli, [*arguments, "--set", f"audit={json.dumps(section)}"])


def calls(place: Path) -> tuple[list[str], set[str]]:
    """Seeds of the trainings so far, and the processes that they were done in."""
    lines = [line.split() for line in (place / "calls").read_text().splitlines()]
    (place / "calls").unlink()
    return [seed for seed, _ in lines], {process for _, process in lines}


def test_workers_train_the_same_models_in_other_processes(place: Path) -> None:
    """Four references and the swap twin; every figure and every kept byte is that of one worker."""
    one = run(place, "--runs-dir", "one")
    assert one.exit_code == 0, one.output
    seeds, processes = calls(place)
    assert len(processes) == 1

    two = run(place, "--runs-dir", "two", "--workers", "2")

    assert two.exit_code == 0, two.output
    again, others = calls(place)
    assert sorted(again) == sorted(seeds)
    assert len(again) == 5
    assert not others & processes
    first, second = (json.loads(one.stdout), json.loads(two.stdout))
    for section in ("audit", "swap_test", "references", "controls"):
        assert first[section] == second[section]
    kept = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("0.safetensors")}
        for folder in (place / "one", place / "two")
    ]
    assert len(kept[0]) == 5
    assert kept[0] == kept[1]


def test_an_audit_whose_workers_were_killed_trains_only_what_is_missing(place: Path) -> None:
    """Its worker dies at the third model, each time it is tried; two models stay."""
    (place / "calls").touch()
    (place / "stop").touch()
    stopped = run(place, "--executor", "processes")
    assert stopped.exit_code == 2
    assert "its worker process has died 3 times" in stopped.stderr
    before, _ = calls(place)
    assert len(before) == 2
    (place / "stop").unlink()

    assert run(place, "--workers", "2").exit_code == 0

    after, _ = calls(place)
    assert len(after) == 3
    assert not set(after) & set(before)


def test_workers_load_the_samples_that_they_ask_a_model_about(
    mlp: nn.Sequential, built_ins: Registry, place: Path
) -> None:
    """The audit of a network by a spec, whose references are functions: as with one worker."""
    section = {
        "attackers": [{"type": "rmia", "references": 4}],
        "train": {"type": "python", "function": "recipe:sessions", "folder": str(place)},
        "swap_test": False,
    }
    loaded = load_audit_spec(
        compose_spec(SPEC | {"audit": section}, ()), registry=built_ins, allow_code=True
    )
    path = weights(mlp, place)

    one, two = (
        audit_model(
            detect_model(path, allow_code=False),
            loaded,
            built_ins,
            runs=place / str(workers),
            observers=lambda _: None,
            execution=Execution(workers=workers),
        ).results
        for workers in (1, 2)
    )

    assert one.references is not None
    assert one.audit == two.audit
    assert len(calls(place)[1]) > 1


Positions = NDArray[np.int64]


def test_from_python_a_name_is_imported_and_a_function_is_called_here(place: Path) -> None:
    """With two workers the same as with one; a function in memory is refused, and says why."""
    model = LogisticRegression(max_iter=30, tol=0.1).fit(INPUTS[IS_MEMBER], LABELS[IS_MEMBER])
    order = np.concatenate([np.flatnonzero(IS_MEMBER), np.flatnonzero(~IS_MEMBER)])
    (place / "recipe.py").write_text(
        RECIPE.replace("return_X_y=True))", "return_X_y=True))\nORDER = " + repr(order.tolist()))
        + "\nINPUTS, LABELS = INPUTS[ORDER], LABELS[ORDER]\n"
    )
    settings: dict[str, Any] = {
        "members": (INPUTS[IS_MEMBER], LABELS[IS_MEMBER]),
        "non_members": (INPUTS[~IS_MEMBER], LABELS[~IS_MEMBER]),
        "attackers": [{"type": "rmia", "references": 4}],
    }

    def train(indices: Positions, seed: int) -> Any:
        raise AssertionError(f"{indices}, {seed}")

    with pytest.raises(ExecutionError, match="a function in memory is called in this process"):
        audit(model, train=train, workers=2, **settings)
    one, two = (
        audit(model, train="recipe:train", workers=workers, runs_dir=f"{workers}", **settings)
        for workers in (1, 2)
    )

    assert one.results.audit["rmia"] == two.results.audit["rmia"]
    assert one.results.swap_test == two.results.swap_test
    seeds, processes = calls(place)
    assert len(seeds) == 10
    assert len(processes) > 1
