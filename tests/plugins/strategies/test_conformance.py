"""The built-in prune and grow rules pass the checks that a third party's would."""

from safecompress_core.api import Role, StrategyDef
from safecompress_core.testing import GrowConformance, PruneConformance
from safecompress_plugins.strategies.manifest import DEFINITIONS

PRUNE, GROW = (
    {definition.name: definition for definition in DEFINITIONS if definition.role is role}
    for role in (Role.PRUNE, Role.GROW)
)


def test_every_rule_has_its_conformance_test() -> None:
    """A rule that is added without one fails here."""
    classes = (*PruneConformance.__subclasses__(), *GrowConformance.__subclasses__())
    tested = [cls.definition for cls in classes]

    assert [rule for rule in (*PRUNE.values(), *GROW.values()) if rule not in tested] == []


class TestMagnitude(PruneConformance):
    definition: StrategyDef = PRUNE["magnitude"]


class TestMagnitudeOverall(TestMagnitude):
    params = {"scope": "global"}


class TestChannel(PruneConformance):
    definition: StrategyDef = PRUNE["channel"]
    manifest = "safecompress_plugins.strategies.manifest"


class TestChannelOverall(TestChannel):
    params = {"scope": "global"}


class TestThreshold(PruneConformance):
    definition: StrategyDef = PRUNE["threshold"]
    params = {"threshold": 0.5}


class TestSet(PruneConformance):
    definition: StrategyDef = PRUNE["set"]
    manifest = "safecompress_plugins.strategies.manifest"


class TestSaliency(PruneConformance):
    definition: StrategyDef = PRUNE["saliency"]


class TestMovementOverall(PruneConformance):
    definition: StrategyDef = PRUNE["movement"]
    params = {"scope": "global"}


class TestTwoOfFour(PruneConformance):
    definition: StrategyDef = PRUNE["n-m"]
    manifest = "safecompress_plugins.strategies.manifest"


class TestOneOfThreeOverall(TestTwoOfFour):
    params = {"n": 1, "m": 3, "scope": "global"}


class TestGradient(GrowConformance):
    definition: StrategyDef = GROW["gradient"]


class TestRandom(GrowConformance):
    definition: StrategyDef = GROW["random"]


class TestRandomUnfired(GrowConformance):
    definition: StrategyDef = GROW["random-unfired"]


class TestRandomUnfiredOverall(TestRandomUnfired):
    params = {"scope": "global"}


class TestMomentum(GrowConformance):
    definition: StrategyDef = GROW["momentum"]


class TestMomentumInItsLayer(TestMomentum):
    params = {"scope": "layer"}


class TestMomentumOverall(TestMomentum):
    params = {"scope": "global"}


class TestGrowingTwoOfFour(GrowConformance):
    definition: StrategyDef = GROW["n-m"]


class TestGrowingOneOfThreeOverall(TestGrowingTwoOfFour):
    params = {"n": 1, "m": 3, "scope": "global"}
