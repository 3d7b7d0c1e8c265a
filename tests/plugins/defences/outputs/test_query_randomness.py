"""Coins that are the same whenever the same is asked."""

import numpy as np
import torch
from scipy.stats import kstest

from safecompress_plugins.defences.outputs.query_randomness import new_secret, query_uniform

QUERIES = torch.arange(4000)  # hardly anything apart
SECRETS = [new_secret(torch.Generator().manual_seed(seed)) for seed in (2, 3)]


def test_coins_are_even_and_belong_to_the_secret() -> None:
    """Kolmogorov and Smirnov find nothing; who knows another secret knows none of them."""
    drawn, guessed = (query_uniform(QUERIES, secret).numpy() for secret in SECRETS)

    assert kstest(drawn, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(drawn, guessed)[0, 1]) < 0.05


def test_neighbours_have_coins_of_their_own() -> None:
    """Whatever bit two queries differ in."""
    one = query_uniform(QUERIES, SECRETS[0]).numpy()

    for bit in (0, 1, 20, 40, 62, 63):
        other = query_uniform(QUERIES ^ (1 << bit if bit < 63 else -(2**63)), SECRETS[0]).numpy()
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.06


def test_the_same_query_has_the_same_coin() -> None:
    """Whatever is asked beside it."""
    whole = query_uniform(QUERIES, SECRETS[0])

    assert torch.equal(
        torch.cat([query_uniform(one, SECRETS[0]) for one in QUERIES.split(7)]), whole
    )
