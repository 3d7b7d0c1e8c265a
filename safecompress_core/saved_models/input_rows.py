"""New rows as inputs of a finished model, and what its file needs next to itself to read them."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import Definition, Kind, Params
from safecompress_core.data.dataset import Dataset, EncodedRows, Encoder
from safecompress_core.errors import ModelError, StorageError
from safecompress_core.host import Registry
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.specfile.component_files import (
    ExternalFiles,
    implementation,
    list_externals,
)

__all__ = ["Prediction", "RowEncoder", "digests_read", "require_same_files"]

# N rows · C classes

WEIGHTS = ".safetensors"
"""Files whose content the model file replaces by its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Answers of a model to new rows.

    Attributes:
        names: what each row is called: its number, from 1, or its file.
        labels: the most probable label of each row.
        classes: the names of all labels.
        probabilities: shape (N, C), float32, in the order of ``classes``.
    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    classes: tuple[str, ...]
    probabilities: Tensor


@dataclass(frozen=True, slots=True)
class RowEncoder:
    """Encoding of new rows, as the metadata of a model file describe it.

    Attributes:
        metadata: of the file.
        registry: has the data set that the model was made from.
        factory: of the model, which makes tokens of texts; None where the network was given.
    """

    metadata: Mapping[str, Any]
    registry: Registry
    factory: ModelFactory | None

    def encode(self, rows: Any) -> EncodedRows:
        """Rows as the model takes them.

        Raises:
            DataError: if they are not as the data of the run were.
            ModelError: if they have another shape than the model takes.
            StorageError: if the file does not say how rows are encoded.
        """
        encoded = self._encoder().encode(rows)
        # No rows: there is nothing to tokenise, and factories may reject an empty data set.
        if not encoded.names:
            return encoded
        if self.factory is None:
            # Tokens come from the tokenizer of the file's factory, which a given network lacks.
            if encoded.texts:
                raise ModelError(
                    "texts are made tokens of by the model that the file names",
                    hint="load it without 'network', or give token ids to the model itself",
                )
            return encoded
        prepared = self.factory.prepare(
            Dataset(
                inputs=encoded.inputs,
                # Placeholders: preparation reads inputs and texts only.
                labels=torch.zeros(len(encoded.names), dtype=torch.int64),
                classes=tuple(self.metadata["classes"]),
                attributes={},
                texts=encoded.texts,
            )
        )
        inputs = prepared.inputs[torch.arange(len(encoded.names))]
        return EncodedRows(inputs=inputs, names=encoded.names, texts=encoded.texts)

    def _encoder(self) -> Encoder:
        written = self.metadata.get("encoder")
        if written is None:
            raise StorageError(
                "the model file does not say how rows are encoded, since the data set of its run "
                f"does not; ask the model itself, with inputs of shape (N, "
                f"{', '.join(map(str, self.metadata['input_shape']))})"
            )
        data = self.registry.definitions(Kind.DATA).get(written["data"])
        if data is None:
            raise StorageError(f"no data set {written['data']!r} is installed, which encodes rows")
        source = implementation(data)
        try:
            # The record comes from the file, so any error of these kinds means that it is damaged.
            encoder: Encoder = source.encoder(written["record"])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise StorageError(
                f"the encoding of rows in the model file is damaged: {error}"
            ) from error
        return encoder


def digests_read(definition: Definition, params: Params) -> dict[str, dict[str, str]]:
    """Return hashes of a model's other files, by ``files`` and ``code``; weights left out."""
    hashes: dict[str, dict[str, str]] = {}
    for external in list_externals(definition, params):
        kind = "files" if isinstance(external, ExternalFiles) else "code"
        for name, digest in external.digests():
            # Weights are in the model file itself, and may differ from those training started from.
            if not name.endswith(WEIGHTS):
                hashes.setdefault(kind, {})[name] = digest
    return hashes


def require_same_files(
    recorded: Mapping[str, Mapping[str, str]], definition: Definition, params: Params
) -> None:
    """Compare what a model reads next to its file with what was there when the file was written.

    Other code is a warning, since its sources change for many reasons.

    Raises:
        StorageError: if a file, such as a tokenizer's, is gone or has changed.
    """
    now = digests_read(definition, params)
    for kind, known in recorded.items():
        changed = sorted(_describe_changes(known, now.get(kind, {})))
        if not changed:
            continue
        message = f"changed since the model file was written: {', '.join(changed)}"
        # A changed tokenizer gives other inputs silently; changed code usually does not.
        if kind == "files":
            raise StorageError(f"{message}; the model needs them as they were")
        warnings.warn(f"{message}; its answers may be others", stacklevel=2)


def _describe_changes(known: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    return (name for name, digest in known.items() if now.get(name) != digest)
