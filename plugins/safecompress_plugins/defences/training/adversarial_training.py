"""Adversarial training: the worst perturbation of each sample within a budget."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Classifier, Defence, DefenceInputs, in_eval_mode
from safecompress_plugins.defences.training.manifest import AdversarialTrainingParams

__all__ = ["AdversarialTraining"]

# B samples of a batch


class AdversarialTraining(Defence):
    """Perturbs each sample within a ball to increase the loss, by projected gradient ascent.

    ::

        min over weights of mean max_{‖δ‖ ≤ ε} L(x + δ, y)

    From a random point of the ball, ``steps`` steps of constant length follow the gradient's sign
    (linf) or direction (l2), each projected into the ball and into the inputs' range, if known. The
    model is in eval mode during the ascent.

    Source: Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks",
    ICLR, Eq. 2.1 and section 2.1.
    """

    is_per_sample = True
    needs_whole_batch = ""

    def __init__(self, params: AdversarialTrainingParams) -> None:
        super().__init__()
        self._params = params
        self._bounds: tuple[Tensor, Tensor] | None = None
        # Madry's rule: enough to cross the ball in any direction.
        self._length = params.step_size or 2.5 * params.epsilon / params.steps

    def equip(self, inputs: DefenceInputs) -> None:
        """Store the inputs' range."""
        self._bounds = inputs.bounds

    def challenge(self, batch: Batch, network: Classifier, *, generator: torch.Generator) -> Batch:
        """Perturb every sample of the batch."""
        origin = batch.inputs
        targets = batch.labels if batch.targets is None else batch.targets
        moved = self._within(origin + self._start(origin, generator), origin)
        with in_eval_mode(network):
            for _ in range(self._params.steps):
                moved = moved.detach().requires_grad_()
                # A sum, not a mean: each sample's gradient must not depend on the batch size.
                loss = F.cross_entropy(network(moved).float(), targets, reduction="sum")
                (gradient,) = torch.autograd.grad(loss, moved)
                moved = self._within(moved.detach() + self._step(gradient), origin)
        return replace(batch, inputs=moved)

    def _start(self, origin: Tensor, generator: torch.Generator) -> Tensor:
        """Draw a uniform point of the ball; an l2 ball in n dimensions has radius u^(1/n)."""
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
        """Project into ball and range; clamping to the range never leaves the ball."""
        epsilon, change = self._params.epsilon, moved - origin
        if self._params.norm == "linf":
            change = change.clamp(-epsilon, epsilon)
        else:
            length = change.flatten(1).norm(dim=1)
            # Scales by min(1, ε / ‖δ‖): the clamp avoids a division by 0 and leaves short changes
            # alone.
            change = change * _as_wide(epsilon / length.clamp(min=epsilon), change)
        moved = origin + change
        return moved if self._bounds is None else torch.clamp(moved, *self._bounds)


def _unit(vectors: Tensor) -> Tensor:
    """Normalise each sample's vector to length 1; a zero vector stays."""
    return F.normalize(vectors.flatten(1), dim=1).reshape(vectors.shape)


def _as_wide(numbers: Tensor, samples: Tensor) -> Tensor:
    """Reshape a number per sample, shape (B,), for a product with samples (B, ...)."""
    return numbers.reshape(-1, *(1,) * (samples.ndim - 1))
