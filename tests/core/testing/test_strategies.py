"""The kit for prune and grow rules tells good ones from bad ones."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from safecompress_core.api import Params, Role, StrategyDef
from safecompress_core.errors import TopologyError
from safecompress_core.sparse.selection import random_positions, smallest
from safecompress_core.sparse.strategy import Grow, Prune
from safecompress_core.sparse.topology import Masks, Topology
from safecompress_core.testing.strategies import GrowConformance, PruneConformance


class Smallest(Prune):
    """A rule from before rules could ask for gradients."""

    def __init__(self, params: Params) -> None:
        """Nothing to choose."""

    def drop(self, weights: Mapping[str, Tensor], topology: Topology, *, fraction: float) -> Masks:
        return {
            name: smallest(weights[name].abs(), topology.masks[name], round(fraction * limit))
            for name, limit in topology.replaceable().items()
        }


class Everything(Smallest):
    def drop(self, weights: Mapping[str, Tensor], topology: Topology, *, fraction: float) -> Masks:
        return topology.masks


class Spoiler(Smallest):
    def drop(self, weights: Mapping[str, Tensor], topology: Topology, *, fraction: float) -> Masks:
        found = super().drop(weights, topology, fraction=fraction)
        for weight in weights.values():
            weight.zero_()
        return found


class Anywhere(Grow):
    """A rule from before rules could ask for a history."""

    def __init__(self, params: Params) -> None:
        """Nothing to choose."""

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Mapping[str, Tensor] | None,
        generator: torch.Generator,
    ) -> Masks:
        return {
            name: random_positions(~mask, self.count(counts[name]), generator=generator)
            for name, mask in topology.masks.items()
        }

    def count(self, lost: int) -> int:
        return lost


class OneLess(Anywhere):
    def count(self, lost: int) -> int:
        return max(0, lost - 1)


class ByItself(Anywhere):
    def grow(self, *args: Any, generator: torch.Generator, **named: Any) -> Masks:
        torch.rand(1)
        return super().grow(*args, generator=torch.Generator().manual_seed(0), **named)


class Forgetful(Anywhere):
    needs_momentum = True


def pruning(rule: type) -> PruneConformance:
    """The kit around a prune rule."""

    class Kit(PruneConformance):
        definition: ClassVar[StrategyDef] = StrategyDef(
            name="it",
            role=Role.PRUNE,
            params=Params,
            target=f"{__name__}:{rule.__name__}",
            summary="A rule.",
        )

    return Kit()


def growing(rule: type) -> GrowConformance:
    """The kit around a grow rule."""

    class Kit(GrowConformance):
        definition: ClassVar[StrategyDef] = StrategyDef(
            name="it",
            role=Role.GROW,
            params=Params,
            target=f"{__name__}:{rule.__name__}",
            summary="A rule.",
        )

    return Kit()


def test_rules_without_the_new_arguments_pass() -> None:
    """Whatever a rule does not ask for, it need not know of."""
    for kit in (pruning(Smallest), growing(Anywhere)):
        kit.test_updates_keep_the_number_of_weights(0.3, 0.3)
        kit.test_the_same_seed_gives_the_same_topology()
    pruning(Smallest).test_it_answers_alone_and_leaves_what_it_is_given(0.3)
    growing(Anywhere).test_it_fills_up_a_layer_without_asking_for_more()
    growing(Anywhere).test_momentum_comes_with_a_history()


def test_a_rule_that_drops_or_grows_a_wrong_number_is_found() -> None:
    """The error names its class."""
    with pytest.raises(TopologyError, match="Everything dropped"):
        pruning(Everything).test_updates_keep_the_number_of_weights(0.3, 0.3)
    with pytest.raises(TopologyError, match="OneLess"):
        growing(OneLess).test_updates_keep_the_number_of_weights(0.3, 0.3)
    with pytest.raises(AssertionError):
        growing(OneLess).test_it_fills_up_a_layer_without_asking_for_more()


def test_a_rule_that_writes_into_what_it_reads_is_found() -> None:
    """Its second answer would be another one, and training would go on from other weights."""
    with pytest.raises(AssertionError):
        pruning(Spoiler).test_it_answers_alone_and_leaves_what_it_is_given(0.3)


def test_a_rule_that_draws_from_the_global_state_is_found() -> None:
    """Even if its answer is the same."""
    with pytest.raises(AssertionError):
        growing(ByItself).test_the_same_seed_gives_the_same_topology()


def test_a_rule_that_would_not_get_its_momentum_is_found() -> None:
    """A history is what momentum comes in."""
    with pytest.raises(AssertionError):
        growing(Forgetful).test_momentum_comes_with_a_history()
