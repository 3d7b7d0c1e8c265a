"""Pruning schedules: epochs and densities, known before anything is built."""

from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Cubic", "boundaries", "boundary", "geometric"]


def boundary(epochs: int, share: float) -> int:
    """Return the epoch at a share of training, with at least one before it and one after."""
    return min(max(round(epochs * share), 1), epochs - 1)


def boundaries(epochs: int, first: float, second: float) -> tuple[int, int]:
    """Return the epochs at two shares of training, with at least one before, between and after.

    >>> boundaries(200, 0.25, 0.75), boundaries(3, 0.1, 0.2)
    ((50, 150), (1, 2))
    """
    # Clamped in turn: the first leaves two epochs, the second at least one on either side.
    start = min(max(round(epochs * first), 1), epochs - 2)
    return start, min(max(round(epochs * second), start + 1), epochs - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cubic:
    """A density that falls from 1, fast at first and slower later.

    With progress p from 0 at ``start`` to 1 at ``end`` the density is d + (1 − d)·(1 − p)³.

    Attributes:
        start: the epoch after which it falls.
        end: the epoch after which it is constant.
        density: d, where it ends.

    Source: Zhu & Gupta 2017, "To Prune, or Not to Prune", Eq. 1, with sparsity 1 − density.
    """

    start: int
    end: int
    density: float

    def at(self, epoch: int) -> float:
        """Return the density after an epoch."""
        if epoch >= self.end:
            return self.density
        progress = max(0.0, (epoch - self.start) / (self.end - self.start))
        return float(self.density + (1 - self.density) * (1 - progress) ** 3)

    def steps(self, every: int) -> Iterator[int]:
        """Yield the epochs after which to prune: every ``every`` epochs, and at the end."""
        yield from range(self.start + every, self.end, every)
        yield self.end


def geometric(density: float, rounds: int) -> tuple[float, ...]:
    """Return the density after each round when all rounds prune the same share of the rest.

    >>> [round(one, 3) for one in geometric(0.064, 3)]
    [0.4, 0.16, 0.064]
    """
    # The last value is exact: density ** 1.0 may differ from density in the last bit.
    return (*(density ** (number / rounds) for number in range(1, rounds)), density)
