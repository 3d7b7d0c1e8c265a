"""Keeps a network sparse while any optimizer trains it.

Parameters stay plain dense tensors, so that every model, optimizer and backward pass works as it
is. A hook before each optimizer step multiplies the gradients by float masks, all layers in one
call: a weight without gradient and moments stays 0 under weight decay, too, so that neither weights
nor moments need a mask of their own in a step. The network owns the topology
(`safecompress_core.networks.classifier`); a binding has nothing but these float masks.
"""

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.update import TopologyUpdate

__all__ = ["SparseBinding"]


class SparseBinding:
    """Binds a topology to an optimizer: what is not active is zero, and stays so in every step.

    The masks are applied to weights and moments when the binding is made, when the optimizer loads
    a state, and at `apply`; call it after a weight was loaded from elsewhere. They are applied to
    gradients before every step, so a step must not compute its gradients by a closure. An optimizer
    that treats each weight by itself leaves one of 0 alone whose gradient and moments are 0.

    ``copy.deepcopy`` of an optimizer loses its hooks. A binding that is copied together with its
    optimizer and parameters is bound to the copies; after copying those without it, make a new one.

    Raises:
        TopologyError: if parameters and topology do not fit, or another binding holds the
            optimizer (its masks would silently be applied too).
    """

    def __init__(
        self, optimizer: Optimizer, parameters: Mapping[str, nn.Parameter], topology: Topology
    ) -> None:
        topology.require_match(parameters, what="parameters")
        # torch shows an optimizer's hooks nowhere else.
        hooks = optimizer._optimizer_step_pre_hooks.values()  # noqa: SLF001
        # Two bindings on one optimizer would apply each other's masks.
        if any(isinstance(getattr(hook, "__self__", None), SparseBinding) for hook in hooks):
            raise TopologyError("the optimizer is bound already; release the other binding first")
        self._optimizer = optimizer
        self._parameters = {name: parameters[name] for name in topology.masks}
        self._handles = (
            optimizer.register_step_pre_hook(self._before_step),
            # Moments of a dense training would move inactive weights.
            optimizer.register_load_state_dict_post_hook(lambda _: self.apply()),
        )
        self._take(topology)
        # At once, since the weights may come from a dense model.
        self.apply()

    def apply(self) -> None:
        """Zero everything that is not active, in weights and in the optimizer's moments."""
        self._multiply(self._factors)

    def set_topology(self, before: Topology, update: TopologyUpdate) -> None:
        """Train on with another topology.

        Dropped weights become 0, grown ones start at 0, and the moments of both are 0: they belong
        to a weight that no longer, or not yet, exists.

        Args:
            before: the topology that is applied, which the network owns.
            update: leads to the other one.

        Raises:
            TopologyError: if the update does not start from there.
        """
        # An update of another topology would revive pruned weights.
        if before.replace(update.dropped, update.grown) != update.topology:
            raise TopologyError("the update starts from another topology than the one applied")
        dropped = before.complete(update.dropped)
        # Grown weights are not among these either: they start at 0, with moments of 0.
        masks = [mask & ~dropped[name] for name, mask in before.masks.items()]
        self._take(update.topology)
        factors = zip(masks, self._factors, strict=True)
        # Each factor has dtype and layout of its weight, as one fused multiplication requires.
        self._multiply([torch.empty_like(factor).copy_(mask) for mask, factor in factors])

    def release(self) -> None:
        """Stop masking; the optimizer is free for another binding."""
        for handle in self._handles:
            handle.remove()

    def _take(self, topology: Topology) -> None:
        self._factors = list(topology.floats_like(self._parameters).values())

    def _before_step(self, *_: Any) -> None:
        parameters = zip(self._parameters.values(), self._factors, strict=True)
        # A layer that took no part in the loss has no gradient.
        pairs = [(w.grad, factor) for w, factor in parameters if w.grad is not None]
        if pairs:
            torch._foreach_mul_(*zip(*pairs, strict=True))

    @torch.no_grad()
    def _multiply(self, factors: list[Tensor]) -> None:
        """Multiply each weight, and each of its moments, by the layer's factor."""
        tensors: list[Tensor] = []
        aligned: list[Tensor] = []
        for parameter, factor in zip(self._parameters.values(), factors, strict=True):
            # Moments have the parameter's shape; a step counter has not.
            # Before the first step an optimizer has no state.
            state = self._optimizer.state.get(parameter, {}).values()
            moments = [
                value
                for value in state
                if isinstance(value, Tensor) and value.shape == factor.shape
            ]
            # `.data`: masking is no part of any graph, and must not invalidate one.
            tensors += [parameter.data, *moments]
            aligned += [factor] * (1 + len(moments))
        torch._foreach_mul_(tensors, aligned)

    # A default copy's hook would still belong to the original.
    def __deepcopy__(self, memo: dict[int, Any]) -> "SparseBinding":
        twin = SparseBinding(
            copy.deepcopy(self._optimizer, memo),
            {name: copy.deepcopy(value, memo) for name, value in self._parameters.items()},
            Topology.from_masks(dict(zip(self._parameters, self._factors, strict=True))),
        )
        # Before any other part refers to this binding, which would copy it again.
        memo[id(self)] = twin
        return twin
