"""Input rounding: layers whose inputs are rounded to int8, as integer arithmetic reads them.

Rounding is a hook in front of a layer, so that every forward pass of the module has it: in attacks,
in metrics and in an exported graph. Its gradient is that of the identity within the range, or
attacks by gradients would find a flat model and call it safe.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor, nn

from safecompress_core.errors import StorageError, TopologyError

__all__ = ["InputRange", "round_inputs"]

LOWEST, HIGHEST = -128, 127


@dataclass(frozen=True, slots=True, kw_only=True)
class InputRange:
    """Numbers that 8 bits stand for: scale · (code − zero_point), with codes from −128 to 127.

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", Eq. 1.

    Attributes:
        scale: above 0, a float32.
        zero_point: the code of 0, in [−128, 127].

    Raises:
        StorageError: if they are no such numbers.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        # NaN is not above 0.
        if not (0 < self.scale < float("inf") and LOWEST <= self.zero_point <= HIGHEST):
            raise StorageError(
                f"inputs cannot be rounded with scale {self.scale} and zero point {self.zero_point}"
            )

    def tensor(self) -> Tensor:
        """Return scale and zero point, as a model file holds them: float32, shape (2,)."""
        return torch.tensor([self.scale, float(self.zero_point)], dtype=torch.float32)

    @classmethod
    def of(cls, tensor: Tensor) -> Self:
        """Return the range that ``tensor`` was made of.

        Raises:
            StorageError: if it holds something else.
        """
        if tensor.shape != (2,):
            raise StorageError(f"the range of a layer's inputs has shape {tuple(tensor.shape)}")
        scale, zero_point = tensor.tolist()
        return cls(scale=scale, zero_point=int(zero_point))


def round_inputs(module: nn.Module, ranges: Mapping[str, InputRange]) -> None:
    """Round what layers are fed from now on; copies of the module do so as well.

    Args:
        module: the network.
        ranges: by the layer's name in the module.

    Raises:
        TopologyError: if the module has no such layer.
    """
    layers = dict(module.named_modules())
    if strangers := sorted(ranges.keys() - layers.keys()):
        raise TopologyError(f"inputs of {strangers[0]!r} are rounded, and it is no layer")
    for name, input_range in ranges.items():
        layers[name].register_forward_pre_hook(_Rounding(input_range))


class _Rounding:
    """A forward pre-hook; a class, so that it is copied with its module."""

    def __init__(self, input_range: InputRange) -> None:
        self._range = input_range

    def __call__(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Any, ...]:
        del module  # all modules are treated alike
        first, *rest = inputs
        scale, zero_point = self._range.scale, self._range.zero_point
        if not torch.is_grad_enabled():
            # Without the function of its own, which an exported graph could not hold.
            return (_round(first, scale, zero_point)[0], *rest)
        rounded, _ = _StraightThrough.apply(  # type: ignore[no-untyped-call]
            first, scale, zero_point
        )
        return (rounded, *rest)


def _round(inputs: Tensor, scale: float, zero_point: int) -> tuple[Tensor, Tensor]:
    """Return the rounded inputs, and the codes before they are clamped, both of their shape."""
    codes = (inputs / scale).round() + zero_point
    return (codes.clamp(LOWEST, HIGHEST) - zero_point) * scale, codes


class _StraightThrough(torch.autograd.Function):
    """Rounding whose gradient is 1 within the range and 0 beyond it.

    Source: Bengio, Léonard & Courville 2013, "Estimating or Propagating Gradients Through
    Stochastic Neurons for Conditional Computation", section 3.1.
    """

    # For per-sample gradients by torch.func.
    generate_vmap_rule = True

    @staticmethod
    def forward(inputs: Tensor, scale: float, zero_point: int) -> tuple[Tensor, Tensor]:
        rounded, codes = _round(inputs, scale, zero_point)
        # An output, since a context is set up from inputs and outputs alone.
        return rounded, (codes >= LOWEST) & (codes <= HIGHEST)

    @staticmethod
    def setup_context(
        ctx: Any, inputs: tuple[Tensor, float, int], output: tuple[Tensor, Tensor]
    ) -> None:
        del inputs
        _, within = output
        ctx.mark_non_differentiable(within)
        ctx.save_for_backward(within)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        (within,) = ctx.saved_tensors
        return gradient * within, None, None
