"""Chance in answers that is the same whenever the same thing is asked.

Whoever could ask again would average it out. So it is drawn from the answer itself, and from a
secret which keeps those who can only ask from knowing it.
"""

import torch
from torch import Tensor

__all__ = ["coins", "secret_of"]

DIGITS = 1e4
"""Posteriors that agree to four digits are one query: rounding in another batch is less."""
BITS = 24
MIXING = 0x2C1B3C6D  # odd, with as many ones as zeros

# N samples · C classes


def secret_of(classes: int, generator: torch.Generator) -> Tensor:
    """Shape (C,), int64."""
    return torch.randint(1, 2**31, (classes,), generator=generator)


def coins(posteriors: Tensor, secret: Tensor) -> Tensor:
    """A number in [0, 1) for each answer: its digits and the secret, hashed.

    Args:
        posteriors: shape (N, C).
        secret: what ``secret_of`` has drawn.

    Returns:
        Shape (N,), float32.
    """
    mixed = ((posteriors * DIGITS).round().long() * secret).sum(dim=1)
    for shift in (15, 13):
        mixed = (mixed ^ (mixed >> shift)) * MIXING  # overflows, and may
    numbers: Tensor = ((mixed >> 20) & (2**BITS - 1)).float() / 2**BITS
    return numbers
