"""Dropout of hidden values, for models of any architecture."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.conv import _ConvNd

from safecompress_core.toolkit import Classifier, Defence, DefenceContext, Problem
from safecompress_plugins.defences.training.manifest import DropoutParams

__all__ = ["Dropout"]


class Dropout(Defence):
    """Sets each input of hidden linear layers to 0 with probability p, and scales the others.

    The first layer is excluded, since its input is the sample. Dropout is a hook during training
    steps alone, in addition to any dropout of the model itself; the stored model has none of it.

    Source: Srivastava et al. 2014, "Dropout: A Simple Way to Prevent Neural Networks from
    Overfitting", JMLR 15, section 4; against attacks on membership Salem et al. 2019, "ML-Leaks",
    NDSS.
    """

    is_per_sample = True
    needs_whole_batch = ""

    def __init__(self, params: DropoutParams) -> None:
        super().__init__()
        self._rate = params.rate

    def check(self, context: DefenceContext) -> Iterable[Problem]:
        """Report a model without hidden linear layers."""
        if not _find_hidden_linear(context.network.module):
            message = "dropout needs a linear layer with hidden inputs; this model has none"
            yield Problem(path=("type",), message=message, hint="use another model or defence")

    @contextmanager
    def inside(self, network: Classifier) -> Iterator[None]:
        """Drop inputs of the linear layers."""
        with ExitStack() as hooks:
            for layer in _find_hidden_linear(network.module):
                # Hooks rather than modules: the architecture, and with it the stored model, stays
                # unchanged.
                hooks.callback(layer.register_forward_pre_hook(self._drop).remove)
            yield

    def _drop(self, _: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """Apply dropout from the global state, seeded by the trainer as for any dropout."""
        values: Tensor = given[0]
        return (F.dropout(values, self._rate), *given[1:])


def _find_hidden_linear(module: nn.Module) -> list[nn.Linear]:
    """List all linear layers except the first of all layers with weights."""
    layers = [
        layer for layer in module.modules() if isinstance(layer, nn.Linear | _ConvNd | nn.Embedding)
    ]
    return [layer for layer in layers[1:] if isinstance(layer, nn.Linear)]
