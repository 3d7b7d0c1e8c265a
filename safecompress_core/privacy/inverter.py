"""What an attacker of the inversion game is given, and what it must answer."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from safecompress_core.api import Definition
from safecompress_core.host.boundary import checked
from safecompress_core.privacy.attacker import Adversary, Evidence

__all__ = ["Clues", "Inverter"]

# K things to reconstruct


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clues:
    """What is known of the K things to reconstruct.

    Attributes:
        classes: task labels, shape (K,), int64, for an attacker that reconstructs what is
            typical of each; empty for one that reconstructs single samples.
        gradients: of K samples, for an attacker whose definition asks for them: by parameter the
            gradient of the cross-entropy, as a participant of federated learning sends it, in
            double precision. Weights that the model does not have send 0. Empty otherwise.
        low: the lowest value that an input can have; broadcasts to one sample.
        high: the highest one.
    """

    classes: Tensor
    gradients: tuple[Mapping[str, Tensor], ...]
    low: Tensor
    high: Tensor

    def __len__(self) -> int:
        return len(self.gradients) or len(self.classes)


def _check_inputs(
    _: Definition, found: object, evidence: Evidence, clues: Clues, **__: object
) -> None:
    """Finite inputs of the model, one for each clue."""
    shape = (len(clues), *evidence.seen.inputs.shape[1:])
    wanted = f"it must return a tensor of finite numbers, of shape {shape}"
    if not isinstance(found, Tensor):
        raise ValueError(f"returned {type(found).__name__}; {wanted}")
    if tuple(found.shape) != shape:
        raise ValueError(f"returned shape {tuple(found.shape)}; {wanted}")
    if broken := int((~found.isfinite()).sum()):
        raise ValueError(f"returned {broken} values that are not finite; {wanted}")


class Inverter(Adversary):
    """Reconstructs inputs of the model.

    What it is fitted on are the non-members of attack-train.
    """

    @abstractmethod
    @checked(_check_inputs)
    def reconstruct(
        self, evidence: Evidence, clues: Clues, *, generator: torch.Generator
    ) -> Tensor:
        """One input for each clue.

        Args:
            evidence: the adversary's own samples, and the model as far as access goes.
            clues: what there is to reconstruct.
            generator: all chance comes from it.

        Returns:
            Shape (K, ...), inputs like those of the model.
        """
