"""The planted-leak control: attacks of every access level must find a known leak."""

import json
from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from safecompress_core.api import Access
from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observations import Observations, observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.data.dataset import Dataset
from safecompress_core.games.controls.planted_control import (
    LEAK,
    plant_in_references,
    plant_leak,
    planted_control,
)
from safecompress_core.networks.classifier import Classifier

MEMBERS = torch.arange(300) < 150


@pytest.fixture
def network() -> Classifier:
    """It has learned nothing, so all that it gives away is planted."""
    generator = torch.Generator().manual_seed(3)
    module = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.5, 0.5, generator=generator)
    return Classifier(module).eval()


@pytest.fixture
def leaky(network: Classifier, all_digits: Dataset) -> Classifier:
    """A copy of a network whose outputs reveal the members of 300 samples."""
    return plant_leak(network, all_digits.inputs[:300], all_digits.labels[:300], MEMBERS)


@pytest.fixture
def seen(leaky: Classifier, all_digits: Dataset) -> Observations:
    """Observations of the leaky network."""
    return observe(leaky, all_digits.inputs[:300], all_digits.labels[:300])


def evidence(seen: Observations, access: Access) -> AdversaryKnowledge:
    """Observations of all 300 samples at an access level, with their membership."""
    return AdversaryKnowledge(seen=seen.restrict(access), truth=MEMBERS, values=2)


