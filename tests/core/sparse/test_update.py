"""An update keeps the density, whatever a plugin answers."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.strategy import Grow, History, Prune, Weights
from safecompress_core.sparse.topology import Masks, Topology
from safecompress_core.sparse.update import TopologyUpdate, update_topology


def mask(*bits: int) -> Tensor:
    """A bool tensor from 0 and 1."""
    return tensor(bits, dtype=torch.bool)


class StatedPrune(Prune):
    """Drops what it was told to drop."""

    def __init__(self, masks: Masks) -> None:
        self.masks = masks

    def drop(self, weights: Weights, topology: Topology, *, fraction: float) -> Masks:
        return self.masks


class StatedGrow(Grow):
    """Grows what it was told to grow, and remembers what it was asked."""

    def __init__(self, masks: Masks, *, gradient_batches: int = 0) -> None:
        self.masks = masks
        self.gradient_batches = gradient_batches
        self.counts: Mapping[str, int] = {}

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
    ) -> Masks:
        self.counts = counts
        return self.masks


TOPOLOGY = Topology.from_masks({"a": mask(1, 1, 1, 0, 0), "b": mask(1, 1, 0)})
WEIGHTS = {"a": torch.ones(5), "b": torch.ones(3)}


def update(
    dropped: Masks,
    grown: Masks,
    *,
    weights: Weights = WEIGHTS,
    fraction: float = 0.5,
    **grow: Any,
) -> TopologyUpdate:
    """An update of the topology above by plugins that answer as stated."""
    return update_topology(
        weights,
        TOPOLOGY,
        prune=StatedPrune(dropped),
        grow=StatedGrow(grown, **grow),
        fraction=fraction,
        gradients=None,
        generator=torch.Generator(),
    )


def test_an_update_moves_weights_between_layers() -> None:
    """What was dropped in one layer may grow in another; masks come back for every layer."""
    result = update({"a": mask(1, 0, 0, 0, 0)}, {"b": mask(0, 0, 1)})

    assert result.topology.active() == {"a": 2, "b": 3}
    assert result.dropped["b"].tolist() == [False] * 3
    assert result.grown["a"].tolist() == [False] * 5
    assert result.topology.total_active == TOPOLOGY.total_active


def test_grow_is_told_what_each_layer_lost() -> None:
    """Counts are there for every layer, those that lost nothing too."""
    grow = StatedGrow({"a": mask(0, 0, 0, 1, 1)})

    update_topology(
        WEIGHTS,
        TOPOLOGY,
        prune=StatedPrune({"a": mask(1, 1, 0, 0, 0)}),
        grow=grow,
        fraction=0.5,
        gradients=None,
        generator=torch.Generator(),
    )

    assert grow.counts == {"a": 2, "b": 0}


@pytest.mark.parametrize(
    ("dropped", "grown", "message"),
    [
        ({"a": mask(1, 0)}, {}, r"^StatedPrune: a: the mask have shape \(2,\)"),
        ({"c": mask(1)}, {}, "^StatedPrune: c: no layer has this name"),
        ({}, {"b": tensor([0.0, 0.0, 1.0])}, "^StatedGrow: b: the mask is torch.float32"),
        ({"b": mask(1, 1, 0)}, {}, "^StatedPrune dropped 2 weights of b, where 1 can be replaced"),
        ({"a": mask(1, 1, 1, 0, 0)}, {}, "^StatedPrune dropped 3 weights of a, where 2 can be"),
        ({"a": mask(0, 0, 0, 1, 0)}, {"b": mask(0, 0, 1)}, "a: 1 of the dropped .* not active"),
        ({"b": mask(1, 0, 0)}, {"b": mask(1, 0, 0)}, "b: 1 of the grown .* are active already"),
        ({"b": mask(1, 0, 0)}, {"a": mask(0, 0, 0, 1, 1)}, "1 weights were dropped but 2 grown"),
    ],
)
def test_wrong_answers_name_the_plugin(dropped: Masks, grown: Masks, message: str) -> None:
    """Whatever a plugin gets wrong is an error that says what, where and by whom."""
    with pytest.raises(TopologyError, match=message) as caught:
        update(dropped, grown)

    assert "Stated" in str(caught.value)


def test_a_plugin_that_writes_into_masks_changes_nothing() -> None:
    """Plugins see a copy, so the topology that their answers are held against is the real one."""

    class Vandal(Prune):
        def drop(self, weights: Weights, topology: Topology, *, fraction: float) -> Masks:
            topology.masks["b"].fill_(True)
            return {"b": mask(0, 0, 1)}

    with pytest.raises(TopologyError, match="not active"):
        update_topology(
            WEIGHTS,
            TOPOLOGY,
            prune=Vandal(),
            grow=StatedGrow({"a": mask(0, 0, 0, 1, 0)}),
            fraction=0.5,
            gradients=None,
            generator=torch.Generator(),
        )
    assert TOPOLOGY.masks["b"].tolist() == [True, True, False]


def test_missing_gradients_are_named() -> None:
    """A rule that asks for gradients is not called without them."""
    with pytest.raises(TopologyError, match="StatedGrow needs gradients"):
        update({}, {}, gradient_batches=1)


class AskingPrune(StatedPrune):
    """Asks for gradients, and remembers what it got."""

    gradient_batches = 2
    given: Weights | None = None

    def drop(
        self,
        weights: Weights,
        topology: Topology,
        *,
        fraction: float,
        gradients: Weights | None = None,
    ) -> Masks:
        self.given = gradients
        return self.masks


class AskingGrow(StatedGrow):
    """Asks for the history, with momentum, and remembers what it got."""

    needs_history = True
    needs_momentum = True
    given: History | None = None

    def grow(self, *args: Any, history: History | None = None, **named: Any) -> Masks:
        self.given = history
        return super().grow(*args, **named)


GRADIENTS = {name: torch.full_like(one, 2.0) for name, one in WEIGHTS.items()}
MOMENTUM = {name: torch.full_like(one, 3.0) for name, one in WEIGHTS.items()}


def asked(
    prune: Prune,
    grow: Grow,
    *,
    prune_gradients: Weights | None = GRADIENTS,
    history: History | None = None,
) -> TopologyUpdate:
    """An update by these rules."""
    return update_topology(
        WEIGHTS,
        TOPOLOGY,
        prune=prune,
        grow=grow,
        fraction=0.5,
        gradients=None,
        generator=torch.Generator(),
        prune_gradients=prune_gradients,
        history=history,
    )


def test_rules_get_what_they_ask_for() -> None:
    """A prune rule its gradients, a grow rule where weights have been and where gradients led."""
    prune, grow = AskingPrune({}), AskingGrow({})
    asked(prune, grow, history=History(explored=TOPOLOGY, momentum=MOMENTUM))

    assert prune.given is not None
    assert torch.equal(prune.given["a"], GRADIENTS["a"])
    assert grow.given is not None
    assert grow.given.explored == TOPOLOGY
    assert grow.given.explored is not TOPOLOGY, "a copy, as all that plugins see"
    assert grow.given.momentum is not None
    assert torch.equal(grow.given.momentum["b"], MOMENTUM["b"])


def test_a_grow_rule_that_asks_for_the_history_sees_what_has_just_been_pruned() -> None:
    """A copy of every layer's mask: what it writes there changes nothing."""

    class Vandal(AskingGrow):
        def grow(self, *args: Any, history: History | None = None, **named: Any) -> Masks:
            assert history is not None
            self.seen = {name: mask.tolist() for name, mask in history.dropped.items()}
            for one in history.dropped.values():
                one.fill_(False)
            return super().grow(*args, history=history, **named)

    grow = Vandal({"b": mask(0, 0, 1)})
    result = asked(
        AskingPrune({"a": mask(0, 1, 0, 0, 0)}),
        grow,
        history=History(explored=TOPOLOGY, momentum=MOMENTUM),
    )

    assert grow.seen == {"a": [False, True, False, False, False], "b": [False, False, False]}
    assert result.topology.active() == {"a": 2, "b": 3}


