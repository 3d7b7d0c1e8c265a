"""Handwritten digits and small classifiers of them."""

from collections.abc import Callable

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from safecompress_core.dataset import Attribute, Dataset
from safecompress_core.network import Classifier

SESSIONS = (130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """All 1,797 digits: the task is the digit, the private attribute the writing session."""
    images = load_digits()
    session = torch.bucketize(torch.arange(1797), torch.tensor(SESSIONS), right=True)
    return Dataset(
        inputs=torch.tensor(images.data / 16, dtype=torch.float32),
        labels=torch.tensor(images.target),
        classes=tuple("0123456789"),
        attributes={"session": Attribute(session, tuple(f"session {n}" for n in range(14)))},
    )


@pytest.fixture
def classifier() -> Callable[[], Classifier]:
    """Makes fresh 64-32-10 networks with dropout, always the same one."""

    def build() -> Classifier:
        torch.manual_seed(18)
        layers = (nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, 10))
        return Classifier(nn.Sequential(*layers))

    return build
