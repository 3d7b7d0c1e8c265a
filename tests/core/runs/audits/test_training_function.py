"""Functions of an owner that train models, and what each is asked to train."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.naive_bayes import GaussianNB

from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import ModelError
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.runs.audits.training_function import (
    NamedFunction,
    TrainingJob,
    answer_by_data,
)
from safecompress_core.specfile.component_files import ExternalCode

DIGITS = load_digits()
INPUTS = torch.as_tensor(DIGITS.data[:60], dtype=torch.float32)
LABELS = torch.as_tensor(DIGITS.target[:60])
CLASSES = tuple(map(str, range(10)))
JOB = TrainingJob(
    name="reference model 2",
    key="there",
    indices=tuple(range(0, 60, 2)),
    seed=5,
    classes=CLASSES,
    count=60,
)
DATA = Dataset(inputs=INPUTS, labels=LABELS, classes=CLASSES, attributes={})


def fit(indices: Any, seed: int) -> GaussianNB:
    """Naive Bayes of some digits."""
    assert indices.dtype == np.int64
    assert seed == 5
    return GaussianNB(var_smoothing=0.1).fit(INPUTS[indices], LABELS[indices])


def test_a_model_is_asked_about_every_sample(tmp_path: Path) -> None:
    """Its answers are those of scikit-learn's own call, kept under the job's key."""
    JOB.do(fit, answer_by_data(DATA), tmp_path)

    kept = Checkpoints(tmp_path).load("there")
    assert kept is not None
    model = fit(np.arange(0, 60, 2), 5)
    expected = np.zeros((60, 10))
    expected[:, model.classes_] = model.predict_proba(INPUTS.numpy())
    found = torch.softmax(kept[1][0]["logits"].double(), dim=1).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_named_function_trains_with_its_own_number_of_threads(tmp_path: Path) -> None:
    """Imported from its folder, and the caller's number is as before."""
    (tmp_path / "threaded.py").write_text(
        "import torch\n"
        "def train(indices, seed, label):\n"
        "    answers = torch.zeros(60, 10)\n"
        "    answers[:, label] = 10 + torch.get_num_threads()\n"
        "    return answers\n"
    )
    code = ExternalCode(name="threaded:train", folder=str(tmp_path))
    before = torch.get_num_threads()

    for threads in (1, 2):
        function = NamedFunction(code=code, arguments={"label": 3}, threads=threads)
        JOB.do(function, answer_by_data(DATA), tmp_path)
        kept = Checkpoints(tmp_path).load("there")
        assert kept is not None
        assert kept[1][0]["logits"][0, 3] == 10 + threads

    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (np.full((30, 10), 0.1), "reference model 2 has 30 answers, and there are 60 samples"),
        (None, "reference model 2: an object of type NoneType is no model"),
    ],
)
def test_what_is_no_model_of_all_samples_is_refused(
    returned: Any, message: str, tmp_path: Path
) -> None:
    """And nothing is kept."""
    with pytest.raises(ModelError, match=message):
        JOB.do(lambda _, __: returned, answer_by_data(DATA), tmp_path)

    assert Checkpoints(tmp_path).load("there") is None


def test_a_function_that_fails_is_named(tmp_path: Path) -> None:
    """With its own error."""

    def train(indices: Any, seed: int) -> None:
        raise KeyError(f"{len(indices)} {seed}")

    with pytest.raises(ModelError, match=r"that trains it failed \(KeyError: '30 5'\)"):
        JOB.do(train, answer_by_data(DATA), tmp_path)
