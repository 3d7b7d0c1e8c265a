"""Samples with their task label and private attributes, and what yields them."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from safecompress_core.api import DataCard

__all__ = ["Attribute", "DataSource", "Dataset"]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A private attribute of every sample.

    Attributes:
        values: shape (N,), int64, in [0, len(names)).
        names: what each value stands for.
        numbers: of a numeric attribute what was measured, shape (N,), float64; ``values`` then tell
            in which interval it lies. None for a categorical one.
        columns: where the model's (flat) input holds the attribute; empty where it does not.
        codes: what those columns hold for each value, shape (V, K); None where there are none.
    """

    values: Tensor
    names: tuple[str, ...]
    numbers: Tensor | None = None
    columns: tuple[int, ...] = ()
    codes: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A data set that fits in memory.

    Attributes:
        inputs: shape (N, ...), float32, what the model sees.
        labels: shape (N,), int64, the task.
        classes: the name of each label.
        attributes: what must stay private, by name; never contains the task label.
        features: what anyone may know of a person anyway: for each public feature, the columns of
            the (flat) input that hold it. Empty where inputs have no columns, as images have none.
        texts: what the samples say, for a model that reads text; ``inputs`` are empty, (N, 0),
            until the model's factory has prepared them.
        is_member: which samples are members, shape (N,), bool, where the data decide that and not
            the seed (``pools.members: given``); else None.
        groups: samples with the same number belong together (to a person, say) and shall stay on
            one side, shape (N,), int64; None where each stands alone.
    """

    inputs: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    features: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    is_member: Tensor | None = None
    groups: Tensor | None = None

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
