"""What stands between a network's logits and whoever asks: a part of the model that ships.

A guard changes answers and nothing of the network. Whoever holds the model's file can leave it out,
so it is worth something against those alone who can only ask.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Guard", "Lesson"]

# N samples · C classes · M members · R others


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What a network answers after it has been trained: bare logits, float32.

    Attributes:
        members: about samples that it was trained on, shape (M, C).
        others: about the spec's reference samples, which are no members and which no attack knows,
            shape (R, C), and M is at most R; where the spec has none set aside, R is 0. A defence's
            definition can ask for them (``reference_data``).
        at_random: about as many inputs as it is told, (N, C), which are drawn from the generator:
            each value evenly from the lowest to the highest that an input can have.
    """

    members: Tensor
    others: Tensor
    at_random: Callable[[int, torch.Generator], Tensor]


class Guard(nn.Module, ABC):
    """Made by a defence; its state ships in the model's file.

    Its parameters are trained by nobody but itself.
    """

    @abstractmethod
    def learn(self, lesson: Lesson, *, generator: torch.Generator) -> None:
        """Look at what the network answers, whenever it has been trained.

        Args:
            lesson: what it answers.
            generator: what chance there is.
        """

    @abstractmethod
    def forward(self, logits: Tensor) -> Tensor:
        """What is answered, as logits, in the place of ``logits``; both (N, C), float32.

        The same logits have the same answer, whoever is asked about beside them, and the most
        likely label stays.
        """
