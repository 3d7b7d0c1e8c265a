"""Keeps what a run has reached, so that a killed one goes on from its last finished round.

A checkpoint is one safetensors file for each model and one JSON file, written last: without it the
checkpoint does not exist. What was drawn at random is not in it, since every unit derives its own
generator from the seed and its name. How long it took to get there is, so that a resumed
run states the time of the whole.
"""

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.errors import RunDirectoryError
from safecompress_core.results.directory import read_json, write_json

__all__ = ["Checkpoints"]


class Checkpoints:
    """Named checkpoints in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # ``perf_counter``: the wall clock may be adjusted during a run.
        self._began = time.perf_counter()
        self._began_cpu = time.process_time()

    @property
    def seconds(self) -> float:
        """Return the wall time spent so far, in seconds.

        What earlier attempts spent counts up to the checkpoint that was loaded last, and what a
        stop has lost does not.
        """
        return time.perf_counter() - self._began

    @property
    def cpu_seconds(self) -> float:
        """Return the CPU time of this process, over all its threads, spent likewise."""
        return time.process_time() - self._began_cpu

    def within(self, name: str) -> "Checkpoints":
        """Return the checkpoints of a folder inside, for work inside this work."""
        return Checkpoints(self._folder / name)

    def save(
        self, name: str, record: Mapping[str, Any], models: Sequence[Mapping[str, Tensor]]
    ) -> None:
        """Keep a record and the tensors of some models under a name."""
        place = self._folder / name
        for index, tensors in enumerate(models):
            # Tied weights share memory, which safetensors refuses.
            clones = {key: tensor.clone() for key, tensor in tensors.items()}
            write_bytes(place / f"{index}.safetensors", safetensors.torch.save(clones))
        # The number of models is recorded, since stale files of an earlier checkpoint may remain.
        times = {"seconds": self.seconds, "cpu_seconds": self.cpu_seconds}
        contents = {**record, "models": len(models), **times}
        # Last: without it the checkpoint does not exist.
        write_json(place / "record.json", contents)

    def load(
        self, name: str, *, models: Sequence[int] | None = None
    ) -> tuple[dict[str, Any], list[dict[str, Tensor]]] | None:
        """Return the checkpoint of a name; None without a complete one.

        Args:
            name: as it was saved.
            models: which of its models are read, from 0; all by default.

        Raises:
            RunDirectoryError: if it cannot be read, or is damaged.
        """
        place = self._folder / name
        if not (place / "record.json").exists():
            return None
        record = read_json(place / "record.json")
        count = record.pop("models")
        wanted = range(count) if models is None else models
        tensors = [_tensors(place / f"{index}.safetensors") for index in wanted]
        # Set back by what earlier attempts took, so that ``seconds`` goes on from there.
        self._began = time.perf_counter() - record.pop("seconds")
        self._began_cpu = time.process_time() - record.pop("cpu_seconds")
        return record, tensors

    def drop(self, name: str) -> None:
        """Forget a checkpoint that a newer one replaces."""
        # Errors are ignored: an undeleted checkpoint only costs space.
        shutil.rmtree(self._folder / name, ignore_errors=True)


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        # Safetensors errors have no ``strerror``.
        reason = getattr(error, "strerror", None) or error
        raise RunDirectoryError(
            f"{path}: cannot be read: {reason}; remove {path.parent} to train this anew"
        ) from error
