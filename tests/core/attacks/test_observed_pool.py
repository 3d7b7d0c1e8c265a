"""One model's observations of one pool."""

from collections.abc import Callable

import torch

from safecompress_core.attacks.observed_pool import observe_pool
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.networks.classifier import Classifier


def test_samples_are_seen_in_the_pools_order(
    network: Callable[..., Classifier], digits: Dataset, pools: SamplePools
) -> None:
    """Members first; held against the network itself."""
    model, pool = network(), pools.select

    observed = observe_pool(model, digits, pool)

    order = torch.cat([pool.members, pool.non_members])
    assert torch.equal(observed.seen.labels, digits.labels[order])
    assert torch.equal(observed.seen.inputs, digits.inputs[order])
    with torch.no_grad():
        torch.testing.assert_close(observed.seen.logits, model.eval()(digits.inputs[order]))


def test_the_unseen_are_the_non_members(
    network: Callable[..., Classifier], digits: Dataset, pools: SamplePools
) -> None:
    """On them a task is measured."""
    pool = pools.audit

    unseen = observe_pool(network(), digits, pool).unseen

    assert torch.equal(unseen.labels, digits.labels[pool.non_members])
    assert torch.equal(unseen.inputs, digits.inputs[pool.non_members])


def test_references_are_those_of_the_same_samples(
    network: Callable[..., Classifier], digits: Dataset, pools: SamplePools
) -> None:
    """Reference models have answered about the whole data set."""
    logits = torch.arange(2 * 400 * 10.0).reshape(2, 400, 10)
    is_in = torch.arange(800).reshape(2, 400) % 3 == 0
    whole = ReferenceAnswers(logits, is_in, digits.labels)

    found = observe_pool(network(), digits, pools.audit, whole).references

    assert found is not None
    assert torch.equal(found.logits, logits[:, pools.audit.indices])
    assert torch.equal(found.is_in, is_in[:, pools.audit.indices])
    assert observe_pool(network(), digits, pools.audit).references is None
