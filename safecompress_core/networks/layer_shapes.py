"""Layer shapes that differ from those of the architecture.

Three decisions:

- The vocabulary is small, and all of it is data: a layer is made of two of low rank, or has other
  numbers of inputs and outputs. So a model file can state its shapes, and a loader builds the
  architecture, reshapes it, and fills in the weights; nothing is unpickled.
- A method finds the shapes in any way, and states them in these terms.
- Reshaped layers hold zeros until weights are loaded: no chance is spent on what is overwritten.
"""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils import skip_init

from safecompress_core.errors import ModelError

__all__ = [
    "ARCHITECTURE_SHAPES",
    "FactorizedLayer",
    "LayerShapes",
    "can_be_factorised",
    "can_be_resized",
    "factor_names_to_layer",
    "require_resizable",
]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
RESIZABLE = "take a model of linear layers, convolutions and batch normalisation, each used once"


class FactorizedLayer(nn.Sequential):
    """Two layers instead of one: ``reduce`` to fewer values, ``expand`` to the outputs.

    The weights W (m × n) of the one become ``expand`` (m × rank) times ``reduce`` (rank × n). Of a
    convolution n is input channels times kernel: ``reduce`` has its kernel, stride and padding, and
    ``expand`` is 1 × 1. The bias is that of ``expand``.

    Args:
        layer: what they take the place of; see `can_be_factorised`.
        rank: from 1.
    """

    def __init__(self, layer: nn.Module, rank: int) -> None:
        place = {"device": layer.weight.device, "dtype": layer.weight.dtype}
        has_bias = layer.bias is not None
        if isinstance(layer, nn.Linear):
            kind: type[nn.Module] = nn.Linear
            first: tuple[Any, ...] = (layer.in_features, rank)
            last: tuple[Any, ...] = (rank, layer.out_features)
            window: dict[str, Any] = {}
        else:
            kind = type(layer)
            # The spatial window stays in the first convolution; the second is 1 × 1.
            first = (layer.in_channels, rank, layer.kernel_size)
            last = (rank, layer.out_channels, 1)
            names = ("stride", "padding", "dilation", "padding_mode")
            window = {name: getattr(layer, name) for name in names}
        # No bias in between: the product of two linear maps has the single layer's bias.
        reduce = skip_init(kind, *first, bias=False, **window, **place)
        # skip_init: random values would cost time and random numbers, and are overwritten.
        expand = skip_init(kind, *last, bias=has_bias, **place)
        super().__init__(OrderedDict(reduce=reduce, expand=expand))
        # Zeros, since skipped initialisation leaves uninitialised memory.
        for parameter in self.parameters():
            nn.init.zeros_(parameter)
        self.train(layer.training)


def can_be_factorised(layer: nn.Module) -> bool:
    """Return whether a layer is linear or an ungrouped convolution.

    What derives from one of these is not: others may reach for its weights.
    """
    # type() rather than isinstance: a subclass may read its weight in forward.
    is_plain = type(layer) in (nn.Linear, *CONVOLUTIONS)
    return is_plain and getattr(layer, "groups", 1) == 1


def can_be_resized(layer: nn.Module) -> bool:
    """Return whether a layer's inputs and outputs can be resized; normalisations as well."""
    return can_be_factorised(layer) or isinstance(layer, _BatchNorm)


