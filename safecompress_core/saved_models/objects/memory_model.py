"""Model in memory: a Python object that is audited, known by a fingerprint of its content."""

import copy
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from safecompress_core.networks.module_digest import digest_of_module
from safecompress_core.saved_models.model_format import Format, GivenModel

__all__ = ["IN_MEMORY", "MemoryModel"]

IN_MEMORY: Final = "in-memory"
"""What records call the place of an object that is in no file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryModel(GivenModel):
    """A model that is a Python object.

    Attributes:
        module: the network; None for a model whose answers are the samples.
        answers: to all samples, (N, C); None of a network.
    """

    module: nn.Module | None = None
    answers: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        form: Format,
        *,
        module: nn.Module | None = None,
        answers: NDArray[np.float64] | None = None,
    ) -> "MemoryModel":
        """Return the model of an object of some form."""
        place = Path(IN_MEMORY)
        return cls(path=place, format=form, model_metadata={}, module=module, answers=answers)

    @property
    def parts(self) -> tuple[Path, ...]:
        """Return no files."""
        return ()

    @property
    def file_bytes(self) -> None:
        """Return None: there is no file."""
        return

    def fingerprint(self) -> str:
        """Return a SHA-256 of layers, weights and code, or of the answers."""
        digest = hashlib.sha256(str(self.format).encode())
        if self.answers is not None:
            digest.update(f"{self.answers.shape}".encode() + self.answers.tobytes())
        if self.module is not None:
            digest.update(digest_of_module(self.module).encode())
        return digest.hexdigest()

    def copy_module(self) -> nn.Module:
        """Return a copy in eval mode, so that the caller's network stays where it is."""
        assert self.module is not None  # only a network has something to load
        return copy.deepcopy(self.module).eval()
