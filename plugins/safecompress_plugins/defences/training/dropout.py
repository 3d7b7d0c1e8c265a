"""Dropout of hidden values, whatever the model is made of."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd

from safecompress_core.toolkit import Classifier, Defence, Flaw, Surroundings
from safecompress_plugins.defences.training.manifest import DropoutParams

__all__ = ["Dropout"]


class Dropout(Defence):
    """Sets each value that a linear layer is given to 0 with probability p, and scales the others.

    The model's first layer is spared: it is given the sample itself. The layers get the dropout by
    hooks, for training steps alone; dropout that the model has of its own comes on top. What ships
    has none of it.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15, section 4; against attacks on membership Salem et al. 2019, "ML-Leaks",
    NDSS.
    """

    is_per_sample = True

    def __init__(self, params: DropoutParams) -> None:
        super().__init__()
        self._rate = params.rate

    def flaws(self, around: Surroundings) -> Iterable[Flaw]:
        """A model needs a hidden layer."""
        if not _hidden_linear(around.network.module):
            message = "the model has no linear layer that is given hidden values"
            yield Flaw(field="type", message=message, mend="take another model or defence")

    @contextmanager
    def inside(self, network: Classifier) -> Iterator[None]:
        """Drop what the linear layers are given."""
        with ExitStack() as hooks:
            for layer in _hidden_linear(network.module):
                hooks.callback(layer.register_forward_pre_hook(self._drop).remove)
            yield

    def _drop(self, _: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """Drawn from the global state, which the trainer lends, as any dropout is."""
        values: Tensor = given[0]
        return (F.dropout(values, self._rate), *given[1:])


def _hidden_linear(module: nn.Module) -> list[nn.Linear]:
    """All linear layers but the first of all layers with weights."""
    layers = [
        layer for layer in module.modules() if isinstance(layer, nn.Linear | _ConvNd | nn.Embedding)
    ]
    return [layer for layer in layers[1:] if isinstance(layer, nn.Linear)]
