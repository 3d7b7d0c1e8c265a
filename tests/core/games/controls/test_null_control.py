"""The null control: without membership signal an attack must find none."""

import json
from collections.abc import Callable

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observations import Observations, observe
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import PoolError
from safecompress_core.games.controls.null_control import Attack, ControlResult, null_control
from safecompress_core.networks.classifier import Classifier

MEMBERS = torch.arange(300) < 150
Seen = tuple[Observations, Observations]


@pytest.fixture(scope="module")
def digits_seen(all_digits: Dataset) -> Seen:
    """An untrained network's observations of two pools of 150 + 150."""
    torch.manual_seed(18)
    network = Classifier(torch.nn.Linear(64, 10))
    known, asked = slice(0, 300), slice(300, 600)
    return (
        observe(network, all_digits.inputs[known], all_digits.labels[known]),
        observe(network, all_digits.inputs[asked], all_digits.labels[asked]),
    )


def controlled(
    seen: Seen, attack: Attack, *, seed: int, confidence: float = 0.999
) -> ControlResult:
    """The control with lots drawn by a seed."""
    known, asked = seen
    generator = torch.Generator().manual_seed(seed)
    return null_control(
        attack,
        AdversaryKnowledge(seen=known, truth=MEMBERS, values=2),
        AdversaryKnowledge(seen=asked, truth=MEMBERS, values=2),
        generator=generator,
        confidence=confidence,
    )


def loss(known: AdversaryKnowledge, asked: AdversaryKnowledge) -> Tensor:
    """Learns nothing and reads the loss."""
    return -asked.seen.losses


def rounded_loss(known: AdversaryKnowledge, asked: AdversaryKnowledge) -> Tensor:
    """The same with many ties."""
    return (-4 * asked.seen.losses).round()


def trained(known: AdversaryKnowledge, asked: AdversaryKnowledge) -> Tensor:
    """An attacker trained on posteriors with known membership."""
    assert known.truth is not None
    probe = LogisticRegression().fit(known.seen.posteriors, known.truth)
    return torch.from_numpy(probe.predict_proba(asked.seen.posteriors)[:, 1])


@pytest.mark.parametrize("attack", [loss, rounded_loss, trained])
def test_the_false_alarm_rate_is_what_the_confidence_says(
    attack: Attack, digits_seen: Seen
) -> None:
    """One honest attack in ten fails at a confidence of 0.9; 400 lots, 3.3 standard errors."""
    lots = range(400)

    passed = [controlled(digits_seen, attack, seed=n, confidence=0.9).passed for n in lots]

    assert sum(passed) / len(passed) == pytest.approx(0.9, abs=0.05)


def test_an_attack_that_goes_by_the_order_of_samples_is_caught(digits_seen: Seen) -> None:
    """Members come first in every pool, so using their order reads the pool, not the model."""

    def by_position(known: AdversaryKnowledge, asked: AdversaryKnowledge) -> Tensor:
        return -torch.arange(len(asked.seen))

    control = controlled(digits_seen, by_position, seed=1)

    assert not control.passed
    assert control.auc.value == 1.0


def test_an_attack_on_a_model_that_leaks_passes(
    classifier: Callable[[], Classifier], all_digits: Dataset
) -> None:
    """The control tests whether the attack is valid, not whether the model is safe."""
    generator = torch.Generator().manual_seed(18)
    inputs = all_digits.inputs[:300]
    labels = torch.randint(10, (300,), generator=generator)
    network = classifier().eval()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs[MEMBERS]), labels[MEMBERS]).backward()
        optimizer.step()
    seen = observe(network, inputs, labels)
    assert seen.losses[MEMBERS].mean() < 0.1 * seen.losses[~MEMBERS].mean()

    assert controlled((seen, seen), loss, seed=1).passed


def test_lots_are_cast_among_non_members_only(digits_seen: Seen, all_digits: Dataset) -> None:
    """Half of them are called members, and no sample that the model was trained on takes part."""
    asked_about: list[AdversaryKnowledge] = []

    def watching(known: AdversaryKnowledge, asked: AdversaryKnowledge) -> Tensor:
        asked_about.extend((known, asked))
        return loss(known, asked)

    control = controlled(digits_seen, watching, seed=1)

    known, asked = asked_about
    assert (control.members, control.non_members) == (75, 75)
    assert known.truth is not None
    assert known.truth.sum() == 75
    assert asked.truth is None
    outside = {tuple(sample) for sample in all_digits.inputs[450:600].tolist()}
    assert {tuple(sample) for sample in asked.seen.inputs.tolist()} == outside


def test_the_control_is_json(digits_seen: Seen) -> None:
    """With the keys that its docstring names."""
    document = json.loads(json.dumps(controlled(digits_seen, loss, seed=1).to_json()))

    assert set(document) == {"auc", "auc_interval", "passed", "members", "non_members"}
    assert document["passed"] is True


def test_too_few_non_members_are_an_error(digits_seen: Seen) -> None:
    """Two a side are needed."""
    known, asked = (
        AdversaryKnowledge(seen=seen, truth=torch.arange(300) >= 3, values=2)
        for seen in digits_seen
    )

    with pytest.raises(PoolError, match="needs 4 non-members, but there are 3"):
        null_control(loss, known, asked, generator=torch.Generator())
