"""Definitions that core registers: five games, its methods, four aggregators, objects in memory."""

from collections.abc import Iterable

from safecompress_core.api import AggregatorDef, DataDef, GameDef, MethodDef, ModelDef, hookimpl
from safecompress_core.choose.manifest import DEFINITIONS as AGGREGATORS
from safecompress_core.data.manifest import DEFINITIONS as DATA
from safecompress_core.games.manifest import DEFINITIONS as GAMES
from safecompress_core.methods.manifest import DEFINITIONS as METHODS
from safecompress_core.networks.manifest import DEFINITIONS as MODELS


@hookimpl
def safecompress_aggregators() -> Iterable[AggregatorDef]:
    """Rules that choose among candidates."""
    return AGGREGATORS


@hookimpl
def safecompress_data() -> Iterable[DataDef]:
    """Samples of Python code."""
    return DATA


@hookimpl
def safecompress_methods() -> Iterable[MethodDef]:
    """Ways to a compressed model."""
    return METHODS


@hookimpl
def safecompress_models() -> Iterable[ModelDef]:
    """Networks of Python code."""
    return MODELS


@hookimpl
def safecompress_games() -> Iterable[GameDef]:
    """Register the five games."""
    return GAMES
