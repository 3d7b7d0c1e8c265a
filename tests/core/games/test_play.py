"""Playing a game: the attacker's inputs, its queries and the measures of its answer."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from torch import Tensor

from safecompress_core.api import BLACK_BOX, Access, AttackerDef, Need, ReferenceAttackerParams
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.errors import AccessError
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.games.play import Attack, ObservedPool, observe_pool
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.intervals import auc_interval
from safecompress_core.training.defence import Batch
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import TrainingState

MakeNetwork = Callable[..., Classifier]


def leak(known: ObservedPool, asked: ObservedPool) -> float:
    """Lower end of the AUC of a membership classifier on the representation."""
    adversary = LogisticRegression(max_iter=500)
    adversary.fit(known.seen.hidden.numpy(), known.pool.is_member.numpy())
    scores = adversary.predict_proba(asked.seen.hidden.numpy())[:, 1]
    is_member = asked.pool.is_member.numpy()
    interval = auc_interval(scores, is_member)
    assert interval.value == pytest.approx(roc_auc_score(is_member, scores))
    return interval.low


def test_an_untrained_network_leaks_nothing_since_members_are_seen_as_non_members_are(
    network: MakeNetwork,
    digits: Dataset,
    pools: SamplePools,
    make_state: Callable[..., TrainingState],
    memory: Any,
) -> None:
    """The papers' code shows members through crop and flip: then the same network leaks 87 %."""
    untrained = network()
    augmentation = make_state(memory=memory(strength=1.0)).defences["memory"]
    generator = torch.Generator().manual_seed(1)

    def look_as_the_papers_do(pool: Pool) -> ObservedPool:
        batch = Batch(inputs=digits.inputs[pool.members], labels=pool.members, attributes={})
        changed = augmentation.transform(batch, generator=generator).inputs
        inputs = torch.cat([changed, digits.inputs[pool.non_members]])
        seen = observe(untrained, inputs, digits.labels[pool.indices])
        return ObservedPool(dataset=digits, pool=pool, seen=seen)

    honest = [observe_pool(untrained, digits, pool) for pool in (pools.attack_train, pools.select)]
    flawed = [look_as_the_papers_do(pool) for pool in (pools.attack_train, pools.select)]

    assert leak(*honest) < 0.5
    assert leak(*flawed) > 0.8


def test_a_network_is_observed_on_plain_samples_however_it_is_trained(
    make_state: Callable[..., TrainingState],
    trainer: Trainer,
    digits: Dataset,
    pools: SamplePools,
    memory: Any,
) -> None:
    """After training under augmentation, the inputs are the data set's own, members and all."""
    one = make_state(memory=memory(strength=0.5))
    trainer.train(one, until=1, topology_schedule=None, what="it")
    seen: list[Tensor] = []
    one.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))

    observe_pool(one.network, digits, pools.select)

    assert torch.equal(torch.cat(seen), digits.inputs[pools.select.indices])


def test_an_attacker_sees_what_it_declared_and_the_truth_only_where_it_is_known(
    network: MakeNetwork, digits: Dataset, pools: SamplePools, spies: Any
) -> None:
    """With label-only access, for example, posteriors cannot be read."""
    observed = observe_pool(network(), digits, pools.attack_train)
    attack = spies.attack("blind", access=Access.LABEL_ONLY)

    known, asked = (attack.adversary_knowledge(observed, is_known=known) for known in (True, False))

    assert torch.equal(known.truth, pools.attack_train.is_member)
    assert asked.truth is None
    assert known.values == asked.values == 2
    with pytest.raises(AccessError):
        _ = known.seen.posteriors


def test_an_attribute_attack_is_after_the_attribute_it_names(
    network: MakeNetwork, digits: Dataset, pools: SamplePools, spies: Any
) -> None:
    """The truth is the attribute's, in the pool's order."""
    observed = observe_pool(network(), digits, pools.select)
    attack = spies.attack("nosy", reads="attribute", game="attribute", attribute="bold")

    evidence = attack.adversary_knowledge(observed, is_known=True)

    assert attack.attribute == "bold"
    assert torch.equal(evidence.truth, digits.attributes["bold"].values[pools.select.indices])


def test_thresholds_come_from_what_is_known_alone(
    overfitted: Classifier, mislabelled: Dataset, pools: SamplePools, spies: Any
) -> None:
    """Measured on the reported pool, far above chance for a model that leaks."""
    known, asked = (
        observe_pool(overfitted, mislabelled, p) for p in (pools.attack_train, pools.select)
    )
    attack = spies.attack("reader")
    attacker = spies.create(attack.params)
    attacker.fit(attack.adversary_knowledge(known, is_known=True), generator=torch.Generator())

    judgement = attack.measure(attacker, known, asked)

    assert len(judgement) == len(pools.select)
    assert judgement.advantage.low > 0.2
    assert judgement.threshold in midpoints(-known.seen.losses)
    assert all(evidence.truth is None for what, _, evidence in spies.log if what == "score")


def test_members_exchanged_with_non_members_are_found_in_the_reverse(
    overfitted: Classifier, mislabelled: Dataset, pools: SamplePools, spies: Any
) -> None:
    """The attack itself has no advantage; with negated scores it has that of the right pools."""
    exchanged = (
        replace(pool, members=pool.non_members, non_members=pool.members)
        for pool in (pools.attack_train, pools.select)
    )
    known, asked = (observe_pool(overfitted, mislabelled, pool) for pool in exchanged)
    attack = spies.attack("reader")
    attacker = spies.create(attack.params)
    attacker.fit(attack.adversary_knowledge(known, is_known=True), generator=torch.Generator())

    judgement = attack.measure(attacker, known, asked)

    assert judgement.advantage.value < 0.05
    assert judgement.reversed is not None
    assert judgement.reversed.advantage.low > 0.2


