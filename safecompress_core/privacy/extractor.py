"""What an attacker of the extraction game must answer."""

from abc import abstractmethod

from torch import Tensor

from safecompress_core.privacy.attacker import Adversary

__all__ = ["Extractor"]


class Extractor(Adversary):
    """Trains a clone of the model.

    What it is fitted on are non-members of attack-train, as many as its budget allows, and the
    model's answers to them. It is fitted a second time, on the same samples with their true labels
    as answers: what it achieves then needs no model, and is the baseline.
    """

    @abstractmethod
    def answer(self, inputs: Tensor) -> Tensor:
        """What the clone answers to inputs (M, ...): labels, shape (M,), int64."""
