"""Definitions that core registers: five games, its methods, four aggregators, data in memory."""

from collections.abc import Iterable

from safecompress_core.api import AggregatorDef, DataDef, GameDef, MethodDef, hookimpl
from safecompress_core.choose.manifest import DEFINITIONS as AGGREGATORS
from safecompress_core.data.manifest import DEFINITIONS as DATA
from safecompress_core.games.manifest import DEFINITIONS as GAMES
from safecompress_core.methods.manifest import DEFINITIONS as METHODS


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
def safecompress_games() -> Iterable[GameDef]:
    """Register the five games."""
    return GAMES
