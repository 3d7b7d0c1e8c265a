"""Every built-in metric conforms."""

from typing import Any, ClassVar

import torch
from torch import nn

from safecompress_core.api import MetricDef, Params
from safecompress_core.testing import MetricConformance
from safecompress_core.toolkit import Dataset
from safecompress_plugins.data.arrays.handwriting import Handwriting
from safecompress_plugins.data.manifest import HandwritingParams
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


class TestSharpness(MetricConformance):
    definition = defined("sharpness")


class TestNoise(MetricConformance):
    definition = defined("corruption")
    params: ClassVar[Any] = {"kind": "noise"}


class OfImages(MetricConformance):
    """The digits, of which a convolution sees 8 x 8 pixels."""

    __test__ = False

    def dataset(self) -> Dataset:
        data = Handwriting(HandwritingParams(task="digit")).load()
        return data.take(torch.arange(120))

    def module(self, dataset: Dataset) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(108, len(dataset.classes))
        )


class TestBlur(OfImages):
    __test__ = True
    definition = defined("corruption")
    params: ClassVar[Any] = {"kind": "blur"}


class TestOutOfDistribution(OfImages):
    """The same images as the other data set: no score separates them."""

    __test__ = True
    definition = defined("out-of-distribution")
    params: ClassVar[Any] = {"data": HandwritingParams(task="digit"), "samples": 50}

    def create(self, params: Params) -> Any:
        return Handwriting(params)


class TestIntegratedGradients(MetricConformance):
    definition = defined("attribution-agreement")


class TestGradCam(OfImages):
    __test__ = True
    definition = defined("attribution-agreement")
    params: ClassVar[Any] = {"method": "gradcam", "samples": 20}


def subclasses(of: type[MetricConformance]) -> set[type[MetricConformance]]:
    """All below a class."""
    below = set(of.__subclasses__())
    return below.union(*map(subclasses, below))


def test_every_metric_is_tested() -> None:
    """One that is added gets a class here."""
    classes = subclasses(MetricConformance) - {OfImages}
    tested = {one.definition.name for one in classes}

    assert {definition.name for definition in DEFINITIONS} <= tested
