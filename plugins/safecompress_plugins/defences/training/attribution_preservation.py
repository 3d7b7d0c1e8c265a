"""Attribution preservation: the uncompressed model's explanations as additional targets."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd

from safecompress_core.toolkit import Classifier, Defence, DefenceInputs, Step
from safecompress_plugins.defences.manifest import AttributionPreservationParams

__all__ = ["AttributionPreservation", "weight_by_sensitivity"]

# B samples of a batch · K channels

TINY = 1e-12  # an attribution map of zeros has no direction


class AttributionPreservation(Defence):
    """Adds the distance of the model's attribution maps from the uncompressed model's.

    With M the map of a sample's label, weighted by sensitivity (`weight_by_sensitivity`)::

        L + weight · mean over the batch of ‖ M / ‖M‖₂ − teacher's M / ‖teacher's M‖₂ ‖²

    The maps are those of the output of the last convolution; of a model without one, those of its
    inputs. Maps of several layers, and the paper's sampled channels, are left out.

    Source: Park et al. 2020, "Attribution Preservation in Network Compression for Reliable Network
    Interpretation", NeurIPS, section 4: matching of maps weighted by sensitivity, of convolutions;
    the weights are those of GradCAM (Selvaraju et al. 2017, equation 1).
    """

    needs_whole_batch = ""

    def __init__(self, params: AttributionPreservationParams) -> None:
        super().__init__()
        self._weight = params.weight
        # In lists: neither trained nor stored.
        self._teacher: list[Classifier] = []
        self._values: list[Tensor] = []

    def equip(self, inputs: DefenceInputs) -> None:
        """Store the teacher."""
        assert inputs.teacher is not None  # guaranteed by the definition
        self._teacher = [inputs.teacher]

    @contextmanager
    def inside(self, network: Classifier) -> Iterator[None]:
        """Keep the values that the step's logits are attributed to."""
        with _observe(network, self._values.append):
            yield

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Add the distance of the maps to the loss."""
        labels, values = step.batch.labels, self._values.pop()
        target = _map_of_labels(self._teacher[0], step.batch.inputs, labels)
        (sensitivity,) = torch.autograd.grad(
            _sum_of_labels(step.logits, labels), values, create_graph=True
        )
        found = weight_by_sensitivity(values.float(), sensitivity.float())
        if found.shape != target.shape:  # a student of another architecture
            target = F.interpolate(target[:, None], size=found.shape[1:], mode="area")[:, 0]
        distance = (_normalise(found) - _normalise(target)).square().sum(dim=1)
        return loss + self._weight * distance.mean()


def weight_by_sensitivity(values: Tensor, sensitivity: Tensor) -> Tensor:
    """Return attribution maps: values weighted by the gradient of a logit with respect to them.

    Args:
        values: of a convolution, shape (B, K, ...), or vectors, shape (B, K).
        sensitivity: the gradient, of the same shape.

    Returns:
        Of a convolution the sum over channels, each weighted by its mean gradient, (B, ...); of
        vectors the products, (B, K).
    """
    if values.ndim == 2:
        return values * sensitivity
    weights = sensitivity.mean(dim=tuple(range(2, values.ndim)), keepdim=True)  # (B, K, 1, ...)
    return (weights * values).sum(dim=1)


def _map_of_labels(teacher: Classifier, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the teacher's maps of the labels, without a graph."""
    found: list[Tensor] = []
    with torch.enable_grad(), _observe(teacher, found.append):
        logits = teacher(inputs)
    (sensitivity,) = torch.autograd.grad(_sum_of_labels(logits, labels), found[0])
    return weight_by_sensitivity(found[0].detach().float(), sensitivity.float())


def _sum_of_labels(logits: Tensor, labels: Tensor) -> Tensor:
    # Samples do not depend on each other, so the gradient of the sum is that of each.
    return logits.gather(1, labels[:, None]).sum()


def _normalise(maps: Tensor) -> Tensor:
    flat = maps.flatten(1)
    # Added within the root, whose gradient at 0 would be infinite.
    return flat / (flat.square().sum(dim=1, keepdim=True) + TINY).sqrt()


@contextmanager
def _observe(network: Classifier, keep: Callable[[Tensor], object]) -> Iterator[None]:
    """Hand over the values that logits are attributed to, when the network is asked."""
    convolutions = [layer for layer in network.module.modules() if isinstance(layer, _ConvNd)]

    def take_output(_: nn.Module, __: object, output: Tensor) -> Tensor:
        # Of a teacher that is not trained nothing has a graph, unless it begins here.
        values = output if output.requires_grad else output.requires_grad_()
        keep(values)
        return values.clone()  # the next layer may change it in place

    def take_input(_: nn.Module, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        vectors = given[0].detach().flatten(1).requires_grad_()
        keep(vectors)
        return (vectors.view(given[0].shape), *given[1:])

    hook = (
        convolutions[-1].register_forward_hook(take_output)
        if convolutions
        else network.module.register_forward_pre_hook(take_input)
    )
    try:
        yield
    finally:
        hook.remove()
