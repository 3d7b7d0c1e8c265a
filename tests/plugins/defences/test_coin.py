"""Coins that are the same whenever the same is asked."""

import numpy as np
import torch
from scipy.stats import kstest

from safecompress_plugins.defences.coin import coins, secret_of

ANSWERS = torch.randn(4000, 5, generator=torch.Generator().manual_seed(1)).softmax(dim=1)


def test_coins_are_even_and_belong_to_the_secret() -> None:
    """Kolmogorov and Smirnov find nothing; who knows another secret knows none of them."""
    one, other = (secret_of(5, torch.Generator().manual_seed(seed)) for seed in (2, 3))
    drawn, guessed = coins(ANSWERS, one), coins(ANSWERS, other)

    assert kstest(drawn.numpy(), "uniform").pvalue > 0.01
    assert abs(np.corrcoef(drawn.numpy(), guessed.numpy())[0, 1]) < 0.05


def test_neighbours_in_the_last_digit_have_coins_of_their_own() -> None:
    """Nobody learns of one answer's coin by asking for one that is nearly the same."""
    secret = secret_of(5, torch.Generator().manual_seed(2))
    moved = ANSWERS + torch.tensor([2e-4, -2e-4, 0, 0, 0])

    first, second = coins(ANSWERS, secret).numpy(), coins(moved, secret).numpy()

    assert abs(np.corrcoef(first, second)[0, 1]) < 0.05


def test_rounding_is_no_other_query() -> None:
    """Nor is what is asked beside it."""
    secret = secret_of(5, torch.Generator().manual_seed(2))
    rounded = (ANSWERS * 1e4).round() / 1e4  # in the middle of its digits

    first = coins(rounded, secret)

    assert torch.equal(coins(rounded + 3e-8, secret), first)
    assert torch.equal(torch.cat([coins(one, secret) for one in rounded.split(7)]), first)
