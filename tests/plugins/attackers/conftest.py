"""A real model that has learned its members by heart, and one that is a table."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, tensor
from torch.nn import functional as F

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    AttributeEncoding,
    Classifier,
    Observations,
    observe,
)

SESSION_STARTS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)
MEMBERS, KNOWN = 898, 359  # 40 % of members and as many non-members are known to the adversary


@dataclass(frozen=True)
class Leaky:
    """A dense network's reactions to two disjoint pools of as many members as non-members.

    It recognises the writing session: nearly all of its members, half of all others.
    """

    known: AdversaryKnowledge
    pool: AdversaryKnowledge
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
        known=AdversaryKnowledge(
            seen=seen(known), truth=torch.arange(len(known)) < KNOWN, values=2
        ),
        pool=AdversaryKnowledge(
            seen=seen(pool), truth=torch.arange(len(pool)) < MEMBERS - KNOWN, values=2
        ),
        known_digits=values[known],
        pool_digits=values[pool],
    )


# records     A    B    C    D
POSTERIORS = ((0.9, 0.6, 0.1, 0.7), (0.3, 0.8, 0.4, 0.2))
"""By value of an attribute the posterior of label 1 for each of four records."""


class Table(nn.Module):
    """Takes the one-hot value (columns 0 and 1) and the one-hot record (the others)."""

    def __init__(self) -> None:
        super().__init__()
        ones = tensor(POSTERIORS, dtype=torch.float64).flatten()
        self.head = nn.Linear(8, 2, bias=False)
        with torch.no_grad():
            self.head.weight.copy_(torch.stack([(1 - ones).log(), ones.log()]))

    def forward(self, inputs: Tensor) -> Tensor:
        cells: Tensor = inputs[:, :2, None] * inputs[:, None, 2:]
        logits: Tensor = self.head(cells.flatten(1))
        return logits


@pytest.fixture(scope="session")
def table() -> Callable[..., AdversaryKnowledge]:
    """Makes evidence of some records: their labels, and where known their values and membership."""

    def evidence(
        records: str,
        labels: list[int],
        values: list[int] | None = None,
        members: list[int] | None = None,
    ) -> AdversaryKnowledge:
        public = F.one_hot(tensor(["ABCD".index(one) for one in records]), 4).float()
        own = tensor([0] * len(records) if values is None else values)
        inputs = torch.cat([F.one_hot(own, 2).float(), public], dim=1)
        seen = observe(Classifier(Table()), inputs, tensor(labels))
        return AdversaryKnowledge(
            seen=seen.with_visible_columns(tensor([2, 3, 4, 5])),
            truth=None if values is None else tensor(values),
            values=2,
            public=public,
            encoding=AttributeEncoding(tensor([0, 1]), torch.eye(2)),
            is_member=None if members is None else tensor(members).bool(),
        )

    return evidence
