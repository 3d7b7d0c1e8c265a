"""Neurons that respond to a value of a private attribute."""

from typing import Protocol

import numpy as np
import pytest
import torch
from sklearn.preprocessing import QuantileTransformer
from torch import Tensor, nn

from safecompress_core.api import AttackerDef
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    Observations,
    PoolError,
    observe,
)
from safecompress_plugins.attackers.attribute.attribute_neurons import (
    AttributeNeurons,
    correlations,
    rank_activations,
)
from safecompress_plugins.attackers.attribute.manifest import DEFINITIONS, AttributeNeuronsParams

[NEURONS] = [one for one in DEFINITIONS if one.name == "attribute-neurons"]


class TestAttributeNeurons(AttackerConformance):
    definition: AttackerDef = NEURONS
    params = {"attribute": "group"}


class TestOneNeuronAValue(AttackerConformance):
    definition: AttackerDef = NEURONS
    params = {"attribute": "group", "neurons": 1}


class TestNeuronsOfChosenLayers(AttackerConformance):
    definition: AttackerDef = NEURONS
    params = {"attribute": "group", "layers": ["weight"]}


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge
    known_digits: Tensor
    pool_digits: Tensor


def seen(hidden: Tensor) -> Observations:
    """A model of one layer, whose representation this is."""
    head = nn.Linear(hidden.shape[1], 2)
    return observe(Classifier(head), hidden, torch.zeros(len(hidden), dtype=torch.int64))


def fitted(hidden: Tensor, truth: Tensor, *, values: int, neurons: int = 10) -> AttributeNeurons:
    """An attacker that has learned from this."""
    attacker = AttributeNeurons(AttributeNeuronsParams(attribute="group", neurons=neurons))
    known = AdversaryKnowledge(seen=seen(hidden), truth=truth, values=values)
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    return attacker


def test_earlier_layers_know_more_of_what_is_not_the_task(leaky: Leaky) -> None:
    """The first layer of a model of the session has not yet forgotten the digit."""
    told = {}
    for layers in ([], ["0"], ["0", "2"]):
        attacker = AttributeNeurons(AttributeNeuronsParams(attribute="digit", layers=layers))
        known = AdversaryKnowledge(seen=leaky.known.seen, truth=leaky.known_digits, values=10)
        attacker.fit(known, generator=torch.Generator().manual_seed(0))
        guesses = attacker.score(
            AdversaryKnowledge(seen=leaky.pool.seen, truth=None, values=10)
        ).argmax(1)
        told[" ".join(layers)] = float((guesses == leaky.pool_digits).double().mean())

    assert told["0"] > told[""]
    assert told["0 2"] > told[""]


@pytest.mark.parametrize(("neurons", "at_least"), [(1, 0.3), (10, 0.55), (100, 0.55)])
def test_the_digit_is_read_from_neurons_that_know_the_session(
    neurons: int, at_least: float, leaky: Leaky
) -> None:
    """One neuron a digit tells it thrice as often as a guess, ten tell it better."""
    attacker = AttributeNeurons(AttributeNeuronsParams(attribute="digit", neurons=neurons))
    known = AdversaryKnowledge(seen=leaky.known.seen, truth=leaky.known_digits, values=10)
    attacker.fit(known, generator=torch.Generator().manual_seed(0))

    scores = attacker.score(AdversaryKnowledge(seen=leaky.pool.seen, truth=None, values=10))

    assert (scores.argmax(dim=1) == leaky.pool_digits).double().mean() >= at_least


def test_correlations_are_pearsons_and_a_constant_neuron_has_none() -> None:
    """Held against numpy; a neuron that never moves tells nothing."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(50, 4, generator=generator)
    hidden[:, 2] = 3.7
    has_value = torch.rand(50, generator=generator) < 0.3

    found = correlations(hidden, has_value)

    for neuron in (0, 1, 3):
        expected = np.corrcoef(hidden[:, neuron].double(), has_value.double())[0, 1]
        assert found[neuron].item() == pytest.approx(expected)
    assert found[2] == 0


def test_ranks_are_those_of_the_published_code() -> None:
    """It uses scikit-learn's quantile transformer: within one rank of it, ties in the middle."""
    generator = torch.Generator().manual_seed(0)
    known, asked = (torch.randn(n, 3, generator=generator).relu() for n in (200, 40))
    transformer = QuantileTransformer(n_quantiles=200).fit(known.numpy())

    found = rank_activations(asked, known.T.contiguous().sort(dim=1).values)

    active = asked > 0
    expected = torch.as_tensor(transformer.transform(asked.numpy()))
    assert (found - expected)[active].abs().max() < 0.01
    silent = (known == 0).double().mean(dim=0) / 2
    torch.testing.assert_close(found[~active], silent.expand(40, 3)[~active])


def test_only_neurons_that_a_value_excites_speak_for_it() -> None:
    """The second neuron falls silent for value 1; it speaks for value 0 alone."""
    truth = torch.arange(40) % 2
    noise = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)) * 0.1
    hidden = torch.stack([truth, 1 - truth, torch.zeros(40)], dim=1) + noise
    attacker = fitted(hidden, truth, values=2, neurons=1)

    assert {value: voice.neurons.tolist() for value, voice in attacker._voices.items()} == {
        0: [1],
        1: [0],
    }


def test_where_no_neuron_speaks_the_prior_does() -> None:
    """Silent neurons leave how often each value occurs."""
    truth = torch.tensor([0] * 30 + [1] * 10)
    attacker = fitted(torch.zeros(40, 2), truth, values=3)

    scores = attacker.score(AdversaryKnowledge(seen=seen(torch.zeros(2, 2)), truth=None, values=3))

    torch.testing.assert_close(scores, torch.tensor([[0.75, 0.25, 0]] * 2), atol=1e-3, rtol=0)


def test_a_single_known_value_is_the_answer_to_everything() -> None:
    """There is no curve to fit; a value never met has no chance."""
    attacker = fitted(torch.randn(6, 2), torch.full((6,), 2), values=3)
    asked = AdversaryKnowledge(seen=seen(torch.randn(4, 2)), truth=None, values=3)

    assert attacker.score(asked).tolist() == [[0, 0, 1]] * 4


def test_there_must_be_something_to_learn_from() -> None:
    """An empty pool is an error with words."""
    with pytest.raises(PoolError, match="samples with a known attribute"):
        fitted(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), values=2)
