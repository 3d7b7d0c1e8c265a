"""Shipped model: a network with its output guard, classes and the encoding of rows."""

from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.networks.output_guard import OutputGuard
from safecompress_core.saved_models.input_rows import Prediction, RowEncoder

__all__ = ["ShippedModel"]

# N samples · C classes

BATCH = 256
"""Rows that are asked about at once."""


class ShippedModel(nn.Module):
    """A model as anyone who asks meets it: behind what guards its answers, where anything does.

    Attributes:
        module: the network itself.
        guard: what its answers go through; None for nothing.
        classes: the names of its labels.
        rows: encodes rows as the data of the run were.
    """

    def __init__(
        self,
        module: nn.Module,
        guard: OutputGuard | None,
        classes: tuple[str, ...],
        rows: RowEncoder,
    ) -> None:
        super().__init__()
        self.module = module
        self.guard = guard
        self.classes = classes
        self.rows = rows

    def encode(self, rows: Any) -> Tensor:
        """Encode rows as the data of the run were, shape (N, ...).

        Args:
            rows: of a table a list of mappings, a data frame, or the path of a CSV or Parquet file;
                images as paths, bytes or PIL images, or a folder of them; else arrays.

        Raises:
            DataError: if a column is missing, or a value is not as in training.
            StorageError: if the file does not say how rows are encoded.
        """
        return self.rows.encode(rows).inputs

    def predict(self, rows: Any) -> Prediction:
        """Return labels and probabilities of rows as ``encode`` takes them."""
        encoded = self.rows.encode(rows)
        with torch.no_grad():
            # In batches of 256, so that a large table does not need its activations at once.
            logits = [self(batch) for batch in encoded.inputs.split(BATCH) if len(batch)]
        # ``torch.cat`` refuses an empty list.
        answers = torch.cat(logits) if logits else torch.zeros(0, len(self.classes))
        return Prediction(
            names=encoded.names,
            labels=tuple(self.classes[label] for label in answers.argmax(dim=1).tolist()),
            classes=self.classes,
            probabilities=answers.softmax(dim=1),
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, C) of samples (N, ...)."""
        logits: Tensor = self.module(inputs)
        # The guard sees inputs too: its noise may depend on the sample.
        return logits if self.guard is None else self.guard.answer(inputs, logits)
