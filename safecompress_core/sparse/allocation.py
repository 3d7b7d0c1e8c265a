"""Allocation of weights to layers, in whole numbers that add up exactly.

Every rule gives a layer a *share*, an integer to which its count is proportional until the layer is
full. Quotas are divided with integers and rounded by the largest remainder, so the total is exact
and no floating-point error or Bernoulli draw can miss it.
"""

import math
from collections.abc import Mapping, Sequence

from safecompress_core.errors import TopologyError

__all__ = ["apportion", "apportion_at_least_one", "erdos_renyi", "uniform"]

Shapes = Mapping[str, Sequence[int]]


def erdos_renyi(shapes: Shapes, density: float, *, kernel: bool) -> dict[str, int]:
    """Active weights of each layer in an Erdős–Rényi topology.

    A layer's density is ε·(n_in + n_out) / (n_in·n_out), at most 1, with ε such that the total is
    right: what a full layer cannot take goes to the others. With ``kernel`` the kernel's dimensions
    join sum and product (ERK); for linear layers both are the same.

    Args:
        shapes: of each weight, (n_out, n_in, *kernel).
        density: fraction of all weights kept, in (0, 1].
        kernel: whether kernel dimensions count.

    Returns:
        Counts that sum to exactly ``round(density * total)``, in the order of ``shapes``.

    Raises:
        TopologyError: if a layer would be empty; says which, and the smallest density that works.

    Source: Mocanu et al. 2018, "Scalable training of artificial neural networks with adaptive
    sparse connectivity", Eq. 1; Evci et al. 2020, "Rigging the Lottery", section 3.
    """
    # density · size is the share: (n_in + n_out) / (n_in · n_out) · (n_in · n_out · kernel).
    if kernel:
        shares = {name: sum(shape) for name, shape in shapes.items()}
    else:
        shares = {name: sum(shape[:2]) * math.prod(shape[2:]) for name, shape in shapes.items()}
    return _allocate(shapes, shares, density)


def uniform(shapes: Shapes, density: float) -> dict[str, int]:
    """Active weights of each layer when all layers have the same density, as nearly as may be.

    Arguments, result and errors are those of `erdos_renyi`.
    """
    return _allocate(shapes, {name: math.prod(shape) for name, shape in shapes.items()}, density)


def _allocate(shapes: Shapes, shares: Mapping[str, int], density: float) -> dict[str, int]:
    if not 0 < density <= 1:
        raise TopologyError(f"density is a fraction in (0, 1], not {density}")
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    # Rounded once, for the total, so that layers cannot accumulate rounding errors.
    counts = apportion(sizes, shares, round(density * sum(sizes.values())))
    # An empty layer passes no signal, so the network could not be trained.
    empty = [name for name, count in counts.items() if count == 0]
    if empty:
        raise TopologyError(
            f"density {density} leaves {', '.join(empty)} without a single weight; "
            f"the smallest density that leaves no layer empty is {_least_density(sizes, shares)}"
        )
    return counts


def apportion(sizes: Mapping[str, int], shares: Mapping[str, int], total: int) -> dict[str, int]:
    """Split ``total`` by ``shares``, no layer above its size, by the largest remainder.

    Args:
        sizes: the most that each layer takes; they add up to ``total`` at least.
        shares: whole numbers of at least 1 to which counts are proportional, within the
            size of each layer.
        total: at least 0.

    Returns:
        Counts that sum to exactly ``total``, in the order of ``sizes``; ties go to the layer that
        comes first.
    """
    counts: dict[str, int] = {}
    open_layers = set(sizes)
    while True:
        rest = total - sum(counts.values())
        whole = sum(shares[name] for name in open_layers)
        # A full layer's surplus only raises ε for the others, so all that are full now stay full.
        full = {name for name in open_layers if rest * shares[name] > sizes[name] * whole}
        if not full:
            break
        counts |= {name: sizes[name] for name in full}
        open_layers -= full
    # divmod keeps quotient and remainder exact.
    quotas = {name: divmod(rest * shares[name], whole) for name in sizes if name in open_layers}
    counts |= {name: quotient for name, (quotient, _) in quotas.items()}
    missing = total - sum(counts.values())
    # Python's sort is stable, so the layer that comes first wins a tie.
    for name in sorted(quotas, key=lambda name: -quotas[name][1])[:missing]:
        counts[name] += 1
    # Back in the order of layers, which fixes the order of random draws.
    return {name: counts[name] for name in sizes}


def apportion_at_least_one(
    sizes: Mapping[str, int], shares: Mapping[str, int], total: int
) -> dict[str, int]:
    """Split ``total`` like `apportion`, with at least one for each layer.

    ``total`` is at least the number of layers.
    """
    single: dict[str, int] = {}
    while True:
        others = {name: size for name, size in sizes.items() if name not in single}
        split = apportion(others, shares, total - len(single))
        empty = [name for name, count in split.items() if count == 0]
        if not empty:
            # In the order of layers, which fixes the order of random draws.
            return {name: (single | split)[name] for name in sizes}
        # What these take is missing elsewhere, so that further layers may become empty.
        single |= dict.fromkeys(empty, 1)


def _least_density(sizes: Mapping[str, int], shares: Mapping[str, int]) -> str:
    """The density at which no layer is empty any more, though one weight fewer empties one.

    In as few digits as give that very total.
    """

    def works(total: int) -> bool:
        return min(apportion(sizes, shares, total).values()) > 0

    everything = sum(sizes.values())
    # At the full size every layer has a weight, so the search has a valid upper end.
    too_few, enough = 0, everything
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if works(middle) else (middle, enough)
    # 17 significant digits identify any float64.
    texts = (f"{enough / everything:.{digits}g}" for digits in range(1, 18))
    return next(text for text in texts if round(float(text) * everything) == enough)
