"""The audit: fresh attackers, the same for every model, on a pool that nothing has seen."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import create_model
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from safecompress_core.api import Access, Need
from safecompress_core.attacks.adversary import Attacker
from safecompress_core.attacks.observations import Observations
from safecompress_core.audit.auditor import Auditor
from safecompress_core.data.canaries import mislabel
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools, build_pools
from safecompress_core.metric import Metric, SampleMetric, Subject
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.events import EventLog
from safecompress_core.results.schema import AuditRecord
from safecompress_core.seeding import Seed
from safecompress_core.stats.intervals import Estimate
from tests.core.fixtures.records import estimate

MakeNetwork = Callable[..., Classifier]


class Accuracy(SampleMetric):
    def per_sample(self, unseen: Observations) -> Tensor:
        return (unseen.predictions == unseen.labels).float()


class Size(Metric):
    def measure(self, subject: Subject) -> Estimate:
        return Estimate(subject.file_bytes, subject.file_bytes, subject.file_bytes)


@pytest.fixture
def events() -> list[Mapping[str, Any]]:
    """What the auditor tells."""
    return []


@pytest.fixture
def auditor(
    mislabelled: Dataset, pools: SamplePools, spies: Any, events: list[Mapping[str, Any]]
) -> Auditor:
    """One attack on membership, one on the attribute."""
    return Auditor(
        [
            spies.attack("reader"),
            spies.attack("nosy", reads="attribute", game="attribute", attribute="bold"),
        ],
        {"accuracy": Accuracy(), "file-bytes": Size()},
        dataset=mislabelled,
        pools=pools,
        create=spies.create,
        events=EventLog(events.append),
        seed=Seed(2),
    )


def test_every_model_gets_fresh_attackers_that_start_from_the_same_draws(
    auditor: Auditor, network: MakeNetwork, overfitted: Classifier, spies: Any
) -> None:
    """Fitted once, never adapted; so the same model gets the same verdict twice."""
    first = auditor.audit(overfitted, name="a", file_bytes=10)
    auditor.audit(network(), name="b", file_bytes=10)
    again = auditor.audit(overfitted, name="c", file_bytes=10)
    learned = [(what, drawn) for what, drawn, _ in spies.log if what != "score"]

    assert first.record == again.record
    assert [one.score.tolist() for one in first.scores] == [
        one.score.tolist() for one in again.scores
    ]
    assert [what for what, _ in learned] == ["fit"] * 6
    assert learned[:2] == learned[2:4] == learned[4:]


def test_figures_are_of_the_audit_pool_and_attackers_learn_from_attack_train(
    auditor: Auditor, overfitted: Classifier, mislabelled: Dataset, pools: SamplePools, spies: Any
) -> None:
    """The select pool, on which models were chosen, has no part in it."""
    found = auditor.audit(overfitted, name="a", file_bytes=1234).record
    inputs, labels = (t[pools.audit.non_members] for t in (mislabelled.inputs, mislabelled.labels))
    with torch.no_grad():
        right = (overfitted(inputs).argmax(dim=1) == labels).double().mean()

    assert found.metrics["accuracy"].value == pytest.approx(float(right))
    assert found.metrics["file-bytes"] == estimate(1234, 0)
    assert found.audit["reader"].n == len(pools.audit)
    assert found.audit["reader"].advantage > 0.3
    for what, _, evidence in spies.log:
        pool = pools.attack_train if what == "fit" else None
        seen = evidence.seen._model_observations.inputs  # an attack on an attribute is shown less
        rows = {tuple(row) for row in seen.tolist()}
        select = {tuple(row) for row in mislabelled.inputs[pools.select.indices].tolist()}
        assert not rows & select
        assert pool is None or torch.equal(seen, mislabelled.inputs[pool.indices])


def test_membership_attacks_are_looked_at_closely(
    auditor: Auditor, overfitted: Classifier, mislabelled: Dataset
) -> None:
    """Precision at the prior, ε, the top tenth, and each label by its name; nothing by chance."""
    found = auditor.audit(overfitted, name="a", file_bytes=10).record.audit
    reader = found["reader"]

    assert reader.precision_prior == 0.1
    low, high = reader.precision_interval
    assert 0.1 < low <= reader.precision <= high
    assert reader.epsilon.lower_bound > 0.5
    assert reader.top_decile.interval[0] > reader.top_decile.baseline
    assert [one.label for one in reader.labels] == list(mislabelled.classes)
    assert reader.exposed_min_risk == 0.9
    low, high = reader.exposed_members_interval
    assert 0 <= low <= reader.exposed_members <= high <= 1
    assert not {"epsilon", "precision", "labels"} & found["nosy"].model_fields_set


def test_scores_are_of_the_records_of_the_audit_pool(
    auditor: Auditor, overfitted: Classifier, mislabelled: Dataset, pools: SamplePools
) -> None:
    """Of every attack that scores them; the AUC of an attack follows from its scores."""
    found = auditor.audit(overfitted, name="a", file_bytes=10)

    reader, nosy = found.scores
    assert [(one.model, one.attack, one.game) for one in found.scores] == [
        ("a", "reader", "membership"),
        ("a", "nosy", "attribute"),
    ]
    for one in found.scores:
        assert one.position.tolist() == pools.audit.indices.tolist()
        assert one.member.tolist() == pools.audit.is_member.tolist()
    auc = roc_auc_score(reader.member, reader.score)
    assert found.record.audit["reader"].auc == pytest.approx(auc)
    assert np.median(reader.risk[reader.member]) > np.median(reader.risk[~reader.member])
    assert nosy.value is not None
    assert nosy.guess is not None
    share = (nosy.value == nosy.guess).mean()
    assert found.record.audit["nosy"].accuracy == pytest.approx(share)
    assert np.isnan(nosy.risk).all()


def test_canaries_are_reported_apart(
    digits: Dataset, spies: Any, network: MakeNetwork, auditor: Auditor
) -> None:
    """A model that has learned wrong labels by heart: perfect on canaries, little on the others."""
    pools = build_pools(
        digits.labels,
        members=200,
        attack_train=0.4,
        select=0.3,
        audit=0.3,
        generator=torch.Generator().manual_seed(4),
        canaries=20,
    )
    assert pools.canaries is not None
    generator = torch.Generator().manual_seed(5)
    dataset = mislabel(digits, pools.canaries, generator=generator)
    with_canaries = Auditor(
        [
            spies.attack("reader"),
            spies.attack("nosy", reads="attribute", game="attribute", attribute="bold"),
        ],
        {},
        dataset=dataset,
        pools=pools,
        create=spies.create,
        events=EventLog(lambda _: None),
        seed=Seed(2),
    )

    found = with_canaries.audit(learned(dataset, pools), name="a", file_bytes=1).record.audit

    canaries = found["reader"].canaries
    assert (canaries.members, canaries.non_members) == (20, 20)
    assert found["reader"].n == len(pools.audit)
    assert canaries.auc > 0.95 > found["reader"].auc + 0.1
    assert canaries.auc_interval[0] > found["reader"].auc_interval[1]
    assert "canaries" not in found["nosy"].model_fields_set
    plain = auditor.audit(network(), name="a", file_bytes=1).record.audit
    assert plain["reader"].canaries is None


def learned(dataset: Dataset, pools: SamplePools) -> Classifier:
    """Knows all its members' labels, wrong ones included."""
    generator = torch.Generator().manual_seed(9)
    module = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.1, 0.1, generator=generator)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(150):
        optimizer.zero_grad()
        logits = module(dataset.inputs[pools.members])
        nn.functional.cross_entropy(logits, dataset.labels[pools.members]).backward()
        optimizer.step()
    return Classifier(module)


