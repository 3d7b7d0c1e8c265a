"""Evasion along the gradient: one step or many, as foolbox does them.

foolbox takes one lowest and one highest value for all inputs; where the data have several (one a
channel, say), what it found is brought back into each afterwards, which moves no value farther away
from where it was.
"""

from abc import abstractmethod
from typing import Any

import torch
from foolbox.attacks.fast_gradient_method import L2FastGradientAttack, LinfFastGradientAttack
from foolbox.attacks.projected_gradient_descent import (
    L2ProjectedGradientDescentAttack,
    LinfProjectedGradientDescentAttack,
)
from foolbox.criteria import Misclassification
from foolbox.models.pytorch import PyTorchModel
from torch import Tensor

from safecompress_core.toolkit import Ball, Evader, Evidence, global_random_state
from safecompress_plugins.attackers.evasion.manifest import FgsmParams, PgdParams

__all__ = ["Fgsm", "Pgd"]

# N samples

BATCH = 512


class _AlongTheGradient(Evader):
    """Raises the cross-entropy of the right label."""

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Nothing to learn: the gradient says where to go."""

    @abstractmethod
    def attack(self, ball: Ball) -> Any:
        """foolbox's, for this ball."""

    @property
    def starts(self) -> int:
        """How often it is tried from elsewhere."""
        return 1

    def perturb(self, evidence: Evidence, ball: Ball, *, generator: torch.Generator) -> Tensor:
        """The samples of a pool, moved; of several starts the first that succeeded, else the last.

        Samples that are answered wrongly anyway are left where they are.
        """
        network = evidence.seen.network()
        bounds = (float(ball.low.amin()), float(ball.high.amax()))
        device = next(network.parameters()).device
        model = PyTorchModel(network, bounds=bounds, device=device)
        inputs, labels = evidence.seen.inputs, evidence.seen.labels
        moved = inputs.clone()
        with global_random_state(generator):
            for _ in range(self.starts):
                open_ = (evidence.seen.predict(moved) == labels).nonzero()[:, 0]
                for rows in open_.split(BATCH):
                    if len(rows):
                        found = self.attack(ball).run(
                            model,
                            inputs[rows].to(device),
                            Misclassification(labels[rows].to(device)),
                            epsilon=ball.epsilon,
                        )
                        moved[rows] = torch.clamp(found.cpu(), ball.low, ball.high)
        return moved


class Fgsm(_AlongTheGradient):
    """x' = x + ε · sign(∇ₓ loss), or ε · ∇ₓ loss / ‖∇ₓ loss‖ in the Euclidean norm.

    Source: Goodfellow, Shlens & Szegedy 2015, "Explaining and Harnessing Adversarial Examples",
    section 4.
    """

    KINDS = {"linf": LinfFastGradientAttack, "l2": L2FastGradientAttack}

    def __init__(self, params: FgsmParams) -> None:
        self._params = params

    def attack(self, ball: Ball) -> Any:
        """The step; it starts at the sample."""
        return self.KINDS[ball.norm](random_start=False)


class Pgd(_AlongTheGradient):
    """Steps along the gradient, each followed by a projection into the ball, from a random start.

    Source: Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks",
    section 2.1.
    """

    KINDS = {"linf": LinfProjectedGradientDescentAttack, "l2": L2ProjectedGradientDescentAttack}

    def __init__(self, params: PgdParams) -> None:
        self._params = params

    @property
    def starts(self) -> int:
        """As the spec says."""
        return self._params.restarts

    def attack(self, ball: Ball) -> Any:
        """The descent; a step goes 2.5 · ε / steps far unless the spec says otherwise."""
        steps = self._params.steps
        size = self._params.step_size or 2.5 * ball.epsilon / steps
        return self.KINDS[ball.norm](steps=steps, abs_stepsize=size, random_start=True)
