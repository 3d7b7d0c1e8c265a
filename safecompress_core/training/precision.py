"""Training precision, memory layout and compilation.

- ``float32`` is plain arithmetic. In ``bfloat16`` and ``float16`` the network's layers run under
  autocast, while weights, moments, losses, defences and the gradients that topologies grow by stay
  float32; ``float16`` scales the loss, so that small gradients do not vanish (Micikevicius et al.
  2018, "Mixed Precision Training", ICLR).
- A model is always observed, attacked and measured in float32: that is what ships.
- ``auto`` takes what measured fastest (``benchmarks/training.py``): bfloat16, and channels last for
  images, where weights are used many times a sample (convolutions, tokens) and the device
  multiplies bfloat16 in hardware; float32 for everything else.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from safecompress_core.specfile.models.run_spec import Training

__all__ = ["PLAIN", "Precision", "choose_precision", "has_fast_bfloat16"]

AMPERE = 8  # the first generation of NVIDIA's that multiplies bfloat16


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """Precision, layout and compilation on this device, for this network.

    Attributes:
        dtype: of the network's layers in training: float32, bfloat16 or float16.
        channels_last: whether four-dimensional weights lie in memory pixel by pixel.
        compile: whether torch compiles the network for training.
    """

    dtype: torch.dtype = torch.float32
    channels_last: bool = False
    compile: bool = False

    def autocast(self, device: torch.device) -> AbstractContextManager[Any]:
        """Return the context of a training step's forward pass."""
        # autocast supports half precisions only.
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(device.type, dtype=self.dtype)

    def scaler(self, device: torch.device) -> torch.amp.GradScaler | None:
        """Return the loss scaler that float16 gradients need, or None."""
        # bfloat16 has float32's range, so only float16 needs a scaled loss.
        return torch.amp.GradScaler(device.type) if self.dtype is torch.float16 else None

    def apply_memory_format(self, network: nn.Module) -> None:
        """Lay four-dimensional weights out as asked; their values stay as they are."""
        if self.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def to_json(self) -> dict[str, Any]:
        """Plain values, for the record of what a run ran on."""
        return {
            "precision": str(self.dtype).removeprefix("torch."),
            "channels_last": self.channels_last,
            "compile": self.compile,
        }


PLAIN = Precision()


def choose_precision(
    training: Training, network: nn.Module, sample: Tensor, device: torch.device
) -> Precision:
    """Resolve ``auto`` and the other values of a spec for this device.

    Args:
        training: the spec's section.
        network: what will be trained.
        sample: an input of it, shape (1, ...).
        device: where it will be trained.
    """
    is_fast = reuses_weights(network) and has_fast_bfloat16(device)
    precision = training.precision
    if precision == "auto":
        # 'auto' is resolved once per run, and the result is recorded.
        precision = "bfloat16" if is_fast else "float32"
    channels_last = training.channels_last
    if channels_last == "auto":
        # Only images have the four dimensions that channels_last reorders.
        channels_last = is_fast and sample.ndim == 4
    return Precision(
        dtype=getattr(torch, precision),
        channels_last=channels_last,
        compile=training.compile,
    )


def reuses_weights(network: nn.Module) -> bool:
    """Return whether a weight is applied to many pixels or tokens of a sample."""
    # Other networks were not faster in bfloat16 (benchmarks/training.py).
    return any(isinstance(layer, _ConvNd | nn.Embedding) for layer in network.modules())


def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether the device multiplies bfloat16 in hardware.

    AMX and AVX512-BF16 of processors, NVIDIA from Ampere on.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device)[0] >= AMPERE
    if device.type != "cpu":
        return False
    # torch 2.6 has no public name for them yet.
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()  # noqa: SLF001
