"""Mixup: samples and targets are mixed alike, by one share a batch."""

import numpy as np
import pytest
import torch
from scipy import stats

from safecompress_core.errors import SafeCompressError
from safecompress_core.toolkit import Batch
from safecompress_plugins.defences.manifest import MixupParams
from safecompress_plugins.defences.training.mixup import Mixup


def mixup(alpha: float) -> Mixup:
    """The defence for four classes."""
    defence = Mixup(MixupParams(alpha=alpha))
    defence.prepare(representation=3, classes=4, attributes={}, generator=torch.Generator())
    return defence


def batch(count: int = 8) -> Batch:
    """Sample i is the i-th unit vector, so that a mixture shows what it is made of."""
    return Batch(inputs=torch.eye(count), labels=torch.arange(count) % 4, attributes={})


def test_inputs_and_targets_are_mixed_with_the_same_partner_and_share() -> None:
    """Each mixture holds at least half of its own sample, and the label's share is the sample's."""
    plain = batch()
    mixed = mixup(1.0).transform(plain, generator=torch.Generator().manual_seed(2))

    assert mixed.targets is not None
    own = mixed.inputs.diagonal()
    partners = (mixed.inputs - torch.diag(own)).argmax(dim=1)
    others = (partners != torch.arange(8)) & (own < 1)
    assert others.any()
    assert torch.equal(mixed.labels, plain.labels)
    torch.testing.assert_close(mixed.inputs.sum(dim=1), torch.ones(8))
    share = own[others][0]
    assert share >= 0.5
    expected = torch.zeros(8, 4)
    for row in range(8):
        expected[row, row % 4] += share
        partner = int(partners[row]) if others[row] else row
        expected[row, partner % 4] += 1 - share
    torch.testing.assert_close(mixed.targets, expected)


def test_shares_follow_the_folded_beta_distribution() -> None:
    """λ ~ Beta(0.4, 0.4), the larger of λ and 1 − λ, by Kolmogorov and Smirnov's test."""
    defence, generator = mixup(0.4), torch.Generator().manual_seed(3)
    shares = [defence._share(generator) for _ in range(400)]
    beta = stats.beta(0.4, 0.4)

    def folded(share: np.ndarray) -> np.ndarray:
        return np.asarray(beta.cdf(share) - beta.cdf(1 - share))

    assert stats.kstest(shares, folded).pvalue > 0.01


def test_tokens_are_refused() -> None:
    """A number half way between two words is no word."""
    tokens = Batch(
        inputs=torch.ones(2, 5, dtype=torch.int64), labels=torch.tensor([0, 1]), attributes={}
    )

    with pytest.raises(SafeCompressError, match="mixup needs continuous inputs"):
        mixup(0.2).transform(tokens, generator=torch.Generator())
