"""Units that train a reference model of an audit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from safecompress_core.errors import ModelError
from safecompress_core.execution.process_executor import ProcessExecutor
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.runs.audits.training_function import NamedFunction, TrainingJob
from safecompress_core.runs.audits.training_unit import TrainingUnit
from safecompress_core.specfile.component_files import ExternalCode

RECIPE = """
import os

import numpy as np
from sklearn.linear_model import LogisticRegression


def train(indices, seed):
    answers = np.full((6, 2), 0.25)
    answers[indices, 0] = 0.75
    answers[:, 1] = 1 - answers[:, 0]
    with open("processes", "a") as file:
        file.write(f"{os.getpid()}\\n")
    return answers


def model(indices, seed):
    return LogisticRegression()
"""


def unit(folder: Path, name: str, *, number: int = 0) -> TrainingUnit:
    """Training on two of six samples."""
    return TrainingUnit(
        label=f"reference model {number + 1}",
        folder=folder / "references",
        job=TrainingJob(
            name=f"reference model {number + 1}",
            key=f"key-{number}",
            indices=(number, number + 1),
            seed=number,
            classes=("a", "b"),
            count=6,
        ),
        function=NamedFunction(
            code=ExternalCode(name=f"dealt:{name}", folder=str(folder)), arguments={}, threads=1
        ),
        spec=None,
    )


@pytest.mark.slow
def test_processes_import_the_function_and_keep_its_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each unit in a process that is not this one; its mark is the record of the answers."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dealt.py").write_text(RECIPE)
    units = [unit(tmp_path, "train", number=number) for number in range(3)]

    with ProcessExecutor(2) as executor:
        done = list(executor.do(units))

    assert {each.label for each in done} == {each.label for each in units}
    processes = (tmp_path / "processes").read_text().split()
    assert len(processes) == 3
    assert len(set(processes)) <= 2
    for number, each in enumerate(units):
        assert (each.folder / each.mark).exists()
        kept = Checkpoints(each.folder).load(each.job.key)
        assert kept is not None
        expected = torch.full((6,), 0.25)
        expected[[number, number + 1]] = 0.75
        torch.testing.assert_close(kept[1][0]["logits"].exp()[:, 0], expected)


def test_of_samples_in_memory_a_worker_takes_answers_alone(tmp_path: Path) -> None:
    """It has nothing to ask a model about."""
    (tmp_path / "dealt.py").write_text(RECIPE)

    with pytest.raises(ModelError, match="LogisticRegression cannot be asked by a worker") as error:
        unit(tmp_path, "model").work()

    assert error.value.hint is not None
    assert "or use one worker" in error.value.hint
    assert np.size(list(tmp_path.glob("references/*"))) == 0