def midpoints(scores: Tensor) -> set[float]:
    """Thresholds halfway between two scores."""
    ordered = scores.double().sort().values
    return set(((ordered[1:] + ordered[:-1]) / 2).tolist())


def test_the_task_is_measured_on_non_members(
    network: MakeNetwork, digits: Dataset, pools: SamplePools
) -> None:
    """Those of the pool, in its order."""
    observed = observe_pool(network(), digits, pools.select)

    assert torch.equal(observed.unseen.labels, digits.labels[pools.select.non_members])
    assert torch.equal(observed.unseen.inputs, digits.inputs[pools.select.non_members])


def test_reference_models_are_shown_to_who_declares_them(
    network: MakeNetwork, digits: Dataset, pools: SamplePools, spies: Any
) -> None:
    """In the declared number, on the samples of the pool, without their membership."""
    generator = torch.Generator().manual_seed(1)
    is_in = torch.rand(6, len(digits), generator=generator) < 0.5
    logits = torch.randn(6, len(digits), 10, generator=generator)
    observed = observe_pool(
        network(), digits, pools.audit, ReferenceAnswers(logits, is_in, digits.labels)
    )
    comparing = Attack(
        id="comparing",
        game=MembershipGame(MEMBERSHIP),
        definition=AttackerDef(
            name="comparing",
            params=ReferenceAttackerParams,
            target="x:Y",
            summary="Compares.",
            game="membership",
            needs=BLACK_BOX | {Need.REFERENCES},
        ),
        params=ReferenceAttackerParams(references=4),
    )

    shown = comparing.adversary_knowledge(observed, is_known=False)

    assert shown.truth is None
    assert shown.references is not None
    assert torch.equal(shown.references.logits, logits[:4, pools.audit.indices])
    assert torch.equal(shown.references.is_in, is_in[:4, pools.audit.indices])
    assert torch.equal(shown.references.labels, shown.seen.labels)
    assert spies.attack("plain").adversary_knowledge(observed, is_known=False).references is None


def public_rows(digits: Dataset, *, columns: tuple[int, ...] = ()) -> Dataset:
    """The upper half of an image is public; how bold it is may be written in its last pixels."""
    codes = torch.eye(2)[:, : len(columns)] if columns else None
    bold = replace(digits.attributes["bold"], columns=columns, codes=codes)
    ink = digits.inputs.sum(dim=1).double()
    features = {"upper half": tuple(range(32)), "corner": (0, 63)}
    return replace(
        digits, attributes={"bold": bold, "ink": replace(bold, numbers=ink)}, features=features
    )


def test_an_attribute_attack_knows_of_samples_what_is_public(
    network: MakeNetwork, digits: Dataset, pools: SamplePools, spies: Any
) -> None:
    """Public features, with the truth on attack-train; the rest of the input is 0."""
    data = public_rows(digits, columns=(62, 63))
    observed = observe_pool(network(), data, pools.select)
    attack = spies.attack("nosy", game="attribute", attribute="bold")

    known, asked = (attack.adversary_knowledge(observed, is_known=known) for known in (True, False))

    own = data.inputs[pools.select.indices]
    for evidence in (known, asked):
        assert torch.equal(evidence.public, own[:, :32])
        assert torch.equal(evidence.seen.inputs[:, :32], own[:, :32])
        assert not evidence.seen.inputs[:, 32:].any()
        assert torch.equal(evidence.seen.logits, observed.seen.logits)
        assert evidence.encoding.columns.tolist() == [62, 63]
    assert torch.equal(known.is_member, pools.select.is_member)
    assert asked.is_member is None
    some = asked.take(torch.tensor([3, 1]))
    assert torch.equal(some.public, own[[3, 1], :32])


def test_a_membership_attack_knows_the_whole_sample(
    network: MakeNetwork, digits: Dataset, pools: SamplePools, spies: Any
) -> None:
    """It decides whether exactly this sample was a training sample."""
    observed = observe_pool(network(), public_rows(digits), pools.select)

    evidence = spies.attack("blind").adversary_knowledge(observed, is_known=True)

    assert torch.equal(evidence.seen.inputs, digits.inputs[pools.select.indices])
    assert evidence.public is evidence.encoding is evidence.is_member is None


def test_an_attribute_attack_is_held_against_a_guess_from_public_features(
    network: MakeNetwork, digits: Dataset, pools: SamplePools, spies: Any
) -> None:
    """Ink in the upper half predicts both boldness and ink of the whole digit."""
    found = {}
    for what, data in (("something", public_rows(digits)), ("nothing", digits)):
        known, asked = (
            observe_pool(network(), data, p) for p in (pools.attack_train, pools.select)
        )
        for attribute in data.attributes:
            attack = spies.attack("nosy", reads="attribute", game="attribute", attribute=attribute)
            attacker = spies.create(attack.params)
            found[what, attribute] = attack.measure(attacker, known, asked)

    assert found["something", "bold"].baseline > found["nothing", "bold"].baseline + 0.1
    assert found["something", "bold"].absolute_error is None
    assert found["something", "ink"].absolute_error.rule in ("ridge", "boosting")
