"""Samples with their task label and private attributes, and what yields them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from safecompress_core.api import DataCard

__all__ = ["Attribute", "DataSource", "Dataset"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A private attribute of every sample.

    Attributes:
        values: shape (N,), int64, in [0, len(names)).
        names: what each value stands for.
    """

    values: Tensor
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A data set that fits in memory.

    Attributes:
        inputs: shape (N, ...), float32, what the model sees.
        labels: shape (N,), int64, the task.
        classes: the name of each label.
        attributes: what must stay private, by name; never contains the task label.
    """

    inputs: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    attributes: Mapping[str, Attribute]

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def card(self) -> DataCard:
        """The same facts that a manifest's ``card`` tells without loading."""
        return DataCard(
            samples=len(self),
            classes=len(self.classes),
            attributes={name: len(a.names) for name, a in self.attributes.items()},
        )


class DataSource(ABC):
    """What a :class:`~safecompress_core.api.DataDef` points to; built from its parameters."""

    @abstractmethod
    def load(self) -> Dataset:
        """Read the data; the same parameters give the same samples in the same order."""
