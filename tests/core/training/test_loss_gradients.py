"""Gradient and curvature, held against slow and obvious ways to get them."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from safecompress_core.networks.classifier import Classifier
from safecompress_core.training.defence import Batch
from safecompress_core.training.loss_gradients import loss_gradients

# N samples · P weights of all layers together


@pytest.fixture
def network() -> Classifier:
    """40 weights, smooth, in float64."""
    generator = torch.Generator().manual_seed(5)
    module = nn.Sequential(nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.normal_(generator=generator)
    return Classifier(module)


@pytest.fixture
def batches() -> list[Batch]:
    """Batches of 7 and 4 samples, so that a mean of means would be wrong."""
    generator = torch.Generator().manual_seed(6)
    return [
        Batch(
            inputs=torch.randn(size, 5, generator=generator, dtype=torch.float64),
            labels=torch.randint(3, (size,), generator=generator),
            attributes={},
        )
        for size in (7, 4)
    ]


def loss_of(network: Classifier, batches: list[Batch], flat: Tensor) -> Tensor:
    """The mean loss of all samples with other weights, (P,), in the order of the layers."""
    weights, rest = {}, flat
    for name, weight in network.sparse_parameters().items():
        weights[name], rest = rest[: weight.numel()].view(weight.shape), rest[weight.numel() :]
    inputs = torch.cat([batch.inputs for batch in batches])
    labels = torch.cat([batch.labels for batch in batches])
    return F.cross_entropy(functional_call(network.module, weights, (inputs,)), labels)


def flat(tensors: dict[str, Tensor]) -> Tensor:
    """All layers as one, (P,)."""
    return torch.cat([tensor.flatten() for tensor in tensors.values()]).detach()


def test_curvature_is_the_hessian_times_the_gradient(
    network: Classifier, batches: list[Batch]
) -> None:
    """The whole Hessian, (P, P), entry by entry, times the gradient of the mean loss."""
    at = flat(network.sparse_parameters())  # type: ignore[arg-type]
    gradient = torch.autograd.functional.jacobian(lambda w: loss_of(network, batches, w), at)
    hessian = torch.autograd.functional.hessian(lambda w: loss_of(network, batches, w), at)

    found = loss_gradients(network, batches, curvature=True)

    torch.testing.assert_close(flat(dict(found.gradients)), gradient)
    torch.testing.assert_close(flat(dict(found.curvature or {})), hessian @ gradient)


def test_grasps_score_is_how_the_gradients_norm_changes_without_a_weight(
    network: Classifier, batches: list[Batch]
) -> None:
    """To first order: taking away a small share ε of a weight changes ‖g‖² by 2 ε · (−w · Hg)."""
    found = loss_gradients(network, batches, curvature=True)
    at = flat(network.sparse_parameters())  # type: ignore[arg-type]
    scores = -at * flat(dict(found.curvature or {}))

    def norm(weights: Tensor) -> float:
        return float(
            torch.autograd.functional.jacobian(lambda w: loss_of(network, batches, w), weights)
            .square()
            .sum()
        )

    share = 1e-5
    for index in range(0, len(at), 7):
        less, more = at.clone(), at.clone()
        less[index] *= 1 - share
        more[index] *= 1 + share
        assert (norm(less) - norm(more)) / (4 * share) == pytest.approx(
            float(scores[index]), rel=1e-5, abs=1e-9
        )


def test_snips_score_is_how_the_loss_changes_with_a_connection(
    network: Classifier, batches: list[Batch]
) -> None:
    """∂L/∂c at c = 1 for weights c · w, by finite differences."""
    at = flat(network.sparse_parameters())  # type: ignore[arg-type]
    scores = at * flat(dict(loss_gradients(network, batches, curvature=False).gradients))

    share = 1e-5
    for index in range(0, len(at), 7):
        less, more = at.clone(), at.clone()
        less[index] *= 1 - share
        more[index] *= 1 + share
        change = loss_of(network, batches, more) - loss_of(network, batches, less)
        slope = change.detach() / (2 * share)
        assert float(slope) == pytest.approx(float(scores[index]), rel=1e-5, abs=1e-9)


def test_the_network_is_left_alone(network: Classifier, batches: list[Batch]) -> None:
    """No gradient stays behind, and nothing is computed that nobody asked for."""
    found = loss_gradients(network, batches, curvature=False)

    assert found.curvature is None
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(tensor.requires_grad for tensor in found.gradients.values())


class Attention(nn.Module):
    """The smallest network with fused attention: samples of five numbers are five positions."""

    def __init__(self) -> None:
        super().__init__()
        self.mix, self.head = nn.Linear(1, 12), nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        parts = self.mix(inputs[..., None])[:, None].chunk(3, dim=-1)
        return self.head(F.scaled_dot_product_attention(*parts)[:, 0, 0])  # type: ignore[no-any-return]


def test_attention_has_a_curvature_too(batches: list[Batch]) -> None:
    """Its fused form knows no second derivative, so it is computed without it."""
    network = Classifier(Attention().double())
    at = flat(network.sparse_parameters())  # type: ignore[arg-type]
    found = loss_gradients(network, batches, curvature=True)
    gradient, step = flat(dict(found.gradients)), 1e-6
    slopes = [
        torch.autograd.functional.jacobian(
            lambda w: loss_of(network, batches, w), at + sign * step * gradient
        )
        for sign in (1, -1)
    ]

    torch.testing.assert_close(
        flat(dict(found.curvature or {})),
        (slopes[0] - slopes[1]) / (2 * step),
        rtol=1e-4,
        atol=1e-8,
    )
