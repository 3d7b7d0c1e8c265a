"""Evasion by FGSM and PGD, as foolbox implements them.

foolbox takes one lowest and one highest value for all inputs. Where the data have one of each a
channel, say, its results are clamped into each range afterwards, which moves no value farther from
the sample.
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

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Evader,
    PerturbationBudget,
    global_random_state,
)
from safecompress_plugins.attackers.evasion.manifest import FgsmParams, PgdParams

__all__ = ["Fgsm", "Pgd"]

# N samples

BATCH = 512


class _AlongTheGradient(Evader):
    """Increases the cross-entropy of the true label."""

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: the attack is not trained."""

    @abstractmethod
    def attack(self, budget: PerturbationBudget) -> Any:
        """Return foolbox's attack for this perturbation budget."""

    @property
    def starts(self) -> int:
        """Number of starts."""
        return 1

    def perturb(
        self,
        knowledge: AdversaryKnowledge,
        budget: PerturbationBudget,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        """Perturb a pool's samples; of several starts the first success counts, else the last.

        Misclassified samples stay unchanged.
        """
        network = knowledge.seen.network()
        # foolbox checks inputs against its bounds, so they span the ranges of all channels.
        bounds = (float(budget.low.amin()), float(budget.high.amax()))
        device = next(network.parameters()).device
        model = PyTorchModel(network, bounds=bounds, device=device)
        inputs, labels = knowledge.seen.inputs, knowledge.seen.labels
        moved = inputs.clone()
        # foolbox draws random starts from torch's global state.
        with global_random_state(generator):
            for _ in range(self.starts):
                # Only samples that still have their label are attacked again.
                open_ = (knowledge.seen.predict(moved) == labels).nonzero()[:, 0]
                for rows in open_.split(BATCH):
                    if len(rows):
                        perturbed = self.attack(budget).run(
                            model,
                            inputs[rows].to(device),
                            Misclassification(labels[rows].to(device)),
                            epsilon=budget.epsilon,
                        )
                        # Samples outside the range of a channel are brought back; the clamp never
                        # leaves the ball.
                        moved[rows] = torch.clamp(perturbed.cpu(), budget.low, budget.high)
        return moved


class Fgsm(_AlongTheGradient):
    """x' = x + ε · sign(∇ₓ loss), or ε · ∇ₓ loss / ‖∇ₓ loss‖ in the Euclidean norm.

    Source: Goodfellow, Shlens & Szegedy 2015, "Explaining and Harnessing Adversarial Examples",
    section 4.
    """

    KINDS = {"linf": LinfFastGradientAttack, "l2": L2FastGradientAttack}

    def __init__(self, params: FgsmParams) -> None:
        self._params = params

    def attack(self, budget: PerturbationBudget) -> Any:
        """Return the single step, from the sample itself."""
        return self.KINDS[budget.norm](random_start=False)


class Pgd(_AlongTheGradient):
    """Projected gradient descent: steps along the gradient, projected into the ball, random start.

    Source: Madry et al. 2018, "Towards Deep Learning Models Resistant to Adversarial Attacks",
    section 2.1.
    """

    KINDS = {"linf": LinfProjectedGradientDescentAttack, "l2": L2ProjectedGradientDescentAttack}

    def __init__(self, params: PgdParams) -> None:
        self._params = params

    @property
    def starts(self) -> int:
        """Number of random starts."""
        return self._params.restarts

    def attack(self, budget: PerturbationBudget) -> Any:
        """Return the descent; by default a step has size 2.5 · ε / steps."""
        steps = self._params.steps
        # By default the boundary of the ball is in reach from any start within it.
        size = self._params.step_size or 2.5 * budget.epsilon / steps
        return self.KINDS[budget.norm](steps=steps, abs_stepsize=size, random_start=True)
