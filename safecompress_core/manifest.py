"""What core itself registers: the method it exists for, and the four aggregators."""

from collections.abc import Iterable

from safecompress_core.api import AggregatorDef, MethodDef, hookimpl
from safecompress_core.choose.manifest import DEFINITIONS as AGGREGATORS
from safecompress_core.methods.manifest import DEFINITIONS as METHODS


@hookimpl
def safecompress_aggregators() -> Iterable[AggregatorDef]:
    """Rules that choose among candidates."""
    return AGGREGATORS


@hookimpl
def safecompress_methods() -> Iterable[MethodDef]:
    """Ways to a compressed model."""
    return METHODS