def test_rules_that_ask_for_nothing_need_not_know_of_it() -> None:
    """The stated rules above have no such arguments, and are called all the same."""
    asked(StatedPrune({}), StatedGrow({}), history=History(explored=TOPOLOGY))


@pytest.mark.parametrize(
    ("prune", "grow", "given", "message"),
    [
        (AskingPrune({}), StatedGrow({}), {"prune_gradients": None}, "AskingPrune needs gradients"),
        (StatedPrune({}), AskingGrow({}), {}, "AskingGrow needs a history"),
        (
            StatedPrune({}),
            AskingGrow({}),
            {"history": History(explored=TOPOLOGY)},
            "AskingGrow needs momentum",
        ),
    ],
)
def test_what_rules_ask_for_in_vain_is_named(
    prune: Prune, grow: Grow, given: dict[str, Any], message: str
) -> None:
    """They are not called without it."""
    with pytest.raises(TopologyError, match=message):
        asked(prune, grow, **given)


def test_weights_must_fit() -> None:
    """A layer without a weight is an error before any plugin is asked."""
    with pytest.raises(TopologyError, match="b: the weights lack this layer"):
        update({}, {}, weights={"a": torch.ones(5)})


@pytest.mark.parametrize("fraction", [-0.1, 1.1])
def test_fractions_are_in_0_1(fraction: float) -> None:
    """What is no fraction is refused."""
    with pytest.raises(TopologyError, match="update fraction"):
        update({}, {}, fraction=fraction)
