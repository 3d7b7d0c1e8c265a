"""Attribution preservation, held against Captum and against a distance worked out by hand."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.toolkit import Classifier, DefenceInputs, Step
from safecompress_plugins.defences.manifest import AttributionPreservationParams
from safecompress_plugins.defences.training.attribution_preservation import (
    AttributionPreservation,
    weight_by_sensitivity,
)

MakeStep = Callable[..., Step]
LABELS = torch.tensor([0, 1, 1, 2])


def convolutional(seed: int, *, channels: int = 6) -> Classifier:
    """Two convolutions, with an activation in place, and a linear layer."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Classifier(
            nn.Sequential(
                nn.Conv2d(1, 4, 3),
                nn.ReLU(inplace=True),
                nn.Conv2d(4, channels, 3),
                nn.ReLU(inplace=True),
                nn.Flatten(),
                nn.Linear(channels * 16, 3),
            )
        )


def images() -> Tensor:
    """Four images of noise."""
    return torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def taught(teacher: Classifier, *, weight: float = 1.0) -> AttributionPreservation:
    """The defence with a teacher."""
    defence = AttributionPreservation(AttributionPreservationParams(weight=weight))
    defence.equip(DefenceInputs(teacher=teacher))
    return defence


def added(
    defence: AttributionPreservation, network: Classifier, inputs: Tensor, make_step: MakeStep
) -> Tensor:
    """Return what the defence adds to the loss."""
    with defence.inside(network):
        logits = network(inputs)
    step = make_step(logits, LABELS, inputs=inputs, network=network)
    loss = step.losses.mean()
    return defence.loss(step, loss) - loss


def test_maps_of_a_convolution_are_those_of_gradcam() -> None:
    """As Captum computes them."""
    captum = pytest.importorskip("captum.attr")
    network = convolutional(0)
    last = network.module[2]
    values = last(network.module[1](network.module[0](images()))).detach().requires_grad_()
    logits = network.module[5](values.relu().flatten(1))
    (sensitivity,) = torch.autograd.grad(logits.gather(1, LABELS[:, None]).sum(), values)

    found = weight_by_sensitivity(values, sensitivity)

    expected = captum.LayerGradCam(network, last).attribute(images(), target=LABELS)
    torch.testing.assert_close(found, expected[:, 0].detach())


def test_without_a_convolution_inputs_count(make_step: MakeStep) -> None:
    """A linear model's map is input times weight: (1, 0) against (0, 1) are √2 apart."""
    teacher, network = Classifier(nn.Linear(2, 3)), Classifier(nn.Linear(2, 3))
    with torch.no_grad():
        teacher.module.weight.copy_(torch.tensor([[0.0, 7.0]] * 3))
        network.module.weight.copy_(torch.tensor([[0.5, 0.0]] * 3))

    found = added(taught(teacher, weight=0.5), network, torch.ones(4, 2), make_step)

    assert found.item() == pytest.approx(0.5 * 2.0, rel=1e-5)


def test_a_model_that_is_the_teacher_pays_nothing(make_step: MakeStep) -> None:
    """Others do, and following the gradient brings them closer."""
    teacher, network = convolutional(0).eval().requires_grad_(requires_grad=False), convolutional(1)
    defence = taught(teacher)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05)

    before = added(defence, network, images(), make_step).item()
    for _ in range(30):
        optimizer.zero_grad()
        added(defence, network, images(), make_step).backward()
        optimizer.step()

    assert added(defence, convolutional(0), images(), make_step).item() == pytest.approx(
        0, abs=1e-6
    )
    assert added(defence, network, images(), make_step).item() < before / 2


def test_a_student_may_have_other_channels(make_step: MakeStep) -> None:
    """Maps have none."""
    found = added(taught(convolutional(0)), convolutional(1, channels=3), images(), make_step)

    assert 0 < found.item() <= 4


def test_nothing_of_it_stays_in_either_network(make_step: MakeStep) -> None:
    """No hook, no gradient of the teacher, nothing in a checkpoint."""
    teacher, network = convolutional(0), convolutional(1)
    defence = taught(teacher)

    added(defence, network, images(), make_step).backward()

    for module in (*teacher.modules(), *network.modules()):
        assert not module._forward_hooks
        assert not module._forward_pre_hooks
    assert all(parameter.grad is None for parameter in teacher.parameters())
    assert not list(defence.parameters())
    assert not defence.state_dict()
