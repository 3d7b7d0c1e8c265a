"""Samples that two models answer differently."""

import torch
from torch import nn

from safecompress_core.toolkit import Classifier
from safecompress_plugins.metrics.flips import Flips
from safecompress_plugins.metrics.manifest import FlipsParams
from tests.plugins.metrics.conftest import subject_of


def answering(*answers: int) -> Classifier:
    """A network that answers input i with a given label."""
    network = Classifier(nn.Linear(len(answers), 3, bias=False))
    with torch.no_grad():
        network.head.weight.copy_(torch.nn.functional.one_hot(torch.tensor(answers), 3).float().T)
    return network


def test_flips_are_counted_named_and_told_apart_by_exposure() -> None:
    """A case by hand: of eight samples, four of them members, three flip."""
    #                                  members     | others
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
    before = answering(0, 1, 2, 0, 0, 2, 0, 1)
    after = answering(1, 1, 2, 0, 1, 1, 0, 1)
    subject = subject_of(
        after,
        torch.eye(8),
        labels,
        members=4,
        uncompressed=before,
        exposed=torch.tensor([True, False, True, False]),
    )
    metric = Flips(FlipsParams())

    found, details = metric.measure(subject), metric.values(subject).details

    assert found.value == 3 / 8
    assert details["samples"] == [
        {"index": 0, "member": True, "exposed": True, "change": "now wrong"},
        {"index": 4, "member": False, "exposed": False, "change": "now right"},
        {"index": 5, "member": False, "exposed": False, "change": "now wrong"},
    ]
    assert details["changes"] == {"now wrong": 2, "now right": 1, "another wrong answer": 0}
    shares = {name: share["value"] for name, share in details["shares"].items()}
    assert shares == {
        "members": 1 / 4,
        "non_members": 2 / 4,
        "exposed_members": 1 / 2,
        "other_members": 0,
    }


def test_a_list_has_an_end() -> None:
    """The share counts all; no flip is listed where none is asked for."""
    subject = subject_of(
        answering(1, 1),
        torch.eye(2)[[0, 1, 0, 0]],
        torch.tensor([0, 1, 0, 0]),
        members=2,
        uncompressed=answering(0, 1),
    )

    details = Flips(FlipsParams(listed=0)).values(subject).details

    assert details["samples"] == []
    assert details["changes"]["now wrong"] == 3
    assert "exposed_members" not in details["shares"]
