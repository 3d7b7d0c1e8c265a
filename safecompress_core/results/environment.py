"""Environment of a run: it explains different bytes on another machine."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import torch
from threadpoolctl import threadpool_limits
from torch import Tensor, nn

from safecompress_core.networks.cost import macs
from safecompress_core.results.command_line import Invocation
from safecompress_core.training.data_parallel import current_group
from safecompress_core.training.precision import Precision

__all__ = [
    "environment",
    "is_available",
    "pick_device",
    "reproducible",
    "threads_for",
]

PACKAGES = ("safecompress", "torch", "numpy", "scipy", "scikit-learn", "safetensors", "moocore")

SMALL = 500_000
"""Multiplications for one sample up to which a batch is too little work to share among threads."""


def environment(
    device: torch.device, precision: Precision | None, invoked: Invocation | None = None
) -> dict[str, Any]:
    """Versions, processor, threads, arithmetic of training and command line, JSON-ready.

    Args:
        device: where networks are.
        precision: how they were trained; None in an audit, which trains nothing.
        invoked: the command line; None for a run that Python code started.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
        "device": str(device),
        # Results differ by type of accelerator, not only by device name.
        "accelerator": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "threads": torch.get_num_threads(),
        "processes": current_group().rank.size,
        "training": None if precision is None else precision.to_json(),
        "command": None if invoked is None else invoked.to_json(),
    }


def is_available(wanted: str) -> bool:
    """Return whether torch can use the requested device here."""
    kind, _, number = wanted.partition(":")
    if kind == "cuda":
        # torch has no single question for all devices.
        is_there = not number or int(number) < torch.cuda.device_count()
        return torch.cuda.is_available() and is_there
    return wanted != "mps" or torch.backends.mps.is_available()


def pick_device(wanted: str) -> torch.device:
    """The device that a spec asks for; ``auto`` takes an accelerator where there is one."""
    if wanted != "auto":
        return torch.device(wanted)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def threads_for(network: nn.Module, sample: Tensor, *, wanted: int | None = None) -> int:
    """Return the number of torch threads: one for a small network, else the current number.

    Handing out so little work costs as much as doing it, and far more where other processes want
    the cores; and on one thread the bytes do not depend on how many cores there are.

    Args:
        network: what will be trained; small is what does little work, whatever its size.
        sample: an input of it, shape (1, ...).
        wanted: the number that the spec asks for, which wins; None for none.
    """
    if wanted is not None:
        return wanted
    # Counted in work, not parameters: a small convolution over a large image is much work.
    return 1 if macs(network, sample) <= SMALL else torch.get_num_threads()


@contextmanager
def reproducible(threads: int) -> Iterator[None]:
    """Have torch choose algorithms, and as many threads, that give the same bytes every time.

    The number of threads holds for the BLAS of numpy and scipy as well.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS reads it when it starts
    mode, before = torch.get_deterministic_debug_mode(), torch.get_num_threads()
    # Warn instead of error: some operations have no deterministic version, and runs must go on.
    torch.set_deterministic_debug_mode("warn")
    torch.set_num_threads(threads)
    try:
        # Classifiers of attacks are small, too: more threads would mostly wait for each other.
        with threadpool_limits(limits=threads, user_api="blas"):
            yield
    finally:
        # Restored, since a caller's own torch code shares this process.
        torch.set_deterministic_debug_mode(mode)
        torch.set_num_threads(before)
