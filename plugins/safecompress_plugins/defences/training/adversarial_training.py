"""Adversarial training: learn from each sample where it is hardest."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Classifier, Defence, Supplies, in_eval_mode
from safecompress_plugins.defences.training.manifest import AdversarialTrainingParams

__all__ = ["AdversarialTraining"]

# B samples of a batch


class AdversarialTraining(Defence):
    """Moves each sample within a ball to where the model's loss is highest, by projected ascent.

    ::

        min over weights of mean max_{‖δ‖ ≤ ε} L(x + δ, y)

    From a point of the ball that is drawn anew each time, ``steps`` steps of one length go along
    the gradient's sign (linf) or direction (l2), each followed by a projection into the ball and
    into the inputs' range, where they have one. While it is attacked the model is in eval mode.

    Source: Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks",
    ICLR, Eq. 2.1 and section 2.1.
    """

    is_per_sample = True

    def __init__(self, params: AdversarialTrainingParams) -> None:
        super().__init__()
        self._params = params
        self._bounds: tuple[Tensor, Tensor] | None = None
        self._length = params.step_size or 2.5 * params.epsilon / params.steps

    def equip(self, supplies: Supplies) -> None:
        """Keep the inputs' range."""
        self._bounds = supplies.bounds

    def challenge(self, batch: Batch, network: Classifier, *, generator: torch.Generator) -> Batch:
        """The batch with every sample moved."""
        origin = batch.inputs
        targets = batch.labels if batch.targets is None else batch.targets
        moved = self._within(origin + self._start(origin, generator), origin)
        with in_eval_mode(network):
            for _ in range(self._params.steps):
                moved = moved.detach().requires_grad_()
                loss = F.cross_entropy(network(moved).float(), targets, reduction="sum")
                (gradient,) = torch.autograd.grad(loss, moved)
                moved = self._within(moved.detach() + self._step(gradient), origin)
        return replace(batch, inputs=moved)

    def _start(self, origin: Tensor, generator: torch.Generator) -> Tensor:
        """Uniform in the ball; of an l2 ball in n dimensions a radius is u^(1/n)."""
        epsilon = self._params.epsilon
        if self._params.norm == "linf":
            drawn = torch.rand(origin.shape, generator=generator)
            return (epsilon * (2 * drawn - 1)).to(origin)
        direction = _unit(torch.randn(origin.shape, generator=generator))
        drawn = torch.rand(len(origin), generator=generator)
        radius = epsilon * drawn ** (1 / max(1, origin[0].numel()))
        return (_as_wide(radius, origin) * direction).to(origin)

    def _step(self, gradient: Tensor) -> Tensor:
        way = gradient.sign() if self._params.norm == "linf" else _unit(gradient)
        return self._length * way

    def _within(self, moved: Tensor, origin: Tensor) -> Tensor:
        """The nearest point of ball and range; back into the range is never out of the ball."""
        epsilon, change = self._params.epsilon, moved - origin
        if self._params.norm == "linf":
            change = change.clamp(-epsilon, epsilon)
        else:
            length = change.flatten(1).norm(dim=1)
            change = change * _as_wide(epsilon / length.clamp(min=epsilon), change)
        moved = origin + change
        return moved if self._bounds is None else torch.clamp(moved, *self._bounds)


def _unit(vectors: Tensor) -> Tensor:
    """Each sample's vector at length 1; one of length 0 stays."""
    return F.normalize(vectors.flatten(1), dim=1).reshape(vectors.shape)


def _as_wide(numbers: Tensor, samples: Tensor) -> Tensor:
    """A number a sample, shape (B,), so that it multiplies samples (B, ...)."""
    return numbers.reshape(-1, *(1,) * (samples.ndim - 1))