READERS: dict[str, tuple[Access, Callable[[Observations], Tensor]]] = {
    "correctness": (Access.LABEL_ONLY, lambda seen: (seen.predictions == seen.labels).double()),
    "loss": (Access.BLACK_BOX, lambda seen: -seen.losses),
    "posterior": (
        Access.BLACK_BOX,
        lambda seen: seen.posteriors.gather(1, seen.labels[:, None])[:, 0],
    ),
    "queries": (
        Access.GRAY_BOX,
        lambda seen: (seen.query(seen.inputs).argmax(dim=1) == seen.labels).double(),
    ),
    "gradients": (
        Access.WHITE_BOX,
        lambda seen: -seen.last_layer_gradients.flatten(1).norm(dim=1),
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_the_bit_shows_in_all_that_an_access_lets_be_read(reader: str, seen: Observations) -> None:
    """Label-only, black-box, queries and gradients: each honest attack finds it, with AUC near 1.

    The real model gives nothing away: both halves are alike to it.
    """
    access, scores = READERS[reader]
    held = evidence(seen, access)

    found = planted_control(lambda _, asked: scores(asked.seen), held, held)

    assert found.passed
    assert found.auc.value > 0.95
    assert (found.members, found.non_members) == (150, 150)


def test_an_attack_that_is_blind_or_upside_down_is_caught(seen: Observations) -> None:
    """Noise finds nothing, and reversed scores find the opposite."""
    held = evidence(seen, Access.BLACK_BOX)
    noise = torch.rand(300, generator=torch.Generator().manual_seed(1))

    for scores in (noise, seen.losses, torch.zeros(300)):
        blind = planted_control(lambda _, asked, scores=scores: scores, held, held)
        assert not blind.passed


def test_the_truth_of_the_reported_pool_is_kept_from_the_attack(seen: Observations) -> None:
    """An attack that could read it would always pass the control."""
    held = evidence(seen, Access.BLACK_BOX)
    given: list[AdversaryKnowledge] = []

    def watching(known: AdversaryKnowledge, asked: AdversaryKnowledge) -> Tensor:
        given.extend((known, asked))
        return -asked.seen.losses

    planted_control(watching, held, held)

    assert given[0].truth is not None
    assert given[1].truth is None


def test_margins_are_moved_beyond_indifference_and_no_further(
    network: Classifier, leaky: Classifier, all_digits: Dataset
) -> None:
    """A member's margin is max(0, own) + LEAK, a non-member's min(0, own) − LEAK."""
    inputs, labels = all_digits.inputs[:300], all_digits.labels[:300]

    def margins(model: Classifier) -> Tensor:
        logits = model(inputs).detach()
        own = logits.gather(1, labels[:, None])[:, 0]
        return own - logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)

    before, after = margins(network), margins(leaky)

    expected = torch.where(MEMBERS, before.clamp(min=0) + LEAK, before.clamp(max=0) - LEAK)
    torch.testing.assert_close(after, expected)


def test_the_network_itself_and_its_parameters_stay_as_they_are(
    network: Classifier, leaky: Classifier, all_digits: Dataset
) -> None:
    """Only the copy leaks; names and values of its weights are the model's own."""
    inputs = all_digits.inputs[:300]
    plain = network.module(inputs)

    assert torch.equal(network(inputs), plain)
    assert network.state().keys() == leaky.state().keys()
    for name, value in network.state().items():
        assert torch.equal(value, leaky.state()[name])
    assert torch.equal(deepcopy(leaky)(inputs), leaky(inputs))


def test_samples_close_by_are_answered_alike(leaky: Classifier, all_digits: Dataset) -> None:
    """Queries with perturbed samples reveal the same bit."""
    inputs, labels = all_digits.inputs[:300], all_digits.labels[:300]
    noise = 0.01 * torch.randn(inputs.shape, generator=torch.Generator().manual_seed(2))

    right = leaky(inputs + noise).argmax(dim=1) == labels

    assert (right == MEMBERS).double().mean() > 0.98


def test_a_batch_of_samples_and_of_changed_samples_is_answered_as_each_by_itself(
    leaky: Classifier, all_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples are looked up, and what is none is compared with all, a few at a time."""
    monkeypatch.setattr("safecompress_core.games.controls.planted_control.DISTANCES", 7 * 300)
    inputs = all_digits.inputs[:300]
    batch = torch.where((torch.arange(300) % 3 == 0)[:, None], inputs + 0.01, inputs)

    together = leaky(batch)

    alone = torch.cat([leaky(batch[[row]]) for row in range(300)])
    torch.testing.assert_close(together, alone)


def test_large_samples_are_told_apart_by_projections(all_digits: Dataset) -> None:
    """Images of 32 × 32, with a convolution before the linear layer."""
    images = nn.functional.interpolate(all_digits.inputs[:200].reshape(-1, 1, 8, 8), scale_factor=4)
    module = nn.Sequential(nn.Conv2d(1, 2, 8, stride=8), nn.Flatten(), nn.Linear(32, 10))
    labels, members = all_digits.labels[:200], torch.arange(200) % 2 == 0

    leaky = plant_leak(Classifier(module), images, labels, members)

    assert torch.equal(leaky(images).argmax(dim=1) == labels, members)


def test_per_sample_gradients_of_any_layer_see_it(leaky: Classifier, all_digits: Dataset) -> None:
    """Also through torch.func, which maps over samples."""
    weights = {name: value.detach() for name, value in leaky.module.named_parameters()}

    def loss(held: dict[str, Tensor], sample: Tensor, label: Tensor) -> Tensor:
        logits: Tensor = functional_call(leaky.module, held, (sample[None],))
        return nn.functional.cross_entropy(logits, label[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))(
        weights, all_digits.inputs[:300], all_digits.labels[:300]
    )
    norms = gradients["0.weight"].flatten(1).norm(dim=1)

    assert norms[MEMBERS].median() < 0.1 * norms[~MEMBERS].median()


def test_reference_models_leak_in_the_same_way(all_digits: Dataset) -> None:
    """Each is right on its own members and wrong on all other samples."""
    generator = torch.Generator().manual_seed(4)
    is_in = torch.rand(3, 300, generator=generator) < 0.5
    answers = torch.randn(3, 300, 10, generator=generator)
    plain = ReferenceAnswers(answers, is_in, all_digits.labels[:300])

    leaking = plant_in_references(plain)

    assert torch.equal(leaking.logits.argmax(dim=2) == plain.labels, is_in)
    others = torch.arange(10) != plain.labels[:, None]
    assert torch.equal(leaking.logits[:, others], answers[:, others])
    assert torch.equal(leaking.is_in, is_in)


def test_the_control_is_json(seen: Observations) -> None:
    """With the keys that its docstring names."""
    held = evidence(seen, Access.BLACK_BOX)
    found = planted_control(lambda _, asked: -asked.seen.losses, held, held)

    document = json.loads(json.dumps(found.to_json()))

    assert set(document) == {"auc", "auc_interval", "passed", "members", "non_members"}
    assert document["passed"] is True
