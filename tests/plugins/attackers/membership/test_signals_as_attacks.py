"""Attacks that score by one signal and learn nothing: right or wrong, confidence, entropy, norm."""

import pytest
import torch
from scipy.stats import entropy
from torch import nn, tensor

from safecompress_core.api import Access
from safecompress_core.toolkit import AdversaryKnowledge, Attacker, Classifier, observe
from safecompress_plugins.attackers.membership.confidence import Confidence
from safecompress_plugins.attackers.membership.entropy_attack import EntropyAttack
from safecompress_plugins.attackers.membership.gap import Gap
from safecompress_plugins.attackers.membership.gradient_norm import GradientNorm
from safecompress_plugins.attackers.membership.manifest import (
    ConfidenceParams,
    EntropyAttackParams,
    GapParams,
    GradientNormParams,
)

ANSWERS = [[0.7, 0.2, 0.1], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]]
LABELS = [0, 1, 2, 0]


def answered() -> AdversaryKnowledge:
    """A model that answers exactly this: its one layer is the identity on log-posteriors."""
    logits = tensor(ANSWERS).log()
    head = nn.Linear(3, 3, bias=False)
    nn.init.eye_(head.weight)
    seen = observe(Classifier(head), logits, tensor(LABELS))
    return AdversaryKnowledge(seen=seen, truth=None, values=2)


def scores(attacker: Attacker, access: Access) -> torch.Tensor:
    """What it says with no more than this access."""
    asked = answered()
    return attacker.score(
        AdversaryKnowledge(seen=asked.seen.restrict(access), truth=None, values=2)
    )


def test_the_gap_attack_says_member_where_the_prediction_is_right() -> None:
    """It sees labels alone, and brings its own threshold."""
    attacker = Gap(GapParams())

    said = scores(attacker, Access.LABEL_ONLY) > attacker.threshold

    assert said.tolist() == [True, False, True, False]


def test_confidence_is_the_posterior_of_the_label() -> None:
    """Not the largest one."""
    found = scores(Confidence(ConfidenceParams()), Access.BLACK_BOX)

    torch.testing.assert_close(found, tensor([0.7, 0.2, 0.8, 0.3]).double())


def test_entropy_does_not_look_at_the_label() -> None:
    """As scipy computes it; a sure answer is a member's, be it right or wrong."""
    found = scores(EntropyAttack(EntropyAttackParams()), Access.BLACK_BOX)

    torch.testing.assert_close(found, -tensor(entropy(ANSWERS, axis=1)), rtol=1e-5, atol=1e-6)
    assert found[0] == found[1]


@pytest.mark.parametrize("order", [1, 2, 3.5])
def test_the_norm_is_that_of_the_whole_gradient(order: float) -> None:
    """As if the (N, C, H) tensor were there to take it of."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    network = Classifier(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4)))
    inputs = torch.randn(30, 6, generator=generator)
    seen = observe(network, inputs, torch.arange(30) % 4)
    gradients = seen.last_layer_gradients.flatten(1)

    found = GradientNorm(GradientNormParams(order=order)).score(
        AdversaryKnowledge(seen=seen, truth=None, values=2)
    )

    expected = -torch.linalg.vector_norm(gradients, ord=order, dim=1)
    torch.testing.assert_close(found.float(), expected)


def test_confident_samples_keep_different_norms() -> None:
    """With posteriors in single precision, all of these would be told a gradient of 0."""
    head = nn.Linear(2, 2, bias=False)
    nn.init.eye_(head.weight)
    inputs = tensor([[40.0, 0.0], [60.0, 0.0], [80.0, 0.0]])
    seen = observe(Classifier(head), inputs, torch.zeros(3, dtype=torch.int64))

    found = GradientNorm(GradientNormParams()).score(
        AdversaryKnowledge(seen=seen, truth=None, values=2)
    )

    assert (found[:-1] < found[1:]).all()
    assert (found < 0).all()
