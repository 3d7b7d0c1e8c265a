"""The attack of somebody who holds the uncompressed and the compressed model."""

import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import Access, AttackerDef
from safecompress_core.errors import SpecError
from safecompress_core.host import load_plugins
from safecompress_core.specfile.load import load_spec
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    Observations,
    PoolError,
    observe,
)
from safecompress_plugins.attackers.membership.compression_difference import (
    CompressionDifference,
    both_answers,
)
from safecompress_plugins.attackers.membership.compression_manifest import (
    DEFINITIONS,
    CompressionDifferenceParams,
)

[DIFFERENCE] = [one for one in DEFINITIONS if one.name == "compression-difference"]
MEMBERS, KNOWN = 600, 300  # of 1,200 digits, labels drawn by lot where they cannot be generalised


class TestForest(AttackerConformance):
    definition: AttackerDef = DIFFERENCE


class TestLogistic(AttackerConformance):
    definition: AttackerDef = DIFFERENCE
    params = {"classifier": "logistic"}


def trained(network: nn.Module, inputs: Tensor, labels: Tensor, *, epochs: int) -> None:
    """Adam on full batches; weights that are 0 stay 0."""
    alive = [(one, one != 0) for one in network.parameters() if one.ndim > 1]
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(epochs):
        optimizer.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
        with torch.no_grad():
            for weight, mask in alive:
                weight.mul_(mask)


@pytest.fixture(scope="module")
def pair() -> tuple[AdversaryKnowledge, AdversaryKnowledge]:
    """What is known and what is asked, by a big model and one of a tenth of its weights."""
    digits: Any = load_digits()
    inputs = torch.as_tensor(digits.data[:1200], dtype=torch.float32) / 16
    labels = torch.as_tensor(digits.target[:1200])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lots = torch.rand(1200) < 0.4
        labels = torch.where(lots, torch.randint(10, (1200,)), labels)
        big = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
        trained(big, inputs[:MEMBERS], labels[:MEMBERS], epochs=150)
        small = deepcopy(big)
        with torch.no_grad():
            for weight in (small[0].weight, small[2].weight):
                weight.mul_(weight.abs() > weight.abs().flatten().quantile(0.9))
        trained(small, inputs[:MEMBERS], labels[:MEMBERS], epochs=40)

    def evidence(rows: Tensor) -> AdversaryKnowledge:
        before, after = (
            observe(Classifier(one), inputs[rows], labels[rows]).restrict(Access.BLACK_BOX)
            for one in (big, small)
        )
        return AdversaryKnowledge(seen=after, truth=rows < MEMBERS, values=2, uncompressed=before)

    known = torch.arange(1200) % MEMBERS < KNOWN
    return evidence(known.nonzero()[:, 0]), evidence((~known).nonzero()[:, 0])


def auc(known: AdversaryKnowledge, asked: AdversaryKnowledge, **params: Any) -> float:
    """Of the attack on samples that it has not learned from."""
    attacker = CompressionDifference(CompressionDifferenceParams(**params))
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    assert asked.truth is not None
    return float(roc_auc_score(asked.truth, attacker.score(replace(asked, truth=None))))


@pytest.mark.parametrize("classifier", ["forest", "logistic"])
def test_two_models_tell_more_than_the_compressed_one(
    classifier: Any, pair: tuple[AdversaryKnowledge, AdversaryKnowledge]
) -> None:
    """Handed the compressed model twice, the same attack finds less."""
    both = auc(*pair, classifier=classifier)
    alone = auc(*(replace(one, uncompressed=one.seen) for one in pair), classifier=classifier)

    assert both > alone + 0.05


def seen(logits: list[list[float]], labels: list[int]) -> Observations:
    """Observations with these logits."""
    head: nn.Linear = nn.utils.skip_init(nn.Linear, 3, 3)
    with torch.no_grad():
        nn.init.eye_(head.weight)
        nn.init.zeros_(head.bias)
    return observe(Classifier(head), torch.tensor(logits), torch.tensor(labels))


def test_classes_are_in_the_order_of_the_uncompressed_models_guesses() -> None:
    """Posteriors before, after, their difference, the label; then the losses."""
    before, after = seen([[0.0, 2.0, 1.0]], [2]), seen([[3.0, 0.0, 1.0]], [2])

    [row] = both_answers(AdversaryKnowledge(seen=after, truth=None, values=2, uncompressed=before))

    order = [1, 2, 0]
    p, q = before.posteriors[0, order], after.posteriors[0, order]
    losses = [-p[1].log(), -q[1].log(), p[1].log() - q[1].log()]
    expected = torch.cat([p, q, q - p, torch.tensor([0.0, 1, 0]), torch.stack(losses)])
    torch.testing.assert_close(row, expected)


def test_without_an_uncompressed_model_there_is_nothing_to_compare() -> None:
    """As when a model is audited that came alone."""
    alone = AdversaryKnowledge(
        seen=seen([[0.0, 1.0, 2.0]] * 4, [0] * 4), truth=torch.arange(4) < 2, values=2
    )
    with pytest.raises(PoolError, match="an uncompressed model; this run has none"):
        CompressionDifference(CompressionDifferenceParams()).fit(alone, generator=torch.Generator())


def test_both_classes_are_needed(pair: tuple[AdversaryKnowledge, AdversaryKnowledge]) -> None:
    """An adversary that knows only members cannot learn to tell them."""
    with pytest.raises(PoolError, match="needs members and non-members"):
        auc(replace(pair[0], truth=torch.ones(len(pair[0].seen), dtype=torch.bool)), pair[1])


def test_only_an_audit_may_name_it(tmp_path: Path) -> None:
    """A reference model that re-runs the selection has no uncompressed model beside it."""
    attacker = {"type": "compression-difference"}
    spec = {
        "version": 1,
        "name": "small",
        "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp"}},
        "method": {"type": "uncompressed"},
        "attackers": [attacker],
        "audit": {"attackers": [attacker]},
    }
    file = tmp_path / "spec.yaml"
    file.write_text(json.dumps(spec, indent=2))
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry

    with pytest.raises(SpecError, match=r"attackers\.0\.type: .* only the audit shows it"):
        load_spec(file, registry=registry)

    file.write_text(json.dumps({**spec, "attackers": [{"type": "loss-threshold"}]}, indent=2))
    load_spec(file, registry=registry)
