"""What an attacker of the evasion game is given, and what it must answer."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from safecompress_core.api import Definition
from safecompress_core.host.boundary import checked
from safecompress_core.privacy.attacker import Adversary, Evidence

__all__ = ["Ball", "Evader"]

# N samples

ROUNDING = 1e-5  # of float32 arithmetic on inputs of order 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ball:
    """Where an input may be moved to.

    Attributes:
        norm: ``linf``, the largest change of a value; ``l2``, the Euclidean length of the change.
        epsilon: the largest change, above 0.
        low: the lowest value that an input can have; broadcasts to one sample.
        high: the highest one.
    """

    norm: Literal["linf", "l2"]
    epsilon: float
    low: Tensor
    high: Tensor

    def distances(self, moved: Tensor, origin: Tensor) -> Tensor:
        """How far each input was moved, shape (N,), for inputs (N, ...)."""
        order = torch.inf if self.norm == "linf" else 2
        change = (moved - origin).flatten(1).double()
        lengths: Tensor = torch.linalg.vector_norm(change, ord=order, dim=1)
        return lengths

    def check(self, moved: Tensor, origin: Tensor) -> None:
        """Whether an attacker kept to the rules, up to rounding.

        Raises:
            ValueError: if the shape is another one, or an input is no number, too far from where it
                was, or outside the range; which is the attacker's fault.
        """
        if moved.shape != origin.shape:
            raise ValueError(
                f"perturbed inputs must be {tuple(origin.shape)}, but are {tuple(moved.shape)}"
            )
        if not moved.isfinite().all():
            raise ValueError("perturbed inputs are not all finite numbers")
        farthest = float(self.distances(moved, origin).max())
        if farthest > self.epsilon * (1 + ROUNDING) + ROUNDING:
            raise ValueError(
                f"an input was moved by {farthest:g} in {self.norm}, "
                f"but epsilon is {self.epsilon:g}"
            )
        if ((moved < self.low - ROUNDING) | (moved > self.high + ROUNDING)).any():
            raise ValueError("a perturbed input has a value that no input can have")

    def noise(self, origin: Tensor, *, generator: torch.Generator) -> Tensor:
        """The inputs, each moved by epsilon in a direction drawn by lot, shape (N, ...).

        ``linf``: every value by epsilon, up or down; ``l2``: uniform on the sphere. What would
        leave the range stops at its edge.
        """
        drawn = torch.randn(origin.shape, generator=generator)
        if self.norm == "linf":
            step = self.epsilon * torch.where(drawn < 0, -1.0, 1.0)
        else:
            flat = torch.nn.functional.normalize(drawn.flatten(1), dim=1)
            step = self.epsilon * flat.reshape(origin.shape)
        return torch.clamp(origin + step, self.low, self.high)


def _check_moved(
    _: Definition, moved: object, evidence: Evidence, ball: Ball, **__: object
) -> None:
    """Inputs within the ball."""
    if not isinstance(moved, Tensor):
        raise ValueError(f"returned {type(moved).__name__}; it must return a tensor of inputs")
    try:
        ball.check(moved.detach().cpu(), evidence.seen.inputs)
    except ValueError as error:
        raise ValueError(f"broke a rule: {error}") from None


class Evader(Adversary):
    """Moves inputs a little, so that the model answers wrongly.

    What it is fitted on are the non-members of attack-train.
    """

    @abstractmethod
    @checked(_check_moved)
    def perturb(self, evidence: Evidence, ball: Ball, *, generator: torch.Generator) -> Tensor:
        """The samples of a pool, each moved within the ball.

        Args:
            evidence: the samples with their labels, and the model as far as access goes.
            ball: where they may be moved to; what leaves it is an error.
            generator: all chance comes from it.

        Returns:
            Shape (N, ...) as ``evidence.seen.inputs``.
        """
