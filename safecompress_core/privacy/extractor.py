"""What an attacker of the extraction game must answer."""

from abc import abstractmethod

from torch import Tensor

from safecompress_core.api import Definition
from safecompress_core.host.boundary import checked
from safecompress_core.privacy.attacker import Adversary

__all__ = ["Extractor"]


def _check_labels(_: Definition, labels: object, inputs: Tensor) -> None:
    """A label for each input."""
    wanted = f"it must return a tensor of {len(inputs)} labels, int64"
    if not isinstance(labels, Tensor):
        raise ValueError(f"returned {type(labels).__name__}; {wanted}")
    if tuple(labels.shape) != (len(inputs),) or labels.is_floating_point():
        raise ValueError(f"returned {labels.dtype} of shape {tuple(labels.shape)}; {wanted}")


class Extractor(Adversary):
    """Trains a clone of the model.

    What it is fitted on are non-members of attack-train, as many as its budget allows, and the
    model's answers to them. It is fitted a second time, on the same samples with their true labels
    as answers: what it achieves then needs no model, and is the baseline.
    """

    @abstractmethod
    @checked(_check_labels)
    def answer(self, inputs: Tensor) -> Tensor:
        """What the clone answers to inputs (M, ...): labels, shape (M,), int64."""