def require_resizable(module: nn.Module) -> None:
    """Check that every layer with weights can be resized, and has weights of its own.

    Raises:
        ModelError: if one cannot, or shares its weights with another.
    """
    uses: Counter[int] = Counter()
    for name, layer in module.named_modules(remove_duplicate=False):
        parameters = list(layer.parameters(recurse=False))
        uses.update(map(id, parameters))
        if parameters and not can_be_resized(layer):
            message = f"channels of {name!r} ({type(layer).__name__}) cannot be removed"
            raise ModelError(message, hint=RESIZABLE)
        if any(uses[id(parameter)] > 1 for parameter in parameters):
            raise ModelError(f"{name!r} shares its weights with another layer", hint=RESIZABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerShapes:
    """Layers that differ in shape from their architecture; none by default.

    Attributes:
        widths: inputs and outputs by the name of the layer, for those whose weights have others; of
            batch normalisation both are its channels. They are set before layers are factorised.
        factorised: the rank by the name of the layer, for those that `FactorizedLayer` takes the
            place of.
    """

    widths: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    factorised: Mapping[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether any layer differs in shape."""
        return bool(self.widths or self.factorised)

    def to_json(self) -> dict[str, Any]:
        """As a model file says it; empty where nothing has another shape."""
        document = {
            "widths": {name: list(sizes) for name, sizes in self.widths.items()},
            "factorised": dict(self.factorised),
        }
        # Empty parts are left out, so that an unchanged network has an empty record.
        return {key: value for key, value in document.items() if value}

    @classmethod
    def from_json(cls, written: Any) -> Self:
        """Read the output of `to_json`.

        Raises:
            ModelError: if it is none.
        """
        try:
            # A copy, from which known parts are removed; what is left is unknown.
            parts = dict(written)
            widths = {name: _sizes(sizes, 2) for name, sizes in parts.pop("widths", {}).items()}
            ranks = {name: _sizes([rank], 1) for name, rank in parts.pop("factorised", {}).items()}
        # Records come from files: any malformed one is the same kind of error.
        except (AttributeError, TypeError, ValueError) as error:
            raise _shape_error(f"this is no reshaping: {error}") from error
        if parts:
            raise _shape_error(f"a reshaping has no part {', '.join(parts)}")
        return cls(
            widths={name: (inputs, outputs) for name, (inputs, outputs) in widths.items()},
            factorised={name: rank for name, (rank,) in ranks.items()},
        )

    @classmethod
    def between(cls, before: nn.Module, after: nn.Module) -> Self:
        """Return the widths that layers of one network have and those of another have not.

        Args:
            before: the network.
            after: with layers of the same names, some of other widths.
        """
        layers = dict(before.named_modules())
        return cls(
            widths={
                name: _widths(layer)
                for name, layer in after.named_modules()
                if can_be_resized(layer) and _widths(layer) != _widths(layers[name])
            }
        )

    def apply(self, module: nn.Module) -> None:
        """Reshape a network in place; the weights of what changes are 0.

        Raises:
            ModelError: if the network has no such layer, or it cannot have such a shape.
        """
        # Widths first: ranks are limited by the new width.
        for name, (inputs, outputs) in self.widths.items():
            layer = _layer(module, name)
            if not can_be_resized(layer):
                raise _shape_error(f"{name} ({type(layer).__name__}) cannot have another width")
            _resize(layer, name, inputs, outputs)
        for name, rank in self.factorised.items():
            layer = _layer(module, name)
            if not can_be_factorised(layer):
                raise _shape_error(f"{name} ({type(layer).__name__}) cannot be made of two layers")
            # A rank above the smaller dimension adds parameters and no expressiveness.
            if rank > min(layer.get_parameter("weight").flatten(1).shape):
                raise _shape_error(f"{name} has no rank of {rank}")
            # Replaced in its parent, since a module cannot replace itself.
            parent, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(parent), leaf, FactorizedLayer(layer, rank))


ARCHITECTURE_SHAPES = LayerShapes()


def factor_names_to_layer(module: nn.Module) -> dict[str, str]:
    """Map the parameter names of factorised layers to those of the single layer.

    A user who names a layer's weight means what is in its place.
    """
    return {
        f"{name}.{part}.{local}": f"{name}.{local}"
        for name, layer in module.named_modules()
        if isinstance(layer, FactorizedLayer)
        for part, half in layer.named_children()
        for local, _ in half.named_parameters(recurse=False)
    }


def _sizes(written: Any, count: int) -> tuple[int, ...]:
    sizes = tuple(written)
    # type() is int: True is an int by isinstance.
    if len(sizes) != count or any(type(size) is not int or size < 1 for size in sizes):
        raise ValueError(f"{written!r} is not {count} times a number from 1")
    return sizes


def _widths(layer: nn.Module) -> tuple[int, int]:
    """Return inputs and outputs of a layer that can be resized."""
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    if isinstance(layer, CONVOLUTIONS):
        return layer.in_channels, layer.out_channels
    channels = cast(_BatchNorm, layer).num_features
    return channels, channels


def _layer(module: nn.Module, name: str) -> nn.Module:
    try:
        return module.get_submodule(name)
    except AttributeError:
        # The cause repeats the name and adds nothing.
        raise _shape_error(f"the architecture has no layer {name!r}") from None


def _resize(layer: nn.Module, name: str, inputs: int, outputs: int) -> None:
    """Give a layer zeros of other shapes: (outputs, inputs, ...) for weights, (outputs,) else."""
    sizes = {"in_features": inputs, "out_features": outputs}
    if isinstance(layer, CONVOLUTIONS):
        sizes = {"in_channels": inputs, "out_channels": outputs}
    elif isinstance(layer, _BatchNorm):
        sizes = {"num_features": outputs}
    # Only smaller sizes: there are no weights to fill larger ones.
    for attribute, size in sizes.items():
        if size > getattr(layer, attribute):
            raise _shape_error(f"{name} has {getattr(layer, attribute)} {attribute}, and no {size}")
        setattr(layer, attribute, size)
    for local, tensor in (*layer.named_parameters(recurse=False), *layer.named_buffers()):
        # Scalars, such as batch norm's counter, have no size to change.
        if tensor.ndim:
            # Batch norm has vectors of its outputs; its inputs are the same channels.
            shape = (outputs, inputs, *tensor.shape[2:]) if tensor.ndim > 1 else (outputs,)
            zeros = tensor.detach().new_zeros(shape)
            is_parameter = isinstance(tensor, nn.Parameter)
            setattr(layer, local, nn.Parameter(zeros) if is_parameter else zeros)


def _shape_error(message: str) -> ModelError:
    return ModelError(message, hint="use the file's own architecture as task.model")
