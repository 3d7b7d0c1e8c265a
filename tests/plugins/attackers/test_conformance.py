"""The built-in attackers pass the checks that a third party's would."""

import pytest

from safecompress_core.api import AttackerDef
from safecompress_core.testing.attackers import AttackerConformance
from safecompress_plugins.attackers.manifest import DEFINITIONS

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


@pytest.mark.slow
class TestNeuralBlackbox(AttackerConformance):
    definition: AttackerDef = BY_NAME["neural-blackbox"]
    params = {"epochs": 10, "adapt_epochs": 3}


@pytest.mark.slow
class TestNeuralBlackboxOnSortedPosteriors(AttackerConformance):
    definition: AttackerDef = BY_NAME["neural-blackbox"]
    params = {"epochs": 10, "adapt_epochs": 3, "inputs": "sorted"}


@pytest.mark.slow
class TestNeuralBlackboxOnTheTopThree(AttackerConformance):
    definition: AttackerDef = BY_NAME["neural-blackbox"]
    params = {"epochs": 10, "adapt_epochs": 3, "inputs": "top3"}


@pytest.mark.slow
class TestNeuralBlackboxOnCorrectness(AttackerConformance):
    definition: AttackerDef = BY_NAME["neural-blackbox"]
    params = {"epochs": 10, "adapt_epochs": 3, "inputs": "correctness"}


@pytest.mark.slow
class TestNeuralWhitebox(AttackerConformance):
    definition: AttackerDef = BY_NAME["neural-whitebox"]
    params = {"epochs": 8, "adapt_epochs": 2}


class TestLogisticProbe(AttackerConformance):
    definition: AttackerDef = BY_NAME["attribute-probe"]
    params = {"attribute": "group"}


class TestMlpProbe(AttackerConformance):
    definition: AttackerDef = BY_NAME["attribute-probe"]
    params = {"attribute": "group", "classifier": "mlp"}


class TestBoostingProbe(AttackerConformance):
    definition: AttackerDef = BY_NAME["attribute-probe"]
    params = {"attribute": "group", "classifier": "boosting"}


class TestLossThreshold(AttackerConformance):
    definition: AttackerDef = BY_NAME["loss-threshold"]


class TestModifiedEntropy(AttackerConformance):
    definition: AttackerDef = BY_NAME["modified-entropy"]


@pytest.mark.slow
class TestNeuralWhiteboxOnChosenLayers(AttackerConformance):
    definition: AttackerDef = BY_NAME["neural-whitebox"]
    params = {"epochs": 8, "adapt_epochs": 2, "layers": ["weight", "bias"]}


class TestGap(AttackerConformance):
    definition: AttackerDef = BY_NAME["gap"]


class TestConfidence(AttackerConformance):
    definition: AttackerDef = BY_NAME["confidence"]


class TestEntropy(AttackerConformance):
    definition: AttackerDef = BY_NAME["entropy"]


class TestPopulation(AttackerConformance):
    definition: AttackerDef = BY_NAME["population"]


class TestGaussianRegression(AttackerConformance):
    definition: AttackerDef = BY_NAME["quantile-regression"]


class TestQuantileRegression(AttackerConformance):
    definition: AttackerDef = BY_NAME["quantile-regression"]
    params = {"regression": "quantile"}


class TestGradientNorm(AttackerConformance):
    definition: AttackerDef = BY_NAME["gradient-norm"]


class TestGradientNormOfOrder1(AttackerConformance):
    definition: AttackerDef = BY_NAME["gradient-norm"]
    params = {"order": 1}
