"""Output guard: a module, stored with the model, that perturbs its logits before they are returned.

A guard changes answers and nothing of the network. A holder of the model file can leave it out, so
it protects only against adversaries who query the model. `GuardedClassifier` wraps the network with
it; only what builds or stores models needs to know that there is a guard.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from safecompress_core.networks.classifier import Classifier, ForwardOutput

__all__ = ["AnswerModule", "GuardTrainingData", "GuardedClassifier", "OutputGuard", "digests"]

# N samples · C classes · M members · R others

# Fixed: the digest of an input must be the same in training and after loading.
SEED = 0x5AFE
"""Of the weights in a digest, which are no secret: a guard that needs one has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardTrainingData:
    """Bare logits of a trained network, float32.

    Attributes:
        members: about samples that it was trained on, shape (M, C): as many as there are others,
            or all where there are fewer, or where there are no others. None of either for a guard
            that does not read them.
        others: about the spec's reference samples, which are no members and which no attack knows,
            shape (R, C). A defence's definition can ask for them (``reference_data``).
        at_random: about as many inputs as asked for, (N, C), which are drawn from the generator:
            each value evenly from the lowest to the highest that an input can have; where the data
            have no such bounds, that members have.
    """

    members: Tensor
    others: Tensor
    at_random: Callable[[int, torch.Generator], Tensor]


class OutputGuard(nn.Module, ABC):
    """Made by a defence; its state ships in the model's file.

    Its parameters are trained by itself alone.

    Attributes:
        reads_samples: whether it learns from what is answered about members and others; one that
            does cannot stand next to a defence that bounds what members do to what ships.
    """

    reads_samples: bool = True

    @abstractmethod
    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        """Look at what the network answers, whenever it has been trained.

        Args:
            training_data: what it answers.
            generator: what chance there is.
        """

    @abstractmethod
    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        """Return the guarded answer as logits (N, C), float32; the most likely label stays.

        The same query has the same answer, whatever is asked next to it.

        Args:
            logits: what the network says, shape (N, C), float32.
            queries: a number for each input, shape (N,), int64, the same for the same input. What
                shall be chance is drawn from it, and not from the logits: those of members may be
                alike, and chance that they share would reveal who they are.
        """

    def answer(self, inputs: Tensor, logits: Tensor) -> Tensor:
        """Return the guarded answer to inputs (N, ...) with bare logits (N, C)."""
        # float32: guards are trained on float32 logits, and autocast may return half precision.
        answers: Tensor = self(logits.float(), digests(inputs).to(logits.device))
        return answers


class GuardedClassifier(Classifier):
    """A classifier behind an output guard; it shares the network, and nothing is copied.

    Args:
        network: as a holder of the model file can query it.
        guard: perturbs its answers; no part of what is trained or counted.
    """

    def __init__(self, network: Classifier, guard: OutputGuard) -> None:
        nn.Module.__init__(self)
        self.module = network.module
        self.topology = network.topology
        self.layer_shapes = network.layer_shapes
        self.rounded_inputs = network.rounded_inputs
        self.width = network.width
        self._head = [network.head]
        # In lists: registered, they would be parts of the network.
        self._inside = [network]
        self._guard = [guard]

    @property
    def inside(self) -> Classifier:
        """The network without its guard."""
        return self._inside[0]

    def forward(self, inputs: Tensor) -> Tensor:
        """Answers, shape (N, C)."""
        return self.forward_with_representation(inputs).answers

    def forward_with_representation(self, inputs: Tensor) -> ForwardOutput:
        """Answers, and what the network makes of the inputs before the guard."""
        seen = self.inside.forward_with_representation(inputs)
        # A guard need not be differentiable; a white-box adversary queries the network without it.
        with torch.no_grad():
            return seen._replace(answers=self._guard[0].answer(inputs, seen.logits))

    def sparse_parameters(self) -> dict[str, nn.Parameter]:
        """Return those of the network."""
        return self.inside.sparse_parameters()


class AnswerModule(nn.Module):
    """A network and its output guard as one module that a tracer can follow.

    The weights of digests are a buffer: a tracer cannot follow a generator.

    Args:
        network: from samples (N, ...) to bare logits (N, C).
        guard: perturbs them.
        values: numbers in a sample.
    """

    digest_weights: Tensor

    def __init__(self, network: nn.Module, guard: OutputGuard, *, values: int) -> None:
        super().__init__()
        self.network = network
        self.guard = guard
        self.register_buffer("digest_weights", _digest_weights(values))

    def forward(self, inputs: Tensor) -> Tensor:
        """Answers, shape (N, C), float32."""
        logits = self.network(inputs).float()
        answers: Tensor = self.guard(logits, _digests(inputs, self.digest_weights))
        return answers


def digests(inputs: Tensor) -> Tensor:
    """A number for each input, the same for the same bits: shape (N,), int64."""
    rows = inputs.detach().cpu()
    return _digests(rows, _digest_weights(rows.flatten(1).shape[1]))


def _digest_weights(values: int) -> Tensor:
    generator = torch.Generator().manual_seed(SEED)
    weights = torch.randint(-(2**62), 2**62, (values,), generator=generator)
    # Odd weights are invertible modulo 2⁶⁴: a change of one word always changes the sum.
    return 2 * weights + 1


def _digests(inputs: Tensor, weights: Tensor) -> Tensor:
    rows = inputs.flatten(1)
    words = rows
    if rows.is_floating_point():
        # −0.0 + 0.0 is 0.0, so equal numbers have equal bits.
        words = (rows.float() + 0.0).contiguous().view(torch.int32)  # a 0 has no sign
    return (words.long() * weights).sum(dim=1)  # overflows, and may
