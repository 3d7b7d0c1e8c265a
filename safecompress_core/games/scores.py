"""Inputs of a measurement: an attacker's scores, the ground truth, and the options."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.games.measures.membership_details import DetailOptions

__all__ = ["AttackScores", "MeasureOptions", "bools", "floats", "ints", "scores_of", "tensor_of"]

# N samples · V attribute values

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttackScores:
    """An attacker's scores for the N samples of a pool, and what is true of these.

    Attributes:
        scores: membership (N,), attribute (N, V); higher means more likely.
        truth: membership (N,) bool; attribute (N,) int64 in [0, V).
        labels: task labels, shape (N,), int64.
        is_member: shape (N,), bool.
        public: attribute: the samples' public features, shape (N, P), where the data have any.
        numbers: numeric attribute: what was measured, shape (N,), float64.
    """

    scores: Tensor
    truth: Tensor
    labels: Tensor
    is_member: Tensor
    public: Tensor | None = None
    numbers: Tensor | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MeasureOptions:
    """Options of every measurement on a pool; a game uses those that it needs.

    Attributes:
        threshold: the attacker's own membership threshold, or None.
        confidence: of every interval.
        detail_options: for a closer look, or None.
    """

    threshold: float | None
    confidence: float
    detail_options: DetailOptions | None


def tensor_of(values: Any, dtype: torch.dtype | None = None) -> Tensor:
    """Values of any array-like as a tensor."""
    # NumPy first: lists of floats become float64, where torch would round them to float32.
    return torch.as_tensor(
        values if isinstance(values, Tensor) else np.asarray(values), dtype=dtype
    )


def scores_of(answers: AttackScores, *, dimensions: int) -> NDArray[np.float64]:
    """The scores as an array of so many dimensions, float64.

    Raises:
        ValueError: if they are of another shape or not numbers, which is the attacker's fault.
    """
    # Detached and on the CPU: an attacker's scores may carry a graph or live on its device.
    scores: NDArray[np.float64] = answers.scores.detach().to("cpu", torch.float64).numpy()
    if scores.ndim != dimensions or len(scores) != len(answers.truth):
        expected = "(N,)" if dimensions == 1 else "(N, V)"
        raise ValueError(
            f"scores must be {expected} for {len(answers.truth)} samples, but are {scores.shape}"
        )
    # NaN compares False with any threshold, so it would silently count as "non-member".
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} scores are not numbers")
    return scores


def bools(values: Tensor) -> Bools:
    """A tensor as a bool array."""
    array: Any = values.cpu().numpy()
    return np.asarray(array, dtype=np.bool_)


def ints(values: Tensor) -> NDArray[np.int64]:
    """A tensor as an int64 array."""
    array: Any = values.cpu().numpy()
    return np.asarray(array, dtype=np.int64)


def floats(values: Tensor) -> NDArray[np.float64]:
    """A tensor as a float64 array."""
    array: Any = values.cpu().numpy()
    return np.asarray(array, dtype=np.float64)
