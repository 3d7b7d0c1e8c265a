"""Weights of a network that a topology may prune.

A weight may be sparse only if every layer that uses it may: one that an embedding shares with the
last layer stays dense with the embedding. Shared modules and tied weights count once. Of a layer
that is made of two, both go by the name of the one as well.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import nn

from safecompress_core.errors import TopologyError
from safecompress_core.networks.layer_shapes import factor_names_to_layer

__all__ = ["DEFAULT_RULE", "SparseRule", "sparsifiable_weights"]

LAYERS: dict[str, tuple[type[nn.Module], ...]] = {
    "linear": (nn.Linear, nn.MultiheadAttention),
    "convolution": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
    "embedding": (nn.Embedding,),
}
"""What a rule calls kinds of layers; attention keeps its projections as weights of its own."""
WEIGHTS = ("weight", "in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseRule:
    """Weights that may be sparse; biases and normalisation never are.

    Attributes:
        layers: kinds of layers: linear, convolution, embedding.
        include: shell patterns of weights' names, of which one has to fit.
        exclude: of those that stay dense all the same.
    """

    layers: tuple[str, ...] = ("linear", "convolution")
    include: tuple[str, ...] = ("*",)
    exclude: tuple[str, ...] = ()

    def fits(self, names: list[str]) -> bool:
        """Return whether the patterns let a weight be sparse; tied weights have several names."""
        return _any_fits(self.include, names) and not _any_fits(self.exclude, names)


DEFAULT_RULE = SparseRule()


def sparsifiable_weights(module: nn.Module, rule: SparseRule) -> dict[str, nn.Parameter]:
    """The weights that a rule lets be sparse, by name, in the module's own order.

    Raises:
        TopologyError: if a pattern fits no weight of these layers, or none is left; the message
            lists the weights that could be named.
    """
    kinds = tuple(kind for name in rule.layers for kind in LAYERS[name])
    uses: dict[int, list[bool]] = {}
    names: dict[int, list[str]] = {}
    before = factor_names_to_layer(module)
    # Duplicates included: a tied weight is sparse only if all of its uses allow it.
    for prefix, layer in module.named_modules(remove_duplicate=False):
        for local, parameter in layer.named_parameters(recurse=False, remove_duplicate=False):
            # By local name, since MultiheadAttention has its projections as parameters of its own.
            is_weight = isinstance(layer, kinds) and local in WEIGHTS
            uses.setdefault(id(parameter), []).append(is_weight)
            name = f"{prefix}.{local}".removeprefix(".")
            # A pattern may use the name of the layer before factorisation.
            names.setdefault(id(parameter), []).extend([name, before.get(name, name)])
    candidates = {
        # named_parameters yields each tied weight once, under its first name.
        name: parameter
        for name, parameter in module.named_parameters()
        if all(uses[id(parameter)])
    }
    aliases = {name: names[id(parameter)] for name, parameter in candidates.items()}
    for pattern in (*rule.include, *rule.exclude):
        # A pattern that matches nothing is a typing error, which would silently keep layers dense.
        if pattern != "*" and not any(_any_fits((pattern,), alias) for alias in aliases.values()):
            raise TopologyError(
                f"the pattern {pattern!r} fits no weight; there are: {', '.join(candidates)}"
            )
    weights = {
        name: parameter for name, parameter in candidates.items() if rule.fits(aliases[name])
    }
    if not weights:
        raise TopologyError("the rule leaves no weight that may be sparse")
    return weights


def _any_fits(patterns: tuple[str, ...], names: list[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
