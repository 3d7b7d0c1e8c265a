"""Every built-in metric conforms."""

from typing import Any, ClassVar

from safecompress_core.api import MetricDef
from safecompress_core.testing import MetricConformance
from safecompress_plugins.metrics.manifest import DEFINITIONS


def defined(name: str) -> MetricDef:
    """The built-in of that name."""
    return next(definition for definition in DEFINITIONS if definition.name == name)


class TestAccuracy(MetricConformance):
    definition = defined("accuracy")


class TestFileBytes(MetricConformance):
    definition = defined("file-bytes")


class TestMacs(MetricConformance):
    definition = defined("macs")


class TestPeakMemory(MetricConformance):
    definition = defined("peak-memory")


class TestLatency(MetricConformance):
    definition = defined("latency")
    params: ClassVar[Any] = {"repeats": 20}
    is_repeatable = False


class TestGeneralisationGap(MetricConformance):
    definition = defined("generalisation-gap")


class TestCalibrationError(MetricConformance):
    definition = defined("calibration-error")


class TestBrier(MetricConformance):
    definition = defined("brier")


class TestWorstGroup(MetricConformance):
    definition = defined("worst-group")
    params: ClassVar[Any] = {"attribute": "long"}


class TestDemographicParity(MetricConformance):
    definition = defined("demographic-parity")
    params: ClassVar[Any] = {"attribute": "long"}


class TestEqualisedOdds(MetricConformance):
    definition = defined("equalised-odds")
    params: ClassVar[Any] = {"attribute": "long", "positive": "virginica"}


class TestFlips(MetricConformance):
    definition = defined("flips")


def test_every_metric_is_tested() -> None:
    """One that is added gets a class here."""
    tested = {one.definition.name for one in MetricConformance.__subclasses__()}

    assert {definition.name for definition in DEFINITIONS} <= tested