def test_what_it_finds_is_json_with_an_event_for_each_attack(
    auditor: Auditor, overfitted: Classifier, events: list[Mapping[str, Any]]
) -> None:
    """Events name the model."""
    found = auditor.audit(overfitted, name="compressed", file_bytes=10).record

    written = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert AuditRecord.model_validate(written) == found
    assert [(e["event"], e["phase"], e["model"], e["attacker"]) for e in events] == [
        ("attack_finished", "audit", "compressed", "reader"),
        ("attack_finished", "audit", "compressed", "nosy"),
    ]


def test_only_attacks_that_declare_it_see_the_uncompressed_model(
    mislabelled: Dataset,
    pools: SamplePools,
    spies: Any,
    network: MakeNetwork,
    overfitted: Classifier,
) -> None:
    """In judgement and in both controls, with the attack's access; it is observed once a pool."""
    plain, pairing = (spies.attack(name, access=Access.BLACK_BOX) for name in ("plain", "pairing"))
    definition = replace(pairing.definition, needs=pairing.definition.needs | {Need.UNCOMPRESSED})
    big = network()
    forwarded: list[int] = []
    big.register_forward_hook(lambda *_: forwarded.append(1))
    auditor = Auditor(
        [plain, replace(pairing, definition=definition)],
        {"accuracy": Accuracy()},
        dataset=mislabelled,
        pools=pools,
        create=spies.create,
        events=EventLog(),
        seed=Seed(2),
        uncompressed=big,
    )

    auditor.audit(overfitted, name="a", file_bytes=10)
    auditor.controls.of(overfitted)

    shown = [evidence for _, _, evidence in spies.log]
    beside = [one for one in shown if one.uncompressed is not None]
    assert len(beside) * 2 == len(shown)
    assert len(forwarded) == 2
    for one in beside:
        assert one.uncompressed.access is Access.BLACK_BOX
        with torch.no_grad():
            expected = big(one.seen._model_observations.inputs)
        torch.testing.assert_close(one.uncompressed.logits, expected)


