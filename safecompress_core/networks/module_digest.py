"""Digest of a network: its layers, its weights and buffers, and code of its own."""

import hashlib

import torch
from torch import nn

from safecompress_core.networks.code_digest import digest_of

__all__ = ["digest_of_module"]

LIBRARIES = ("torch", "torchvision", "transformers")
"""Packages whose layers are known by their names, since environment.json records versions."""


def digest_of_module(module: nn.Module) -> str:
    """Return a SHA-256 of a network, the same in each process of one Python version.

    Of layers that are not of torch, torchvision or transformers the code of their methods counts,
    since the same layers may be called in another order.
    """
    digest = hashlib.sha256(repr(module).encode())
    for kind in dict.fromkeys(one for part in module.modules() for one in type(part).__mro__):
        if kind.__module__.partition(".")[0] not in (*LIBRARIES, "builtins"):
            digest.update(f"\0{kind.__qualname__}\0{digest_of(kind)}".encode())
    for name, tensor in module.state_dict().items():
        values = tensor.detach().cpu().contiguous()
        digest.update(f"\0{name}{values.dtype}{tuple(values.shape)}\0".encode())
        # As bytes, since NumPy has no bfloat16.
        digest.update(values.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
