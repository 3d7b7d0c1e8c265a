"""Chance in answers that is the same whenever the same thing is asked.

Whoever could ask again would average it out. So it is drawn from the query, and from a secret which
keeps those who can only ask from knowing it.
"""

import torch
from torch import Tensor

__all__ = ["coins", "new_secret"]

BITS = 24
MIXING = 0x2C1B3C6D  # odd, with as many ones as zeros

# N samples


def new_secret(generator: torch.Generator) -> Tensor:
    """A number, shape (), int64."""
    return torch.randint(1, 2**62, (), generator=generator)


def coins(queries: Tensor, secret: Tensor) -> Tensor:
    """A number in [0, 1) for each query: hashed with the secret.

    Args:
        queries: shape (N,), int64.
        secret: what ``new_secret`` has drawn.

    Returns:
        Shape (N,), float32.
    """
    mixed = queries ^ secret
    for shift in (33, 29, 31):
        mixed = (mixed ^ (mixed >> shift)) * MIXING  # overflows, and may
    numbers: Tensor = ((mixed >> 32) & (2**BITS - 1)).float() / 2**BITS
    return numbers
