"""Generators for every unit of work, derived from the run's seed by name.

A unit's randomness depends on what it is, never on what ran before it: a resumed run, or one whose
candidates were tested in another order, draws the same numbers.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

__all__ = ["Seed", "global_random_state"]


class Seed:
    """A node in the tree of seeds; children are distinguished by name.

    >>> Seed(18).child("round", 3).number == Seed(18).child("round").child(3).number
    True
    """

    def __init__(self, number: int, *, path: tuple[str, ...] = ()) -> None:
        self._root = number
        self._path = path

    @property
    def number(self) -> int:
        """A number in [0, 2**63), fixed by the root and the path."""
        # The unit separator cannot occur in a name, so paths never collide.
        text = "\x1f".join((str(self._root), *self._path))
        # 63 bits, since torch's seeds are signed; from SHA-256, so that nearby seeds are
        # unrelated.
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1

    def child(self, *names: str | int) -> "Seed":
        """The seed of a part of this unit."""
        return Seed(self._root, path=(*self._path, *map(str, names)))

    def torch(self) -> torch.Generator:
        """A fresh generator on the CPU, where numbers are the same on every device."""
        # On the CPU for all devices; numbers are moved, not drawn, elsewhere.
        return torch.Generator().manual_seed(self.number)

    def numpy(self) -> np.random.Generator:
        """A fresh numpy generator."""
        return np.random.default_rng(self.number)


@contextmanager
def global_random_state(generator: torch.Generator) -> Iterator[None]:
    """Lend a generator's next number to code that only knows a global state (dropout, say).

    Both torch's and numpy's; either is as before afterwards.
    """
    # One number is drawn, whatever the code inside uses up.
    number = int(torch.randint(2**62, (), generator=generator))
    # Exchanged as a whole: to copy numpy's state, or to make its Mersenne Twister, takes longer.
    # Public in numpy, but missing from what its stubs export.
    before = np.random.get_bit_generator()  # type: ignore[attr-defined]
    # Without an accelerator, torch.manual_seed takes longer than a small training step.
    has_accelerator = torch.accelerator.is_available()
    seed_torch = torch.manual_seed if has_accelerator else torch.default_generator.manual_seed
    # fork_rng restores torch's states, those of accelerators included.
    with torch.random.fork_rng():
        seed_torch(number)
        np.random.set_bit_generator(np.random.PCG64(number))  # type: ignore[attr-defined]
        try:
            yield
        finally:
            np.random.set_bit_generator(before)  # type: ignore[attr-defined]
