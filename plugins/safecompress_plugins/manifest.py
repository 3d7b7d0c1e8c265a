"""Registration of the built-in components, through the hooks of any plugin."""

from collections.abc import Iterable

from safecompress_core.api import (
    AttackerDef,
    CombinedAttackerDef,
    DataDef,
    DefenceDef,
    ExporterDef,
    FinisherDef,
    MethodDef,
    MetricDef,
    ModelDef,
    StrategyDef,
    hookimpl,
)
from safecompress_plugins.attackers.manifest import DEFINITIONS as ATTACKERS
from safecompress_plugins.data.manifest import DEFINITIONS as DATA
from safecompress_plugins.defences.manifest import DEFINITIONS as DEFENCES
from safecompress_plugins.exporters.manifest import DEFINITIONS as EXPORTERS
from safecompress_plugins.finishers.manifest import DEFINITIONS as FINISHERS
from safecompress_plugins.methods.manifest import DEFINITIONS as METHODS
from safecompress_plugins.metrics.manifest import DEFINITIONS as METRICS
from safecompress_plugins.models.manifest import DEFINITIONS as MODELS
from safecompress_plugins.strategies.manifest import DEFINITIONS as STRATEGIES


@hookimpl
def safecompress_data() -> Iterable[DataDef]:
    """Data sets."""
    return DATA


@hookimpl
def safecompress_models() -> Iterable[ModelDef]:
    """Architectures."""
    return MODELS


@hookimpl
def safecompress_strategies() -> Iterable[StrategyDef]:
    """Initial topologies, prune rules and grow rules."""
    return STRATEGIES


@hookimpl
def safecompress_attackers() -> Iterable[AttackerDef | CombinedAttackerDef]:
    """Simulated attacks."""
    return ATTACKERS


@hookimpl
def safecompress_defences() -> Iterable[DefenceDef]:
    """Changes of training."""
    return DEFENCES


@hookimpl
def safecompress_metrics() -> Iterable[MetricDef]:
    """Measures of a model that are no attacks."""
    return METRICS


@hookimpl
def safecompress_methods() -> Iterable[MethodDef]:
    """Ways to a compressed model."""
    return METHODS


@hookimpl
def safecompress_finishers() -> Iterable[FinisherDef]:
    """Stages that a chosen model goes through before it is stored and audited."""
    return FINISHERS


@hookimpl
def safecompress_exporters() -> Iterable[ExporterDef]:
    """Formats that a finished model is exported to."""
    return EXPORTERS
