"""Conformance tests that plugin authors inherit; SafeCompress's own components pass them.

Subclass the class of your kind, name your definition, and pytest runs them::

    from safecompress_core.testing import AttackerConformance

    class TestGap(AttackerConformance):
        definition = GAP

A kind without a class of its own has :class:`DefinitionConformance`, which the others include.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from safecompress_core.testing.aggregators import AggregatorConformance
    from safecompress_core.testing.attackers import AttackerConformance
    from safecompress_core.testing.data import DataConformance
    from safecompress_core.testing.defences import DefenceConformance
    from safecompress_core.testing.evasion_inversion_extraction import (
        EvaderConformance,
        ExtractorConformance,
        InverterConformance,
    )
    from safecompress_core.testing.exporters import ExporterConformance
    from safecompress_core.testing.finishers import FinisherConformance
    from safecompress_core.testing.games import GameConformance
    from safecompress_core.testing.manifest import DefinitionConformance
    from safecompress_core.testing.methods import MethodConformance
    from safecompress_core.testing.metrics import MetricConformance
    from safecompress_core.testing.models import ModelConformance
    from safecompress_core.testing.strategies import GrowConformance, PruneConformance

__all__ = [
    "AggregatorConformance",
    "AttackerConformance",
    "DataConformance",
    "DefenceConformance",
    "DefinitionConformance",
    "EvaderConformance",
    "ExporterConformance",
    "ExtractorConformance",
    "FinisherConformance",
    "GameConformance",
    "GrowConformance",
    "InverterConformance",
    "MethodConformance",
    "MetricConformance",
    "ModelConformance",
    "PruneConformance",
]

_HOME = {
    "AggregatorConformance": "safecompress_core.testing.aggregators",
    "AttackerConformance": "safecompress_core.testing.attackers",
    "DataConformance": "safecompress_core.testing.data",
    "DefenceConformance": "safecompress_core.testing.defences",
    "DefinitionConformance": "safecompress_core.testing.manifest",
    "EvaderConformance": "safecompress_core.testing.evasion_inversion_extraction",
    "ExporterConformance": "safecompress_core.testing.exporters",
    "ExtractorConformance": "safecompress_core.testing.evasion_inversion_extraction",
    "FinisherConformance": "safecompress_core.testing.finishers",
    "GameConformance": "safecompress_core.testing.games",
    "GrowConformance": "safecompress_core.testing.strategies",
    "InverterConformance": "safecompress_core.testing.evasion_inversion_extraction",
    "MethodConformance": "safecompress_core.testing.methods",
    "MetricConformance": "safecompress_core.testing.metrics",
    "ModelConformance": "safecompress_core.testing.models",
    "PruneConformance": "safecompress_core.testing.strategies",
}

# Before any of them is imported, so that a failing check shows the values that it compared.
pytest.register_assert_rewrite(*sorted(set(_HOME.values())))


def __getattr__(name: str) -> Any:
    """A class, imported when it is asked for: the checks of a manifest need no torch."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
