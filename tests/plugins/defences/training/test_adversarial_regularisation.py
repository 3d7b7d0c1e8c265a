"""The min-max game of Nasr, Shokri & Houmansadr 2018."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.toolkit import Batch, Classifier, DefenceInputs, Step
from safecompress_plugins.defences.manifest import AdversarialRegularisationParams
from safecompress_plugins.defences.training.adversarial_regularisation import (
    AdversarialRegularisation,
    InferenceModel,
)

MakeStep = Callable[..., Step]
CLASSES = 3


def samples(count: int, scale: float) -> Batch:
    """Inputs are logits that are right by ``scale``."""
    labels = torch.arange(count) % CLASSES
    return Batch(inputs=scale * torch.eye(CLASSES)[labels], labels=labels, attributes={})


def identity() -> Classifier:
    """A network that answers its input."""
    layer = nn.Linear(CLASSES, CLASSES)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(CLASSES))
        layer.bias.zero_()
    return Classifier(nn.Sequential(layer, nn.Dropout(0.5)))


def defence(reference: Batch, **params: float) -> AdversarialRegularisation:
    """Prepared and equipped."""
    made = AdversarialRegularisation(
        AdversarialRegularisationParams.model_validate({"width": 256, **params})
    )
    made.prepare(
        representation=CLASSES,
        classes=CLASSES,
        attributes={},
        generator=torch.Generator().manual_seed(4),
    )
    made.equip(DefenceInputs(reference=reference))
    return made


def test_the_inference_model_has_the_papers_sizes() -> None:
    """Figure 3 for 100 classes: 1024-512-64, 512-64, 256-64-1."""
    shapes = [
        tuple(layer.weight.shape[::-1])
        for layer in InferenceModel(100, 1024, torch.Generator()).modules()
        if isinstance(layer, nn.Linear)
    ]

    assert shapes == [
        *((100, 1024), (1024, 512), (512, 64)),
        *((100, 512), (512, 64)),
        *((128, 256), (256, 64), (64, 1)),
    ]


def test_the_opponent_learns_to_tell_members_from_the_rest(make_step: MakeStep) -> None:
    """Members get sharp answers, others do not; dropout does not get in its way."""
    members, others = samples(30, 6.0), samples(30, 1.0)
    one, network = defence(others, steps=100, learning_rate=0.01), identity()
    step = make_step(members.inputs, members.labels, inputs=members.inputs, network=network)

    one.oppose(step, generator=torch.Generator().manual_seed(5))

    with torch.no_grad():
        scores = [
            one.opponent(batch.inputs.softmax(dim=1), batch.labels) for batch in (members, others)
        ]
    assert bool((scores[0] > 0).all())
    assert bool((scores[1] < 0).all())
    assert network.training


def test_the_model_is_moved_to_where_the_opponent_gains_less(make_step: MakeStep) -> None:
    """Algorithm 1's sign: after a step down the loss, log h of the members is smaller."""
    members, others = samples(30, 3.0), samples(30, 1.0)
    one = defence(others, steps=30)
    logits = members.inputs.clone().requires_grad_()
    step = make_step(logits, members.labels, inputs=members.inputs, network=identity())
    one.oppose(step, generator=torch.Generator().manual_seed(5))

    def gain(at: Tensor) -> Tensor:
        return one.opponent(at.softmax(dim=1), members.labels).sigmoid().log().mean()

    term = one.loss(step, step.losses.mean()) - step.losses.mean()
    (gradient,) = torch.autograd.grad(term, logits)

    assert term.item() == pytest.approx(gain(logits).item(), rel=1e-5)
    assert gradient.any()
    assert gain(logits - 10 * gradient) < gain(logits)


def test_the_opponent_is_trained_by_its_own_optimizer_alone() -> None:
    """The model's optimizer would otherwise help it to lose."""
    one = defence(samples(9, 1.0))

    assert one.own_optimizer is not None
    trained = {id(p) for group in one.own_optimizer.param_groups for p in group["params"]}
    assert trained == {id(parameter) for parameter in one.parameters()}
