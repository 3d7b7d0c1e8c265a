"""Dropout by hooks, held against torch's own layer."""

import torch
from torch import nn

from safecompress_core.toolkit import Classifier, DefenceContext, Schedule
from safecompress_core.training.precision import Precision
from safecompress_plugins.defences.training.dropout import Dropout
from safecompress_plugins.defences.training.manifest import DropoutParams

INPUTS = torch.rand(8, 5, generator=torch.Generator().manual_seed(3))


def network(*, rate: float | None = None) -> Classifier:
    """5 → 6 → 6 → 3, with layers that drop before each linear layer but the first if asked."""
    drop = [] if rate is None else [nn.Dropout(rate)]
    layers = [
        *(nn.Linear(5, 6), nn.ReLU(), *drop),
        *(nn.Linear(6, 6), nn.ReLU(), *drop, nn.Linear(6, 3)),
    ]
    made = Classifier(nn.Sequential(*layers))
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.uniform_(-1, 1, generator=generator)
    return made


def test_it_does_what_layers_of_the_model_would_do() -> None:
    """The same logits from the same state; and the model is as before afterwards."""
    defence, plain, layered = Dropout(DropoutParams(rate=0.4)), network(), network(rate=0.4)

    with torch.random.fork_rng():
        torch.manual_seed(6)
        expected = layered(INPUTS)
        torch.manual_seed(6)
        with defence.inside(plain):
            found = plain(INPUTS)

    torch.testing.assert_close(found, expected)
    assert not torch.equal(found, network()(INPUTS))
    assert torch.equal(plain(INPUTS), network()(INPUTS))
    assert [type(layer) for layer in plain.modules()] == [type(one) for one in network().modules()]


def test_a_rate_of_0_drops_nothing() -> None:
    """It is no defence."""
    plain = network()

    with Dropout(DropoutParams(rate=0)).inside(plain):
        assert torch.equal(plain(INPUTS), network()(INPUTS))


def test_a_model_without_hidden_values_is_refused() -> None:
    """Its only layer is given the sample itself; behind a convolution there are some."""

    def problems_of(module: nn.Module) -> list[str]:
        context = DefenceContext(
            network=Classifier(module),
            schedule=Schedule(members=9, steps=1, epochs=1),
            precision=Precision(),
            others={},
        )
        return [one.message for one in Dropout(DropoutParams()).check(context)]

    assert problems_of(nn.Linear(5, 3)) == [
        "dropout needs a linear layer with hidden inputs; this model has none"
    ]
    assert not problems_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 3)))
