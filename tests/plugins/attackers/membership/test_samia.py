"""Self-attention over posteriors, sensitivity and label."""

from dataclasses import replace
from math import pi, sqrt
from typing import Protocol

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn

from safecompress_core.api import AttackerDef
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import AdversaryKnowledge, Classifier, Observations, observe
from safecompress_plugins.attackers.membership.compression_manifest import DEFINITIONS, SamiaParams
from safecompress_plugins.attackers.membership.samia import Samia, SamiaNetwork, sensitivity

[SAMIA] = [one for one in DEFINITIONS if one.name == "samia"]


@pytest.mark.slow
class TestSamia(AttackerConformance):
    definition: AttackerDef = SAMIA
    params = {"epochs": 8, "adapt_epochs": 2, "queries": 4}


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge


def seen(count: int = 6) -> Observations:
    """A linear model's reactions."""
    generator = torch.Generator().manual_seed(0)
    head = nn.Linear(5, 3)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(generator=generator)
    inputs = torch.randn(count, 5, generator=generator)
    return observe(Classifier(head), inputs, torch.arange(count) % 3)


def fitted(seed: int = 0) -> Samia:
    """An attacker that has hardly learned."""
    attacker = Samia(SamiaParams(epochs=1, queries=3, learner="network"))
    known = AdversaryKnowledge(seen=seen(12), truth=torch.arange(12) % 2 == 0, values=2)
    attacker.fit(known, generator=torch.Generator().manual_seed(seed))
    return attacker


@pytest.mark.slow
def test_it_tells_members_of_a_real_model(leaky: Leaky) -> None:
    """Better than the loss alone does (AUC 0.78)."""
    attacker = Samia(SamiaParams(epochs=10, learner="network"))
    attacker.fit(leaky.known, generator=torch.Generator().manual_seed(0))

    scores = attacker.score(replace(leaky.pool, truth=None))

    assert leaky.pool.truth is not None
    assert roc_auc_score(leaky.pool.truth.numpy(), scores.numpy()) > 0.79


def test_sensitivity_is_the_gradients_norm() -> None:
    """A Gaussian step along gradient g moves a posterior by sqrt(2 / π)·norm(g) on average."""
    few = seen()
    directions = torch.randn(4000, 5, generator=torch.Generator().manual_seed(1))
    weight = few.parameters["weight"].double()
    p = few.posteriors.double()
    gradients = p[:, :, None] * (weight - (p @ weight)[:, None])  # (N, C, inputs) of a softmax

    found = sensitivity(few, directions, noise=1e-3)

    expected = sqrt(2 / pi) * gradients.norm(dim=2)
    torch.testing.assert_close(found.double(), expected, rtol=0.05, atol=1e-4)


def test_tokens_go_from_the_first_guess_to_the_last() -> None:
    """Sensitivity and label stay with their class."""
    attacker, few = fitted(), seen()
    (tokens,) = attacker.features(few)
    assert attacker._directions is not None
    movement = sensitivity(few, attacker._directions, noise=1e-3)

    assert tokens.shape == (6, 3, 3)
    assert torch.equal(tokens[:, :, 0], few.posteriors.sort(dim=1, descending=True).values)
    for row, token in enumerate(tokens):
        order = few.posteriors[row].argsort(descending=True)
        assert torch.equal(token[:, 1], movement[row, order])
        assert order[token[:, 2].argmax()] == few.labels[row]


def test_the_noise_is_drawn_from_the_generator() -> None:
    """Once, for all samples: how much one moves does not depend on the others."""
    first, again, other = fitted(), fitted(), fitted(seed=1)
    few = seen()

    assert torch.equal(first.features(few)[0], again.features(few)[0])
    assert not torch.equal(first.features(few)[0], other.features(few)[0])
    alone = few.take(torch.tensor([4]))
    torch.testing.assert_close(first.features(few)[0][4:5], first.features(alone)[0])


@pytest.mark.parametrize("classes", [2, 14])
def test_the_network_is_the_authors(classes: int) -> None:
    """Sizes as in transformer.py of their repository mia_prune."""
    network = SamiaNetwork(classes)
    sizes = {name: tuple(one.shape) for name, one in network.named_parameters()}

    assert sizes["normalise.weight"] == (3 * classes,)
    assert sizes["embed.weight"] == (64, 3)
    assert sizes["encoder.layers.2.self_attn.in_proj_weight"] == (192, 64)
    assert sizes["encoder.layers.2.linear1.weight"] == (128, 64)
    assert sizes["fusion.1.weight"] == (64, 64 * classes)
    assert len(network.encoder.layers) == 3
    assert network.encoder.layers[0].self_attn.num_heads == 4


def test_it_has_to_be_fitted_first() -> None:
    """Before that there is no noise to add."""
    with pytest.raises(RuntimeError, match="fitted before"):
        Samia(SamiaParams()).features(seen())
