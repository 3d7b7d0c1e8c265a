"""A real model that has learned its members by heart."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Classifier, Evidence, Observations, observe

SESSION_STARTS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)
MEMBERS, KNOWN = 898, 359  # 40 % of members and as many non-members are known to the adversary


@dataclass(frozen=True)
class Leaky:
    """A dense network's reactions to two disjoint pools of as many members as non-members.

    It recognises the writing session: nearly all of its members, half of all others.
    """

    known: Evidence
    pool: Evidence
    known_digits: Tensor
    pool_digits: Tensor


def overfitted(inputs: Tensor, labels: Tensor) -> nn.Module:
    """An MLP 64-256-128-14 after 200 epochs of Adam, always the same."""
    network = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 14)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3, fused=True)
    for _ in range(200):
        for rows in torch.randperm(len(labels)).split(64):
            optimizer.zero_grad()
            F.cross_entropy(network(inputs[rows]), labels[rows]).backward()
            optimizer.step()
    return network


@pytest.fixture(scope="session")
def leaky() -> Leaky:
    """Trained once for all tests."""
    digits = load_digits()
    inputs = torch.as_tensor(digits.data, dtype=torch.float32) / 16
    sessions = torch.as_tensor(
        np.searchsorted(SESSION_STARTS, np.arange(len(inputs)), side="right") - 1
    )
    values = torch.as_tensor(digits.target)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        order = torch.randperm(len(inputs))
        members, others = order[:MEMBERS], order[MEMBERS:]
        network = Classifier(overfitted(inputs[members], sessions[members]))

    def seen(rows: Tensor) -> Observations:
        return observe(network, inputs[rows], sessions[rows])

    known = torch.cat([members[:KNOWN], others[:KNOWN]])
    pool = torch.cat([members[KNOWN:], others[KNOWN:]])
    return Leaky(
        known=Evidence(seen=seen(known), truth=torch.arange(len(known)) < KNOWN, values=2),
        pool=Evidence(seen=seen(pool), truth=torch.arange(len(pool)) < MEMBERS - KNOWN, values=2),
        known_digits=values[known],
        pool_digits=values[pool],
    )
