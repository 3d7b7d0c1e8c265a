"""What an attacker of the inversion game is given, and what it must answer."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

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


class Inverter(Adversary):
    """Reconstructs inputs of the model.

    What it is fitted on are the non-members of attack-train.
    """

    @abstractmethod
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
