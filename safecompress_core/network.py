"""A classifier as SafeCompress sees it: logits, the representation before them, sparse weights."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from safecompress_core.dataset import Dataset
from safecompress_core.errors import TopologyError

__all__ = ["Classifier", "ModelFactory"]

SPARSE_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class Classifier(nn.Module):
    """Wraps any module whose last linear layer yields the logits.

    The *representation* is that layer's input, shape (N, H); it is what a split model would send
    over a wire, and what attribute probes read.

    Attributes:
        module: what was wrapped.
        masks: which weights exist, bool, by the names of `sparse_parameters`; empty for a dense
            network. Whoever gives the network another topology sets it, and copies have it too.

    Raises:
        TopologyError: if the module has no linear layer.
    """

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        heads = [layer for layer in module.modules() if isinstance(layer, nn.Linear)]
        if not heads:
            raise TopologyError("the model has no linear layer, so it has no representation")
        self.module = module
        self.masks: Mapping[str, Tensor] = {}
        self._head = [heads[-1]]  # in a list: registered once, as a part of the module

    @property
    def head(self) -> nn.Linear:
        """The layer that yields the logits."""
        return self._head[0]

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, shape (N, C)."""
        return self.module(inputs)  # type: ignore[no-any-return]

    def represent(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N, C) and representation (N, H) of one forward pass."""
        seen: list[Tensor] = []
        handle = self.head.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        try:
            logits = self(inputs)
        finally:
            handle.remove()
        return logits, seen[-1]

    def sparse_parameters(self) -> dict[str, nn.Parameter]:
        """The weights that a topology may thin out: of linear and convolution layers, by name."""
        thin = {
            f"{name}.weight".removeprefix(".")
            for name, layer in self.module.named_modules()
            if isinstance(layer, SPARSE_LAYERS)
        }
        return {name: weight for name, weight in self.module.named_parameters() if name in thin}

    def state(self) -> dict[str, Tensor]:
        """The module's parameters and buffers, detached, by the names of `sparse_parameters`."""
        return {name: tensor.detach() for name, tensor in self.module.state_dict().items()}


class ModelFactory(ABC):
    """What a :class:`~safecompress_core.api.ModelDef` points to; built from its parameters."""

    def prepare(self, dataset: Dataset) -> Dataset:
        """The samples as the model takes them; a model that reads text makes tokens of it."""
        return dataset

    @abstractmethod
    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """A fresh network from samples of ``input_shape`` to ``classes`` logits.

        All weights are drawn from ``generator``.
        """
