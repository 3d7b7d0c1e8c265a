"""The built-in prune and grow rules pass the checks that a third party's would."""

from safecompress_core.api import Role, StrategyDef
from safecompress_core.testing import GrowConformance, PruneConformance
from safecompress_plugins.strategies.manifest import DEFINITIONS

BY_NAME = {(definition.role, definition.name): definition for definition in DEFINITIONS}


class TestMagnitude(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "magnitude"]


class TestMagnitudeOverall(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "magnitude"]
    params = {"scope": "global"}


class TestThreshold(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "threshold"]
    params = {"threshold": 0.5}


class TestSet(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "set"]
    manifest = "safecompress_plugins.strategies.manifest"


class TestSaliency(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "saliency"]


class TestMovementOverall(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "movement"]
    params = {"scope": "global"}


class TestTwoOfFour(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "n-m"]
    manifest = "safecompress_plugins.strategies.manifest"


class TestOneOfThreeOverall(PruneConformance):
    definition: StrategyDef = BY_NAME[Role.PRUNE, "n-m"]
    params = {"n": 1, "m": 3, "scope": "global"}


class TestGradient(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "gradient"]


class TestRandom(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "random"]


class TestRandomUnfired(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "random-unfired"]


class TestRandomUnfiredOverall(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "random-unfired"]
    params = {"scope": "global"}


class TestMomentum(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "momentum"]


class TestMomentumInItsLayer(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "momentum"]
    params = {"scope": "layer"}


class TestMomentumOverall(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "momentum"]
    params = {"scope": "global"}


class TestGrowingTwoOfFour(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "n-m"]


class TestGrowingOneOfThreeOverall(GrowConformance):
    definition: StrategyDef = BY_NAME[Role.GROW, "n-m"]
    params = {"n": 1, "m": 3, "scope": "global"}
