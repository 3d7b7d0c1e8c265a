"""The audit: fresh attackers, the same for every model, on a pool that nothing has seen."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from safecompress_core.api import Game
from safecompress_core.dataset import Dataset
from safecompress_core.engine.audit import Auditor
from safecompress_core.engine.journal import Journal
from safecompress_core.engine.metric import Metric, SampleMetric, Subject
from safecompress_core.network import Classifier
from safecompress_core.privacy.intervals import Estimate
from safecompress_core.privacy.observations import Observations
from safecompress_core.privacy.pools import Pools
from safecompress_core.seeding import Seed

MakeNetwork = Callable[..., Classifier]


class Accuracy(SampleMetric):
    def per_sample(self, unseen: Observations) -> Tensor:
        return (unseen.predictions == unseen.labels).float()


class Size(Metric):
    def measure(self, subject: Subject) -> Estimate:
        return Estimate(subject.file_bytes, subject.file_bytes, subject.file_bytes)


@pytest.fixture
def events() -> list[Mapping[str, Any]]:
    """What the auditor tells."""
    return []


@pytest.fixture
def auditor(
    mislabelled: Dataset, pools: Pools, spies: Any, events: list[Mapping[str, Any]]
) -> Auditor:
    """One attack on membership, one on the attribute."""
    return Auditor(
        [
            spies.attack("reader"),
            spies.attack("nosy", reads="attribute", game=Game.ATTRIBUTE, attribute="bold"),
        ],
        {"accuracy": Accuracy(), "size": Size()},
        dataset=mislabelled,
        pools=pools,
        create=spies.create,
        journal=Journal(events.append),
        seed=Seed(2),
    )


def test_every_model_gets_fresh_attackers_that_start_from_the_same_draws(
    auditor: Auditor, network: MakeNetwork, overfitted: Classifier, spies: Any
) -> None:
    """Fitted once, never adapted; so the same model gets the same verdict twice."""
    first = auditor.judge(overfitted, name="a", file_bytes=10)
    auditor.judge(network(), name="b", file_bytes=10)
    again = auditor.judge(overfitted, name="c", file_bytes=10)
    learned = [(what, drawn) for what, drawn, _ in spies.log if what != "score"]

    assert first == again
    assert [what for what, _ in learned] == ["fit"] * 6
    assert learned[:2] == learned[2:4] == learned[4:]


def test_figures_are_of_the_audit_pool_and_attackers_learn_from_attack_train(
    auditor: Auditor, overfitted: Classifier, mislabelled: Dataset, pools: Pools, spies: Any
) -> None:
    """The select pool, on which models were chosen, has no part in it."""
    found = auditor.judge(overfitted, name="a", file_bytes=1234)
    inputs, labels = (t[pools.audit.non_members] for t in (mislabelled.inputs, mislabelled.labels))
    with torch.no_grad():
        right = (overfitted(inputs).argmax(dim=1) == labels).double().mean()

    assert found["metrics"]["accuracy"]["value"] == pytest.approx(float(right))
    assert found["metrics"]["size"] == {"value": 1234, "interval": [1234, 1234]}
    assert found["audit"]["reader"]["n"] == len(pools.audit)
    assert found["audit"]["reader"]["advantage"] > 0.3
    for what, _, evidence in spies.log:
        pool = pools.attack_train if what == "fit" else None
        rows = {tuple(row) for row in evidence.seen.inputs.tolist()}
        select = {tuple(row) for row in mislabelled.inputs[pools.select.indices].tolist()}
        assert not rows & select
        assert pool is None or torch.equal(evidence.seen.inputs, mislabelled.inputs[pool.indices])


def test_the_null_control_finds_nothing_in_a_model_that_leaks(
    auditor: Auditor, overfitted: Classifier
) -> None:
    """For each attack on membership, with an interval that covers one half."""
    found = auditor.null_control(overfitted)

    assert list(found) == ["reader"]
    assert found["reader"]["passed"]
    low, high = found["reader"]["auc_interval"]
    assert low <= 0.5 <= high


def test_what_it_finds_is_json_with_an_event_for_each_attack(
    auditor: Auditor, overfitted: Classifier, events: list[Mapping[str, Any]]
) -> None:
    """Events name the model."""
    found = auditor.judge(overfitted, name="compressed", file_bytes=10)

    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [(e["event"], e["phase"], e["model"], e["attacker"]) for e in events] == [
        ("attack_finished", "audit", "compressed", "reader"),
        ("attack_finished", "audit", "compressed", "nosy"),
    ]
