"""Fresh attackers of an audit."""

from typing import Any

from safecompress_core.audit.fresh_attackers import FreshAttackers
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.play import observe_pool
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed


def test_each_is_new_and_starts_from_the_draws_of_its_attack(
    mislabelled: Dataset, pools: SamplePools, overfitted: Classifier, spies: Any
) -> None:
    """The same for the same attack, whatever was fitted before; others for another one."""
    attackers = FreshAttackers(create=spies.create, seed=Seed(2))
    one, other = spies.attack("one"), spies.attack("other")
    known = one.adversary_knowledge(
        observe_pool(overfitted, mislabelled, pools.attack_train), is_known=True
    )

    fitted = [attackers.fit(attack, known) for attack in (one, other, one)]

    assert len(set(map(id, fitted))) == 3
    draws = [drawn for what, drawn, _ in spies.log if what == "fit"]
    assert draws[0] == draws[2] != draws[1]
    assert attackers.scores(one, known, known).shape == (len(pools.attack_train),)
