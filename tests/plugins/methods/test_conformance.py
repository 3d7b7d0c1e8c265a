"""Every method that SafeCompress ships passes the checks that a plugin author's would."""

from typing import Any, ClassVar

from safecompress_core.api import Kind, MethodDef
from safecompress_core.host import load_plugins
from safecompress_core.methods.manifest import DEFINITIONS as OF_CORE
from safecompress_core.testing import MethodConformance
from safecompress_plugins.methods.manifest import DEFINITIONS

METHODS = {definition.name: definition for definition in (*OF_CORE, *DEFINITIONS)}
STRATEGY = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}


def test_every_built_in_method_has_its_kit() -> None:
    """One that is added without it would be noticed here."""
    kits = {one.definition.name for one in MethodConformance.__subclasses__()}
    installed = load_plugins().registry.definitions(Kind.METHOD)

    assert set(METHODS) <= kits
    assert set(METHODS) <= set(installed)


class TestTestDriven(MethodConformance):
    """A race of two lineages with their twins, then candidates of the better one."""

    definition: ClassVar[MethodDef] = METHODS["test-driven"]
    params: ClassVar[dict[str, Any]] = {
        "density": 0.3,
        "rounds": 2,
        "field": [2, 1],
        "derive_at": 1,
        "strategies": [{**STRATEGY, "set": {"learning_rate": 0.02}}],
    }
    attackers = ({"type": "loss-threshold"}, {"type": "counterfactual"})
    may_do_less = True


class TestAlgorithm1(TestTestDriven):
    """Two rounds of three candidates, tested by one attack."""

    params: ClassVar[dict[str, Any]] = {
        "density": 0.3,
        "rounds": 2,
        "field": 1,
        "twins": False,
        "strategies": [STRATEGY],
    }
    attackers = ({"type": "loss-threshold"},)


class TestSearch(MethodConformance):
    """Two trials with their twins, whose settings are one of two learning rates."""

    definition: ClassVar[MethodDef] = METHODS["search"]
    params: ClassVar[dict[str, Any]] = {
        "density": 0.3,
        "budget": 4,
        "strategies": [{**STRATEGY, "set": {"learning_rate": 0.02}}],
    }
    attackers = ({"type": "loss-threshold"}, {"type": "counterfactual"})
    may_do_less = True


class TestSearchPruned(TestSearch):
    """Trials of one model, of which a pruner may end some."""

    params: ClassVar[dict[str, Any]] = {
        "density": 0.3,
        "budget": 3,
        "twins": False,
        "pruner": "successive-halving",
        "reports": 3,
        "strategies": [{**STRATEGY, "set": {"learning_rate": {"low": 0.001, "high": 0.02}}}],
    }
    attackers = ({"type": "loss-threshold"},)


class TestUncompressed(MethodConformance):
    """Dense."""

    definition: ClassVar[MethodDef] = METHODS["uncompressed"]


class TestPrune(MethodConformance):
    """At once."""

    definition: ClassVar[MethodDef] = METHODS["prune"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3}


class TestPruneGradually(TestPrune):
    """With the cubic schedule, layer by layer."""

    params: ClassVar[dict[str, Any]] = {"density": 0.3, "schedule": "cubic", "scope": "layer"}


class TestRigl(MethodConformance):
    """Growth by gradient."""

    definition: ClassVar[MethodDef] = METHODS["rigl"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3, "update_every": 1}


class TestSet(MethodConformance):
    """Growth at random."""

    definition: ClassVar[MethodDef] = METHODS["set"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3}


class TestDistill(MethodConformance):
    """A narrower student."""

    definition: ClassVar[MethodDef] = METHODS["distill"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3}


class TestDistillGiven(TestDistill):
    """A student of the user's own."""

    params: ClassVar[dict[str, Any]] = {"density": 0.5, "student": {"type": "mlp", "hidden": [5]}}


class TestSoftTree(MethodConformance):
    """A tree of four leaves."""

    definition: ClassVar[MethodDef] = METHODS["soft-tree"]
    params: ClassVar[dict[str, Any]] = {"tree": {"type": "soft-tree", "depth": 2}}


class TestMiaPruning(MethodConformance):
    """Three phases."""

    definition: ClassVar[MethodDef] = METHODS["mia-pruning"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3, "update_every": 1}


class TestSnip(MethodConformance):
    """Chosen by gradient."""

    definition: ClassVar[MethodDef] = METHODS["snip"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3}


class TestGrasp(MethodConformance):
    """Chosen by curvature."""

    definition: ClassVar[MethodDef] = METHODS["grasp"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3}


class TestLottery(MethodConformance):
    """Two iterations from what was drawn."""

    definition: ClassVar[MethodDef] = METHODS["lottery"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3, "iterations": 2}


class TestLotteryRewound(TestLottery):
    """Rewound to an epoch, which is a checkpoint of its own."""

    params: ClassVar[dict[str, Any]] = {"density": 0.3, "iterations": 2, "rewind": 2}


class TestMovement(MethodConformance):
    """A mask that moves."""

    definition: ClassVar[MethodDef] = METHODS["movement"]
    params: ClassVar[dict[str, Any]] = {"density": 0.3}


class TestLowRank(MethodConformance):
    """Two layers in the place of each."""

    definition: ClassVar[MethodDef] = METHODS["low-rank"]
    params: ClassVar[dict[str, Any]] = {"density": 0.5}


class TestStructured(MethodConformance):
    """Fewer neurons."""

    definition: ClassVar[MethodDef] = METHODS["structured"]
    params: ClassVar[dict[str, Any]] = {"density": 0.5}


class TestQuantize(MethodConformance):
    """After training."""

    definition: ClassVar[MethodDef] = METHODS["quantize"]


class TestQuantizeAware(TestQuantize):
    """Fake quantisation for the last part of training."""

    params: ClassVar[dict[str, Any]] = {"aware": True}


class TestNOfM(MethodConformance):
    """2 of 4 of 64 and 8 inputs; 10 inputs are no whole groups, so these 80 weights stay."""

    definition: ClassVar[MethodDef] = METHODS["n-m"]
    kept = (640 / 2 + 80 + 112 / 2) / 832


class TestNOfMThroughAMask(TestNOfM):
    """SR-STE."""

    params: ClassVar[dict[str, Any]] = {"schedule": "sr-ste"}
