"""Densities of a model: of the weights that may be sparse, and of all its parameters."""

from safecompress_core.report.formatting import format_fraction
from safecompress_core.results.schema import ModelRecord

__all__ = ["SPARSE_LAYERS", "WHOLE_MODEL", "share_kept", "states_both"]

SPARSE_LAYERS = "density of sparse layers"
WHOLE_MODEL = "density of whole model"


def states_both(sparsifiable: float | None) -> bool:
    """Return whether one density would mislead: under half of the parameters may be sparse.

    Args:
        sparsifiable: the share of parameters that may be sparse; None where it is not known.
    """
    return sparsifiable is not None and sparsifiable < 0.5


def share_kept(model: ModelRecord) -> str:
    """Return the share of weights that is kept, in words; empty where it is not known."""
    if model.density is None or model.model_density is None:
        return ""
    if states_both(model.sparsifiable):
        return (
            f"{_percent(model.model_density)} of all parameters kept, "
            f"{_percent(model.density)} of those that may be sparse"
        )
    return f"{_percent(model.density)} of the weights kept"


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
