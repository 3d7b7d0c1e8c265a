"""What an adversary holds that is asked about no single members."""

from collections.abc import Callable

import pytest
import torch

from safecompress_core.api import (
    Access,
    AttackerDef,
    AttackerParams,
    EvasionAttackerParams,
    ExtractionAttackerParams,
)
from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observed_pool import ObservedPool, observe_pool
from safecompress_core.attacks.own_samples import own_samples
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.networks.classifier import Classifier


@pytest.fixture
def observed(
    network: Callable[..., Classifier], digits: Dataset, pools: SamplePools
) -> ObservedPool:
    """Attack-train, with 80 members and 80 others."""
    return observe_pool(network(), digits, pools.attack_train)


def held(
    observed: ObservedPool, params: AttackerParams, *, access: Access = Access.WHITE_BOX
) -> AdversaryKnowledge:
    """What an attacker with these parameters holds."""
    definition = AttackerDef(
        name="idle",
        params=type(params),
        target="nowhere:Nothing",
        summary="Idle.",
        game="extraction" if isinstance(params, ExtractionAttackerParams) else "evasion",
        needs=access.needs,
    )
    return own_samples(observed, definition, params)


def test_whoever_evades_holds_all_non_members_and_no_truth(observed: ObservedPool) -> None:
    """With the access that it declares."""
    found = held(observed, EvasionAttackerParams(epsilon=0.1))

    assert torch.equal(found.seen.inputs, observed.unseen.inputs)
    assert found.seen.access is Access.WHITE_BOX
    assert found.truth is None
    assert found.values == 10


def test_a_budget_is_spread_evenly_over_the_pool(observed: ObservedPool) -> None:
    """20 of 80: every fourth one; without a budget all of them."""
    found = held(observed, ExtractionAttackerParams(budget=20))

    assert torch.equal(found.seen.inputs, observed.unseen.inputs[::4])
    assert len(held(observed, ExtractionAttackerParams()).seen) == 80
    assert len(held(observed, ExtractionAttackerParams(budget=5000)).seen) == 80


@pytest.mark.parametrize(
    ("declared", "given"),
    [(Access.WHITE_BOX, Access.BLACK_BOX), (Access.LABEL_ONLY, Access.LABEL_ONLY)],
)
def test_an_extraction_can_ask_for_no_more_answers(
    observed: ObservedPool, declared: Access, given: Access
) -> None:
    """Whatever it declares, it sees what was put out for its samples, and less if it likes."""
    found = held(observed, ExtractionAttackerParams(), access=declared)

    assert found.seen.access is given
