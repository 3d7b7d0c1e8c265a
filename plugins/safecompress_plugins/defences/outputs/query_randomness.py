"""Query-determined randomness: equal queries get equal random numbers.

With independent randomness, repeated queries would average the noise out. So it is a hash of the
query and a secret, unknown to an adversary with query access alone.
"""

import torch
from torch import Tensor

__all__ = ["new_secret", "query_uniform"]

BITS = 24  # the mantissa of float32: every such fraction is exact
MIXING = 0x2C1B3C6D  # odd, so that multiplication is a bijection; as many ones as zeros

# N samples


def new_secret(generator: torch.Generator) -> Tensor:
    """Draw a secret, shape (), int64."""
    return torch.randint(1, 2**62, (), generator=generator)


def query_uniform(queries: Tensor, secret: Tensor) -> Tensor:
    """Hash each query with the secret to a number in [0, 1).

    Args:
        queries: shape (N,), int64.
        secret: from ``new_secret``.

    Returns:
        Shape (N,), float32.
    """
    mixed = queries ^ secret
    # Alternating shifts and multiplications spread every input bit over the upper half.
    for shift in (33, 29, 31):
        mixed = (mixed ^ (mixed >> shift)) * MIXING  # overflow is part of the hash
    numbers: Tensor = ((mixed >> 32) & (2**BITS - 1)).float() / 2**BITS
    return numbers
