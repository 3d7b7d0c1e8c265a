"""Samples with their task label and private attributes, and what yields them."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import DataCard, Definition
from safecompress_core.errors import DataError
from safecompress_core.host.boundary import check_result

__all__ = [
    "Attribute",
    "DataSource",
    "Dataset",
    "EncodedRows",
    "Encoder",
    "Inputs",
    "in_batches",
    "select_inputs",
]


@dataclass(frozen=True, slots=True)
class Attribute:
    """A private attribute of every sample.

    Attributes:
        values: shape (N,), int64, in [0, len(names)).
        names: what each value stands for.
        numbers: of a numeric attribute what was measured, shape (N,), float64; ``values`` then
            state in which interval it lies. None for a categorical one.
        columns: where the model's (flat) input holds the attribute; empty where it does not.
        codes: what those columns hold for each value, shape (V, K); None where there are none.
    """

    values: Tensor
    names: tuple[str, ...]
    numbers: Tensor | None = None
    columns: tuple[int, ...] = ()
    codes: Tensor | None = None


class Inputs(ABC):
    """Samples that are not kept as one float32 tensor: as bytes in memory, or as files on disk.

    Anyone who trains on or observes samples takes a tensor or one of these, and reads both with
    :func:`select_inputs` and :func:`in_batches`; the same positions give the same bytes either way.
    All numbers are finite by contract, since a check would read everything.

    Attributes:
        shape: of all samples as a tensor, (N, ...).
    """

    shape: torch.Size

    def __len__(self) -> int:
        return self.shape[0]

    @abstractmethod
    def __getitem__(self, positions: Tensor) -> Tensor:
        """These samples (int64 positions, or a bool mask), shape (n, ...), float32."""

    @abstractmethod
    def take(self, positions: Tensor) -> "Inputs":
        """A view of these samples alone, in this order; nothing is read for it."""

    @abstractmethod
    def contents(self, positions: Tensor) -> Iterator[bytes]:
        """Return the bytes of each sample; equal samples have equal bytes."""

    def to(self, device: torch.device) -> "Inputs":
        """The same samples, which will be returned on a device; by default read on the CPU."""
        return _DeviceInputs(self, device)

    def batches(self, positions: Iterable[Tensor]) -> Iterator[Tensor]:
        """Batch after batch; an implementation may read ahead."""
        for rows in positions:
            yield self[rows]


class _DeviceInputs(Inputs):
    """Samples that are read on the CPU and returned on another device."""

    def __init__(self, inputs: Inputs, device: torch.device) -> None:
        self.shape = inputs.shape
        self._inputs = inputs
        self._device = device

    def __getitem__(self, positions: Tensor) -> Tensor:
        # Positions may come from the device; samples are read by the CPU.
        return self._send(self._inputs[positions.cpu()])

    def take(self, positions: Tensor) -> Inputs:
        return _DeviceInputs(self._inputs.take(positions.cpu()), self._device)

    def contents(self, positions: Tensor) -> Iterator[bytes]:
        return self._inputs.contents(positions.cpu())

    def to(self, device: torch.device) -> Inputs:
        # The original inputs, not this wrapper: one transfer, not two.
        return _DeviceInputs(self._inputs, device)

    def batches(self, positions: Iterable[Tensor]) -> Iterator[Tensor]:
        # A generator: an implementation that reads ahead must not wait for a device per batch.
        for batch in self._inputs.batches(rows.cpu() for rows in positions):
            yield self._send(batch)

    def _send(self, batch: Tensor) -> Tensor:
        # Only pinned memory can be copied while the device computes.
        return batch.to(self._device, non_blocking=batch.is_pinned())


def select_inputs(
    inputs: Tensor | Inputs, positions: Tensor, device: torch.device
) -> Tensor | Inputs:
    """Some of the samples, to be returned on a device."""
    chosen = inputs[positions] if isinstance(inputs, Tensor) else inputs.take(positions)
    return chosen.to(device)


# A generator over tensors, so that both kinds of inputs are consumed alike.
def in_batches(inputs: Tensor | Inputs, positions: Iterable[Tensor]) -> Iterator[Tensor]:
    """Samples, a batch for each tensor of positions, float32; read ahead where that helps."""
    if isinstance(inputs, Tensor):
        return (inputs[rows] for rows in positions)
    return inputs.batches(positions)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedRows:
    """New rows, encoded as a data set was, before a model's factory has prepared them.

    Attributes:
        inputs: shape (N, ...), float32; (N, 0) for texts.
        names: what each row is called: its number, from 1, or its file.
        texts: what the rows say, for a model that reads text.
    """

    inputs: Tensor
    names: tuple[str, ...]
    texts: tuple[str, ...] = ()


class Encoder(ABC):
    """Encoding of new rows as the samples of a data set were encoded.

    Its record goes into the model file, and :meth:`DataSource.encoder` makes it again, so it holds
    what was fitted (names of categories, means), and no sample.
    """

    @property
    @abstractmethod
    def record(self) -> Mapping[str, Any]:
        """All that it is made again from, JSON-ready."""

    @abstractmethod
    def encode(self, rows: Any) -> EncodedRows:
        """Encode rows as their owner has them.

        Raises:
            DataError: if a row is not of the form, or holds a value that training never had.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Samples with everything that is known of them.

    Attributes:
        inputs: shape (N, ...), float32, what the model sees: a tensor where that fits in memory.
        labels: shape (N,), int64, the task.
        classes: the name of each label.
        attributes: what must stay private, by name; never contains the task label.
        features: what anyone may know of a person anyway: for each public feature, the columns of
            the (flat) input that hold it. Empty where inputs have no columns, as images have none.
        texts: what the samples say, for a model that reads text; ``inputs`` are empty, (N, 0),
            until the model's factory has prepared them.
        is_member: which samples are members, shape (N,), bool, where the data decide that and not
            the seed (``pools.members: given``); else None.
        positions: of each sample before copies or others were taken out, shape (N,), int64; None
            where nothing was.
        groups: samples with the same number belong together (to a person, say) and shall stay on
            one side, shape (N,), int64; None where each stands alone.
        bounds: the lowest and the highest value that an input can have, as tensors that broadcast
            to one sample: of pixels, black and white after normalisation. None where there are no
            such bounds, as for standardised columns.
        holds_answers: whether the inputs are a model's answers.
        asked: of answers, the same samples as the model took them; None where they are unknown.
        encoder: encodes new rows in the same way; None where the data set does not say how.
        notes: what was done to the data on loading, a sentence each, for anyone who checks a run.
        warnings: what makes results mean less than they seem to, a sentence each.
    """

    inputs: Tensor | Inputs
    labels: Tensor
    classes: tuple[str, ...]
    attributes: Mapping[str, Attribute]
    features: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    is_member: Tensor | None = None
    positions: Tensor | None = None
    groups: Tensor | None = None
    bounds: tuple[Tensor, Tensor] | None = None
    holds_answers: bool = False
    asked: "Dataset | None" = None
    encoder: Encoder | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def original_positions(self) -> Tensor:
        """Position of each sample before any was taken out, shape (N,), int64."""
        return torch.arange(len(self)) if self.positions is None else self.positions

    def take(self, rows: Tensor) -> "Dataset":
        """Some of the samples (int64 positions), in that order."""
        inputs = self.inputs
        attributes = {
            name: replace(
                attribute,
                values=attribute.values[rows],
                numbers=None if attribute.numbers is None else attribute.numbers[rows],
            )
            for name, attribute in self.attributes.items()
        }
        return replace(
            self,
            inputs=inputs[rows] if isinstance(inputs, Tensor) else inputs.take(rows),
            labels=self.labels[rows],
            attributes=attributes,
            # Texts are a tuple, which a tensor cannot index.
            texts=tuple(self.texts[row] for row in rows.tolist()) if self.texts else (),
            is_member=None if self.is_member is None else self.is_member[rows],
            positions=self.original_positions[rows],
            groups=None if self.groups is None else self.groups[rows],
            asked=None if self.asked is None else self.asked.take(rows),
        )

    @property
    def card(self) -> DataCard:
        """The same facts that a manifest's ``card`` states without loading."""
        return DataCard(
            samples=len(self),
            classes=len(self.classes),
            attributes={name: len(a.names) for name, a in self.attributes.items()},
            input_shape=tuple(self.inputs.shape[1:]),
        )


def _check_dataset(_: Definition, dataset: object, *__: object) -> None:
    if not isinstance(dataset, Dataset):
        raise ValueError(f"returned {type(dataset).__name__}; it must return a Dataset")


class DataSource(ABC):
    """Target of a :class:`~safecompress_core.api.DataDef`; built from its parameters."""

    @abstractmethod
    @check_result(_check_dataset)
    def load(self) -> Dataset:
        """Read the data; the same parameters give the same samples in the same order.

        Raises:
            DataError: if they cannot be read as the parameters say.
        """

    @staticmethod
    def encoder(record: Mapping[str, Any]) -> Encoder:
        """Make the encoder of samples that such a source has loaded, from its record.

        Raises:
            DataError: if this source has none.
        """
        # The default: few sources encode rows, and those override it.
        raise DataError(
            f"no encoder can be made of the record {sorted(record)}",
            hint="give the model its inputs as a tensor",
        )
