"""Candidates as points of losses: dominance, scales and hypervolume.

A loss is an objective turned so that lower is better. Attacks of weight 0 are watched, not weighed:
they have no part in dominance.
"""

from collections.abc import Mapping

import moocore
import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Objectives

__all__ = [
    "greedy_by_hypervolume",
    "hypervolume_contributions",
    "is_nondominated",
    "losses",
    "normalise",
    "shares",
]

Array = NDArray[np.float64]

# K candidates · L losses: one of performance, one of each attack that has a weight, each cost

SMALLEST_RANGE = 1e-12
REFERENCE = 1.1
"""Every coordinate of the hypervolume's reference point, where the front spans [0, 1].

A little beyond the worst, so that the ends of a front count too, and count no more than its middle:
Ishibuchi et al. 2018, "How to Specify a Reference Point in Hypervolume Calculation".
"""


def losses(objectives: Objectives) -> Array:
    """−performance, the advantage of every attack that has a weight, all costs: shape (K, L)."""
    advantage = objectives.advantage[:, objectives.weights > 0]
    return np.column_stack((-objectives.performance, advantage, *objectives.costs.values()))


def shares(objectives: Objectives, measures: Mapping[str, float]) -> Array:
    """Return the weight of each loss, shape (L,): performance 1, all attacks together 1.

    Args:
        objectives: of the candidates.
        measures: the weight of each cost, which together count 1 as well; one that is not named
            has 1.
    """
    weights = objectives.weights[objectives.weights > 0]
    costs = np.array([measures.get(name, 1.0) for name in objectives.costs])
    return np.concatenate(([1.0], weights / weights.sum(), costs / costs.sum()))


def is_nondominated(points: Array) -> NDArray[np.bool_]:
    """Return the points (K, L) that no other dominates, shape (K,); equal points all count."""
    mask: NDArray[np.bool_] = moocore.is_nondominated(_at_least_2d(points), keep_weakly=True)
    return mask


def normalise(points: Array, on_front: NDArray[np.bool_]) -> Array:
    """The points (K, L) on scales where the front spans [0, 1].

    A loss that is the same all over the front is only shifted, to 0.
    """
    # Scales come from the front alone, or a bad candidate would compress all others.
    front = points[on_front]
    ideal = front.min(axis=0)
    span = front.max(axis=0) - ideal
    scaled: Array = (points - ideal) / np.where(span > SMALLEST_RANGE, span, 1.0)
    return scaled


def hypervolume_contributions(front: Array) -> Array:
    """Return the hypervolume that each point of a normalised front (K, L) adds, shape (K,).

    Equal points share their fate: each has the contribution that one of them alone would have.
    """
    # Duplicates have a contribution of 0 each, so distinct points are measured.
    distinct, which = np.unique(_at_least_2d(front), axis=0, return_inverse=True)
    volumes: Array = moocore.hv_contributions(distinct, ref=np.full(distinct.shape[1], REFERENCE))
    return volumes[which.reshape(-1)]


def greedy_by_hypervolume(front: Array, count: int) -> list[int]:
    """Indices of ``count`` points of a normalised front (K, L), each adding the most to the last.

    At least 1 − 1/e of the best subset's hypervolume (Nemhauser, Wolsey & Fisher 1978). Of equal
    gains the first wins.

    Source: Guerreiro, Fonseca & Paquete 2016, "Greedy Hypervolume Subset Selection in Low
    Dimensions".
    """
    points = _at_least_2d(front)
    volume = moocore.Hypervolume(ref=np.full(points.shape[1], REFERENCE))
    chosen_indices: list[int] = []
    while len(chosen_indices) < min(count, len(points)):
        rest = [index for index in range(len(points)) if index not in chosen_indices]
        # Rounded, so that equal gains tie and the first wins.
        volumes = [round(volume(points[[*chosen_indices, index]]), 12) for index in rest]
        chosen_indices.append(rest[int(np.argmax(volumes))])
    return chosen_indices


def _at_least_2d(points: Array) -> Array:
    """Without attacks there is one loss; a constant second one changes neither order nor volume."""
    if points.shape[1] > 1:
        return points
    return np.column_stack((points, np.full(len(points), REFERENCE - 1)))
