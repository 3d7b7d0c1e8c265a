"""Topology of a network: the weights that are active.

Masks, not zeros, define a topology: an active weight whose value happens to be 0 stays active. They
are kept as bool tensors on the CPU, where the same numbers choose the same weights whatever device
trains.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from safecompress_core.errors import TopologyError

__all__ = ["Masks", "Topology"]

Masks = Mapping[str, Tensor]
"""Bool tensors by parameter name, True where a weight is meant."""


class Topology:
    """Immutable masks of all sparse layers; every layer has at least one active weight."""

    __slots__ = ("_masks",)

    def __init__(self, masks: Masks) -> None:
        # Copied, so that a topology cannot change through its caller's tensors.
        self._masks = {name: _check_mask(name, mask) for name, mask in masks.items()}
        if not self._masks:
            raise TopologyError("a topology needs at least one layer")

    @classmethod
    def from_masks(cls, masks: Masks) -> "Topology":
        """A topology from bool masks, or from numbers that are all 0 or 1; they are copied.

        Raises:
            TopologyError: if there is no layer, a layer has no active weight, or a number is
                neither 0 nor 1.
        """
        return cls(masks)

    @classmethod
    def dense(cls, shapes: Mapping[str, Sequence[int]]) -> "Topology":
        """The topology in which every weight exists."""
        return cls({name: torch.ones(*shape, dtype=torch.bool) for name, shape in shapes.items()})

    @property
    def masks(self) -> Masks:
        """True where a weight is active, by layer; on the CPU, not to be written to."""
        # A read-only view: topologies are shared between candidates.
        return MappingProxyType(self._masks)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each layer's weight."""
        return {name: tuple(mask.shape) for name, mask in self._masks.items()}

    def active(self) -> dict[str, int]:
        """Return the number of active weights of each layer."""
        return {name: int(mask.count_nonzero()) for name, mask in self._masks.items()}

    @property
    def total_active(self) -> int:
        """Return the number of active weights over all layers."""
        return sum(self.active().values())

    @property
    def total(self) -> int:
        """Return the number of weights of the dense layers."""
        return sum(mask.numel() for mask in self._masks.values())

    @property
    def density(self) -> float:
        """Fraction of weights kept over all layers, in (0, 1]."""
        return self.total_active / self.total

    def replaceable(self) -> dict[str, int]:
        """Return the number of weights that each layer may exchange in one update.

        Each needs an inactive position to grow at (so a dense layer is left alone), and one weight
        always stays.
        """
        return {
            # One weight must stay, and each grown weight needs an inactive position.
            name: min(self._masks[name].numel() - active, active - 1)
            for name, active in self.active().items()
        }

    def digest(self) -> str:
        """SHA-256 over names, shapes and packed bits, whatever the order of the layers."""
        sha = hashlib.sha256()
        # By name, since a file may order layers in another way.
        for name in sorted(self._masks):
            mask = self._masks[name]
            # JSON delimits name and shape; plain concatenation would be ambiguous.
            sha.update(json.dumps([name, list(mask.shape)]).encode())
            # Packed: a digest of bits does not depend on how bool is stored.
            sha.update(np.packbits(mask.flatten().numpy()).tobytes())
        return sha.hexdigest()

    def replace(self, dropped: Masks, grown: Masks) -> "Topology":
        """The topology without ``dropped`` and with ``grown``; layers not named stay as they are.

        Raises:
            TopologyError: if a dropped weight was not active, a grown one was, the total would
                change, a layer would be emptied, or a mask fits no layer.
        """
        dropped, grown = self.complete(dropped), self.complete(grown)
        for name, active in self._masks.items():
            if wrong := int((dropped[name] & ~active).count_nonzero()):
                raise TopologyError(f"{name}: {wrong} of the dropped weights are not active")
            if wrong := int((grown[name] & active).count_nonzero()):
                raise TopologyError(f"{name}: {wrong} of the grown weights are active already")
        # Summed over layers: density is a property of the network, not of a layer.
        lost, gained = _count(dropped.values()), _count(grown.values())
        if lost != gained:
            raise TopologyError(f"{lost} weights were dropped but {gained} grown")
        return Topology(
            {name: active & ~dropped[name] | grown[name] for name, active in self._masks.items()}
        )

    def unite(self, other: "Topology") -> "Topology":
        """The topology with every weight that is active in either; both are of the same layers.

        Raises:
            TopologyError: if they are not.
        """
        # Completed both ways: each checks that the other has no unknown layer.
        others = other.complete(self._masks) and self.complete(other.masks)
        return Topology({name: mask | others[name] for name, mask in self._masks.items()})

    def complete(self, masks: Masks) -> dict[str, Tensor]:
        """Bool masks for all layers of this topology, on the CPU; layers not named are False.

        Raises:
            TopologyError: if a mask has another shape, is not bool, or fits no layer.
        """
        unknown = [name for name in masks if name not in self._masks]
        if unknown:
            raise TopologyError(f"{unknown[0]}: no layer has this name")
        complete = {}
        for name, layer_mask in self._masks.items():
            # Compared on the CPU, where the topology's own masks are.
            mask = masks[name].detach().cpu() if name in masks else torch.zeros_like(layer_mask)
            if mask.dtype is not torch.bool:
                raise TopologyError(f"{name}: the mask is {mask.dtype}, not torch.bool")
            if mask.shape != layer_mask.shape:
                raise TopologyError(_mismatch(name, "the mask", mask, layer_mask))
            complete[name] = mask
        return complete

    def require_match(self, tensors: Mapping[str, Tensor], *, what: str) -> None:
        """Check that there is a tensor of the right shape for each layer.

        Raises:
            TopologyError: if one is missing or has another shape; ``what`` says what they are.
        """
        for name, mask in self._masks.items():
            if name not in tensors:
                raise TopologyError(f"{name}: the {what} lack this layer")
            if tensors[name].shape != mask.shape:
                raise TopologyError(_mismatch(name, f"the {what}", tensors[name], mask))

    def floats_like(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """1.0 where active and 0.0 elsewhere, each with device, dtype and layout of its tensor.

        Raises:
            TopologyError: if a tensor is missing or has another shape.
        """
        self.require_match(tensors, what="tensors")
        return {
            # zeros_like keeps the memory layout, e.g. channels last.
            name: torch.zeros_like(tensors[name]).copy_(mask)
            for name, mask in self._masks.items()
        }

    def __eq__(self, other: object) -> bool:
        # Lets the other operand's class decide.
        if not isinstance(other, Topology):
            return NotImplemented
        return self.masks.keys() == other.masks.keys() and all(
            torch.equal(mask, other.masks[name]) for name, mask in self.masks.items()
        )

    def __hash__(self) -> int:
        # Consistent with equality, which ignores the order of layers as well.
        return hash(self.digest())

    def __repr__(self) -> str:
        return f"<Topology: {self.total_active} of {self.total} weights, {self.digest()[:12]}>"


def _check_mask(name: str, mask: Tensor) -> Tensor:
    """An own copy of a mask, after checking that it is one."""
    # Floats are accepted only if exact: 0.999 is a weight, not a mask.
    if mask.dtype is not torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
        raise TopologyError(f"{name}: a mask holds nothing but 0 and 1")
    # Copied even from the CPU, and contiguous for packing bits.
    copied = mask.detach().to("cpu", torch.bool, copy=True).contiguous()
    if not bool(copied.count_nonzero()):
        raise TopologyError(
            f"{name}: the layer has no active weight ({math.prod(copied.shape)} in all)"
        )
    return copied


def _mismatch(name: str, what: str, tensor: Tensor, layer_mask: Tensor) -> str:
    return (
        f"{name}: {what} have shape {tuple(tensor.shape)}, the layer has {tuple(layer_mask.shape)}"
    )


def _count(masks: Iterable[Tensor]) -> int:
    return sum(int(mask.count_nonzero()) for mask in masks)
