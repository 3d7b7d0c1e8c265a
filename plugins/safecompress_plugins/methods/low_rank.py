"""Low-rank factorisation: two smaller layers instead of each trained layer."""

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    LayerShapes,
    ModelError,
    can_be_factorised,
)
from safecompress_plugins.methods.dense_then_reshaped import DenseThenReshaped, weights_of

__all__ = ["LowRank", "ranks"]

# m outputs · n inputs, of a convolution times its kernel · r rank


class LowRank(DenseThenReshaped):
    """Truncated SVD of every layer but the last, whose input stays the representation.

    ::

        W (m × n) = U·S·Vᵀ  ≈  (U_r·√S_r) · (√S_r·V_rᵀ)          r·(m + n) weights instead of m·n

    Every layer keeps the same share of its energy Σσ², as large as the budget allows, and at least
    rank 1. A layer stays unchanged if two layers would have as many weights, or if it shares its
    weights with another.

    Source: Xue, Li & Gong 2013, "Restructuring of Deep Neural Network Acoustic Models with Singular
    Value Decomposition", Interspeech. A convolution becomes fewer filters and a 1 × 1 convolution,
    as in Zhang et al. 2016, "Accelerating Very Deep Convolutional Networks for Classification and
    Detection", but by its weights instead of its responses.
    """

    phase = "factorise and fine-tune"

    def smallest(self, network: Classifier, architecture: Architecture) -> Classifier:
        """Build the network of rank 1 in every layer where that reduces weights."""
        ones = {name: 1 for name, shape in _matrices(network).items() if sum(shape) < prod(shape)}
        return architecture.build_with_shapes(LayerShapes(factorised=ones))

    def reshape(
        self, network: Classifier, architecture: Architecture, most: int
    ) -> tuple[Classifier, Mapping[str, Any]]:
        """Factorise the layers; facts are the share of energy and the ranks."""
        state, shapes = network.state(), _matrices(network)
        # float64 on the CPU: ranks must not depend on the device's SVD.
        weights = {name: state[f"{name}.weight"].cpu().double().flatten(1) for name in shapes}
        ranks_and_sizes = {
            name: torch.linalg.svd(weight, full_matrices=False) for name, weight in weights.items()
        }
        # Weights of layers that stay whole count against the budget.
        fixed = weights_of(network) - sum(map(prod, shapes.values()))
        spectra = {name: values for name, (_, values, _) in ranks_and_sizes.items()}
        energy, chosen = ranks(spectra, shapes, most=most - fixed)
        small = architecture.build_with_shapes(LayerShapes(factorised=chosen))
        parameters = small.module.state_dict()
        for name, rank in chosen.items():
            outputs, values, inputs = ranks_and_sizes[name]
            # √S on both sides balances the factors' scales, and with them their gradients in
            # fine-tuning.
            root = values[:rank].sqrt()
            expand, reduce = f"{name}.expand.weight", f"{name}.reduce.weight"
            state[expand] = (outputs[:, :rank] * root).view_as(parameters[expand])
            state[reduce] = (root[:, None] * inputs[:rank]).view_as(parameters[reduce])
            del state[f"{name}.weight"]
            if f"{name}.bias" in state:
                # The bias belongs to the output, and so to the second layer.
                state[f"{name}.expand.bias"] = state.pop(f"{name}.bias")
        small.module.load_state_dict(state)
        return small, {"energy": energy, "ranks": chosen}


def ranks(
    spectra: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, int]], *, most: int
) -> tuple[float, dict[str, int]]:
    """Find the largest share of energy for all layers within a budget, and their ranks.

    Args:
        spectra: each layer's singular values, the largest first.
        shapes: m and n of each layer.
        most: total weights.

    Returns:
        The share, in (0, 1]; and the rank of each layer with fewer weights as two.
    """
    energy_shares = {name: _shares(values) for name, values in spectra.items()}

    def at(share: float) -> dict[str, int]:
        # The smallest rank that reaches the share.
        return {name: int((shares < share).sum()) + 1 for name, shares in energy_shares.items()}

    def weights(wanted: Mapping[str, int]) -> int:
        return sum(
            # A layer that would not shrink stays whole, so it costs no more than that.
            min(rank * sum(shapes[name]), prod(shapes[name]))
            for name, rank in wanted.items()
        )

    shares = (
        torch.cat(list(energy_shares.values())).unique().tolist()
    )  # ascending; ranks change only here
    low, high = 0, len(shares)  # the first fits: check has built the smallest network
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if weights(at(shares[middle])) <= most else (low, middle)
    chosen = at(shares[low])
    return shares[low], {
        name: rank for name, rank in chosen.items() if rank * sum(shapes[name]) < prod(shapes[name])
    }


def _shares(values: Tensor) -> Tensor:
    """Return the share of a layer's energy at each rank; 1 everywhere for a layer of zeros."""
    energy = values.square().cumsum(0)
    return energy / energy[-1] if energy[-1] > 0 else torch.ones_like(energy)


def _matrices(network: Classifier) -> dict[str, tuple[int, int]]:
    """Return the factorisable layers by name, with m and n."""
    modules = network.module.named_modules(remove_duplicate=False)
    # A shared weight must stay one tensor, in both of its layers.
    uses = Counter(
        id(parameter) for _, layer in modules for parameter in layer.parameters(recurse=False)
    )
    weights = network.sparse_parameters()
    matrices = {
        name.removesuffix(".weight"): (len(weight), weight[0].numel())
        for name, weight in weights.items()
        for layer in [network.module.get_submodule(name.rpartition(".")[0])]
        if can_be_factorised(layer) and layer is not network.head and uses[id(weight)] == 1
    }
    if not matrices:
        raise ModelError(
            "low-rank needs a factorisable layer other than the last; this model has none",
            hint="use 'prune', or a model of linear layers or convolutions",
        )
    return matrices
