"""Conformance tests of prune and grow rules."""

import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from safecompress_core.api import StrategyDef
from safecompress_core.sparse.selection import random_positions, smallest
from safecompress_core.sparse.strategy import Grow, History, Prune, Weights
from safecompress_core.sparse.topology import Masks, Topology
from safecompress_core.sparse.update import TopologyUpdate, update_topology
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["GrowConformance", "PruneConformance"]

SHAPES = {"conv": (6, 3, 3, 3), "fc": (10, 24), "head": (5, 10)}
DENSITIES = (0.05, 0.3, 0.9, 1.0)
FRACTIONS = (0.0, 0.3, 1.0)


def _random(seed: int) -> dict[str, Tensor]:
    """Standard normal numbers of the layers' shapes."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def _topology(density: float) -> Topology:
    """The same density in every layer, at random positions; never less than two weights."""
    generator = torch.Generator().manual_seed(1)
    everywhere = {name: torch.ones(shape, dtype=torch.bool) for name, shape in SHAPES.items()}
    return Topology.from_masks(
        {
            # Two at least, since the only active weight of a layer is never replaced.
            name: random_positions(mask, max(2, round(density * mask.numel())), generator=generator)
            for name, mask in everywhere.items()
        }
    )


class _Smallest(Prune):
    """The smallest weights of each layer."""

    def drop(
        self,
        weights: Weights,
        topology: Topology,
        *,
        fraction: float,
        gradients: Weights | None = None,
    ) -> Masks:
        return {
            name: smallest(weights[name].abs(), topology.masks[name], round(fraction * limit))
            for name, limit in topology.replaceable().items()
        }


class _Anywhere(Grow):
    """Random positions of the same layers."""

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
        history: History | None = None,
    ) -> Masks:
        return {
            name: random_positions(~mask, counts[name], generator=generator)
            for name, mask in topology.masks.items()
        }


class _RuleConformance(DefinitionConformance):
    """Base of the tests of prune and grow rules."""

    definition: ClassVar[StrategyDef]
    params: ClassVar[Mapping[str, Any]] = {}

    def rule(self) -> Any:
        """A fresh rule."""
        module, _, name = self.definition.target.partition(":")
        params = self.definition.params.model_validate(dict(self.params))
        return getattr(import_module(module), name)(params)

    def pair(self) -> tuple[Prune, Grow]:
        """The rule with a counterpart that is known to be right."""
        raise NotImplementedError

    def update(
        self,
        topology: Topology,
        fraction: float,
        *,
        seed: int = 0,
        explored: Topology | None = None,
    ) -> TopologyUpdate:
        """Update the topology once, with every input that a rule may request."""
        prune, grow = self.pair()
        return update_topology(
            _random(seed),
            # Different seeds for weights and gradients, so that a rule cannot confuse them.
            topology,
            prune=prune,
            grow=grow,
            fraction=fraction,
            gradients=_random(seed + 1),
            generator=torch.Generator().manual_seed(seed),
            prune_gradients=_random(seed + 2),
            history=History(explored=explored or topology, momentum=_random(seed + 3)),
        )

    @pytest.mark.parametrize("density", DENSITIES)
    @pytest.mark.parametrize("fraction", FRACTIONS)
    def test_updates_keep_the_number_of_weights(self, density: float, fraction: float) -> None:
        """Several in a row, at any density: what is dropped was there, what is grown was not."""
        topology = explored = _topology(density)
        # Four in a row: errors of one update show in the counts of the next.
        for seed in range(4):
            after = self.update(topology, fraction, seed=seed, explored=explored).topology
            assert after.total_active == topology.total_active
            topology, explored = after, explored.unite(after)

    def test_the_same_seed_gives_the_same_topology(self) -> None:
        """All chance comes from the generator that is passed in, and none from a global one."""
        before = torch.random.get_rng_state()
        first, other = (self.update(_topology(0.3), 0.5).topology for _ in range(2))

        assert first == other
        # Compared at the end, since both rules have drawn by then.
        assert torch.equal(torch.random.get_rng_state(), before)


class PruneConformance(_RuleConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestSmallest(PruneConformance):
            definition = SMALLEST

    Attributes:
        definition: the prune rule's definition.
        params: what a spec would write for it.
    """

    def pair(self) -> tuple[Prune, Grow]:
        """The rule, next to random growth."""
        return self.rule(), _Anywhere()

    @pytest.mark.parametrize("density", DENSITIES)
    def test_it_answers_alone_and_leaves_what_it_is_given(self, density: float) -> None:
        """It gets gradients if it asks for them, and writes into nothing that it may read."""
        rule: Prune = self.rule()
        topology, weights, gradients = _topology(density), _random(0), _random(1)
        # Gradients only on request: an unrequested argument would hide a missing declaration.
        asked = {"gradients": gradients} if rule.gradient_batches else {}
        first = rule.drop(weights, topology, fraction=0.3, **asked)
        again = rule.drop(weights, topology, fraction=0.3, **asked)

        assert all(torch.equal(first[name], again[name]) for name in first)
        # Compared with fresh copies: neither inputs nor topology were written to.
        assert topology == _topology(density)
        assert all(torch.equal(weights[name], weight) for name, weight in _random(0).items())
        assert all(torch.equal(gradients[name], gradient) for name, gradient in _random(1).items())

    @pytest.mark.parametrize("density", DENSITIES)
    def test_its_facts_fit_into_results(self, density: float) -> None:
        """JSON that comes back as it was, if it reports anything."""
        facts = dict(self.rule().facts(_topology(density)))

        assert json.loads(json.dumps(facts, allow_nan=False)) == facts


class GrowConformance(_RuleConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestAnywhere(GrowConformance):
            definition = ANYWHERE

    Attributes:
        definition: the grow rule's definition.
        params: what a spec would write for it.
    """

    def pair(self) -> tuple[Prune, Grow]:
        """The rule, next to pruning by magnitude."""
        return _Smallest(), self.rule()

    def test_momentum_comes_with_a_history(self) -> None:
        """Require rules that need momentum to declare a history."""
        rule: Grow = self.rule()

        # Momentum is kept in the history, so one implies the other.
        assert rule.needs_history or not rule.needs_momentum

    def test_it_fills_up_a_layer_without_asking_for_more(self) -> None:
        """Every inactive position of all layers, and none: the two ends of what can be asked."""
        rule: Grow = self.rule()
        topology = _topology(0.6)
        history = History(explored=topology, momentum=_random(3))
        asked = {"history": history} if rule.needs_history else {}
        room = {name: int((~mask).sum()) for name, mask in topology.masks.items()}
        # The extremes: a rule that rounds its counts fails at one of them.
        for counts in (room, dict.fromkeys(room, 0)):
            grown = topology.complete(
                rule.grow(
                    topology,
                    counts,
                    gradients=_random(1) if rule.gradient_batches else None,
                    generator=torch.Generator().manual_seed(0),
                    **asked,
                )
            )
            assert {name: int(mask.sum()) for name, mask in grown.items()} == counts
