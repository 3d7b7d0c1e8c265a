"""Handwritten digits with two real labels: the digit, and the session in which it was written.

scikit-learn's ``load_digits`` holds the 1,797 test images of UCI's *Optical Recognition of
Handwritten Digits*. They are 14 filled-in forms in order, so the row determines the writing
session. A session is not a person: UCI records 13 writers and no identities.
"""

from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from safecompress_core.toolkit import Attribute, Dataset
from safecompress_plugins.data.arrays.array_encoder import ArrayEncoder
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.manifest import SESSION_STARTS, HandwritingParams

__all__ = ["Handwriting"]

BRIGHTEST = 16.0  # a pixel counts the ink of a 4x4 block


class Handwriting(EncodingSource):
    """Inputs of shape (1797, 1, 8, 8) in [0, 1]; the task is one label, the attribute the other."""

    def __init__(self, params: HandwritingParams) -> None:
        self._task = params.task

    def load(self) -> Dataset:
        """Read the images from the installed scikit-learn."""
        digits: Any = load_digits()
        rows = np.arange(len(digits.target))
        # side="right": a form's first row belongs to that form, not to the one before it.
        session = np.searchsorted(SESSION_STARTS, rows, side="right") - 1
        labels = {
            "digit": Attribute(
                torch.as_tensor(digits.target, dtype=torch.int64), tuple("0123456789")
            ),
            "session": Attribute(
                torch.as_tensor(session, dtype=torch.int64),
                tuple(f"session {number}" for number in range(1, len(SESSION_STARTS) + 1)),
            ),
        }
        # Whichever label is not the task stays in the dictionary as the private attribute.
        task = labels.pop(self._task)
        inputs = torch.as_tensor(digits.images, dtype=torch.float32)[:, None] / BRIGHTEST
        return Dataset(
            inputs=inputs,
            labels=task.values,
            classes=task.names,
            attributes=labels,
            bounds=(torch.zeros(()), torch.ones(())),
            encoder=ArrayEncoder((1, 8, 8), divisor=BRIGHTEST),
        )
