"""Densities of a model: of the weights that may be sparse, and of all its parameters."""

from collections.abc import Mapping
from typing import Any

from safecompress_core.report.formatting import format_fraction

__all__ = ["SPARSE_LAYERS", "WHOLE_MODEL", "share_kept", "states_both"]

Model = Mapping[str, Any]
"""Sizes of a model, as ``results.json`` holds them."""

SPARSE_LAYERS = "density of sparse layers"
WHOLE_MODEL = "density of whole model"


def states_both(model: Model) -> bool:
    """Return whether one density would mislead: under half of the parameters may be sparse.

    False where the densities are not known.
    """
    return model["sparsifiable"] is not None and bool(model["sparsifiable"] < 0.5)


def share_kept(model: Model) -> str:
    """Return the share of weights that is kept, in words; empty where it is not known."""
    if model["density"] is None:
        return ""
    if states_both(model):
        return (
            f"{_percent(model['model_density'])} of all parameters kept, "
            f"{_percent(model['density'])} of those that may be sparse"
        )
    return f"{_percent(model['density'])} of the weights kept"


def _percent(value: float) -> str:
    """Return a fraction in per cent, never as 0.0 where something is left.

    >>> _percent(0.1), _percent(0.00025)
    ('10.0 %', '0.025 %')
    """
    return (
        f"{100 * value:.1f} %"
        if value >= 0.01 or not value
        else f"{format_fraction(100 * value)} %"
    )
