"""Functions of an owner that train models, and what each is asked to train."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import ModelError, SafeCompressError
from safecompress_core.host.named_code import import_function
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.environment import reproducible
from safecompress_core.saved_models.objects.answering import ask, is_array
from safecompress_core.specfile.component_files import ExternalCode

__all__ = ["Answer", "NamedFunction", "Train", "TrainingJob", "answer_by_data"]

# L samples as they were loaded · C labels

Train: TypeAlias = Callable[[NDArray[np.int64], int], Any]
"""Trains a model on the samples at some positions, with a seed."""
Answer: TypeAlias = Callable[[Any, Sequence[str]], Tensor]
"""Asks what was trained about all samples, in the order of labels; returns logits, (L, C)."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NamedFunction:
    """A training function that every process imports by its name; called, it trains.

    Attributes:
        code: module and function.
        arguments: further keyword arguments.
        threads: processor threads of torch and BLAS while it trains and is asked.
    """

    code: ExternalCode
    arguments: Mapping[str, Any]
    threads: int

    def __call__(self, indices: NDArray[np.int64], seed: int) -> Any:
        """Return what it has trained."""
        # Imported when first called, so that a finished audit is shown without running it.
        return import_function(self.code)(indices=indices, seed=seed, **self.arguments)


def answer_by_data(data: Dataset) -> Answer:
    """Return what asks a model about the samples of a data set."""
    return partial(_answer, data)


def _answer(data: Dataset, returned: Any, classes: Sequence[str]) -> Tensor:
    if data.holds_answers and not is_array(returned):
        raise ModelError(
            f"a {type(returned).__name__} cannot be asked, since the inputs of predictions are "
            "unknown",
            hint="return an answer to every record of the file, shape (N, C)",
        )
    inputs = None
    if not is_array(returned):
        every = torch.arange(len(data))
        inputs = data.inputs if isinstance(data.inputs, Tensor) else data.inputs[every]
    return ask(returned, inputs).to_logits(classes)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TrainingJob:
    """A model that is to be trained.

    Attributes:
        name: what messages call it.
        key: of all that its answers depend on.
        indices: positions of its samples among those that were loaded, rising.
        seed: of its training, in 32 bits.
        classes: the labels, in the order of outputs.
        count: L.
    """

    name: str
    key: str
    indices: tuple[int, ...]
    seed: int
    classes: tuple[str, ...]
    count: int

    def do(self, train: Train, answer: Answer, folder: Path) -> None:
        """Train the model, ask it about all samples, and keep its answers in a folder.

        Raises:
            ModelError: if the function fails, or returns no model with an answer to each sample.
        """
        try:
            with _threads_of(train):
                returned = train(np.array(self.indices, dtype=np.int64), self.seed)
                logits = answer(returned, self.classes)
        except ModelError as error:
            raise ModelError(f"{self.name}: {error.message}", hint=error.hint) from error
        except SafeCompressError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            message = f"{self.name}: the function that trains it failed ({reason})"
            raise ModelError(message, hint="correct it") from error
        if len(logits) != self.count:
            raise ModelError(
                f"{self.name} has {len(logits)} answers, and there are {self.count} samples",
                hint="return an answer to every sample of the data, not only to 'indices'",
            )
        # Answers may be columns of a larger array, which safetensors refuses.
        kept = {"logits": logits.contiguous()}
        Checkpoints(folder).save(self.key, {"model": self.name}, [kept])


def _threads_of(train: Train) -> AbstractContextManager[None]:
    """Return what limits threads to those of the function, whatever process it is in."""
    return reproducible(train.threads) if isinstance(train, NamedFunction) else nullcontext()
