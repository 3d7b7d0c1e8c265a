"""What a round tries: one candidate for each combination of changes, the unchanged model first."""

from typing import Any, ClassVar, Literal

from safecompress_core.api import Params
from safecompress_core.methods.lineages.params import StrategyParams
from safecompress_core.methods.test_driven.candidates import UNCHANGED, candidate_specs
from safecompress_core.training.settings import Settings


class PruneParams(Params):
    type: Literal["magnitude"] = "magnitude"


class GrowParams(Params):
    type: Literal["random"] = "random"


class DefenceParams(Params):
    target: float = 0.5
    limit: ClassVar[float] = 1.0


def strategy(**changes: Any) -> StrategyParams:
    """A strategy that changes training."""
    return StrategyParams(prune=PruneParams(), grow=GrowParams(), set=changes)


START = Settings(
    learning_rate=0.1,
    density=0.3,
    update_fraction=0.5,
    rule=0,
    defences={"relaxloss": DefenceParams()},
)


def test_a_list_gives_one_candidate_each_and_two_lists_their_product() -> None:
    """In order, the last list turning fastest, each named by what it changes."""
    found = candidate_specs(
        [
            strategy(),
            strategy(**{"relaxloss.target": [0.1, 0.3], "learning_rate": {"factor": [0.5, 2]}}),
        ],
        keep=False,
    )

    assert [candidate_spec.name for candidate_spec in found] == [
        "magnitude × random",
        "magnitude × random, relaxloss.target 0.1, learning_rate x0.5",
        "magnitude × random, relaxloss.target 0.1, learning_rate x2",
        "magnitude × random, relaxloss.target 0.3, learning_rate x0.5",
        "magnitude × random, relaxloss.target 0.3, learning_rate x2",
    ]
    assert [candidate_spec.rule for candidate_spec in found] == [0, 1, 1, 1, 1]
    last = found[-1].settings(START)
    assert last is not None
    assert last.to_json() == {
        "learning_rate": 0.2,
        "density": 0.3,
        "update_fraction": 0.5,
        "rule": 1,
        "defences": {"relaxloss": {"target": 0.3}},
        "layers": {},
    }


def test_the_model_as_it_is_comes_first_where_it_is_kept() -> None:
    """It is what the others are held against, and keeps its settings and its rule."""
    found = candidate_specs([strategy()], keep=True)
    parent = START.with_rule(7)

    assert found[0] is UNCHANGED
    assert UNCHANGED.rule is None
    assert UNCHANGED.settings(parent) == parent
    assert len(found) == 2


def test_a_change_out_of_range_gives_no_candidate() -> None:
    """A learning rate of 0 trains nothing."""
    [candidate_spec] = candidate_specs([strategy(learning_rate={"factor": 0})], keep=False)

    assert candidate_spec.settings(START) is None