def test_only_attacks_that_declare_it_see_other_versions_of_the_model(
    mislabelled: Dataset,
    pools: SamplePools,
    spies: Any,
    network: MakeNetwork,
    overfitted: Classifier,
) -> None:
    """Never the attacked one itself; none beside what is no version; each observed once a pool."""
    plain, several = (spies.attack(name, access=Access.BLACK_BOX) for name in ("plain", "several"))
    definition = replace(several.definition, needs=several.definition.needs | {Need.VERSIONS})
    params = create_model("Wanting", __base__=type(several.params), versions=(int, 2))()
    family = {name: network() for name in ("best", "safest", "other")}
    forwarded: list[str] = []
    for name, member in family.items():
        member.register_forward_hook(lambda *_, name=name: forwarded.append(name))
    auditor = Auditor(
        [plain, replace(several, definition=definition, params=params)],
        {"accuracy": Accuracy()},
        dataset=mislabelled,
        pools=pools,
        create=spies.create,
        events=EventLog(),
        seed=Seed(2),
        versions=family,
    )

    auditor.audit(overfitted, name="a", file_bytes=10, version="best")
    auditor.controls.of(overfitted, version="best")
    beside = [evidence.versions for _, _, evidence in spies.log]
    assert sorted(len(versions) for versions in beside) == [0] * 7 + [1] * 7
    for [version] in filter(None, beside):
        assert version.access is Access.BLACK_BOX
        torch.testing.assert_close(
            version.logits, family["safest"](version._model_observations.inputs).detach()
        )
    assert forwarded.count("best") == 0

    spies.log.clear()
    auditor.audit(overfitted, name="uncompressed", file_bytes=10)
    assert not any(evidence.versions for _, _, evidence in spies.log)


def test_what_an_attacker_remarks_stands_beside_its_measures(
    auditor: Auditor, overfitted: Classifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stands there of one that has nothing to say."""
    quiet = auditor.audit(overfitted, name="a", file_bytes=10).record.audit
    monkeypatch.setattr(Attacker, "remarks", {"worst": "reader"})

    told = auditor.audit(overfitted, name="a", file_bytes=10).record.audit

    assert all(one.remarks is None for one in quiet.values())
    assert told == {
        name: one.model_copy(update={"remarks": {"worst": "reader"}}) for name, one in quiet.items()
    }
