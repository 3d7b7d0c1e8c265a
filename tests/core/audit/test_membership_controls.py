"""Controls of an audit's membership attacks."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.audit.fresh_attackers import FreshAttackers
from safecompress_core.audit.membership_controls import MembershipControls
from safecompress_core.audit.pool_observer import PoolObserver
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.play import Attack
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed


@pytest.fixture
def controls(
    mislabelled: Dataset, pools: SamplePools, spies: Any
) -> Callable[..., MembershipControls]:
    """The controls of some attacks."""

    def make(*attacks: Attack) -> MembershipControls:
        return MembershipControls(
            attacks=attacks,
            observer=PoolObserver(
                dataset=mislabelled,
                pools=pools,
                attacks=attacks,
                metric_needs=frozenset(),
                uncompressed=None,
                versions={},
            ),
            attackers=FreshAttackers(create=spies.create, seed=Seed(2)),
        )

    return make


def test_the_null_control_finds_nothing_in_a_model_that_leaks(
    controls: Callable[..., MembershipControls], overfitted: Classifier, spies: Any
) -> None:
    """For each attack on membership, with an interval that covers one half."""
    nosy = spies.attack("nosy", reads="attribute", game="attribute", attribute="bold")

    found = controls(spies.attack("reader"), nosy).of(overfitted).null

    assert list(found) == ["reader"]
    assert found["reader"].passed
    low, high = found["reader"].auc_interval
    assert low <= 0.5 <= high


def test_the_planted_leak_is_found_by_honest_attacks_and_missed_by_others(
    controls: Callable[..., MembershipControls],
    network: Callable[..., Classifier],
    pools: SamplePools,
    spies: Any,
) -> None:
    """On the audit pool of a model that has learned nothing, so that all there is was planted."""
    attacks = (spies.attack("reader"), spies.attack("guess", reads="nothing"))

    found = controls(*attacks).of(network()).planted

    assert found["reader"].passed
    assert found["reader"].auc > 0.95
    assert found["reader"].members == len(pools.audit.members)
    assert not found["guess"].passed
