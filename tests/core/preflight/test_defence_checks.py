"""Defences that cannot work in a model, next to each other or in a method."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import SpecError
from safecompress_core.preflight.run_checks import require_feasible
from tests.core.fixtures.refusals import line, refusal

Prepare = Callable[..., RunContext]

RANDOM = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}
GRADIENT = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
PRIVATE = {"type": "dp-sgd", "noise": 1.0}


def test_a_defences_flaws_are_told_at_its_place(prepare: Prepare, tmp_path: Path) -> None:
    """Beside another one, and for the schedule of the run: 898 members."""
    run_context = prepare(
        method__strategies=[RANDOM],
        method__defences=[{"type": "mixup"}, {**PRIVATE, "delta": 0.5}],
    )

    place = line(tmp_path, "dp-sgd")
    found = refusal(run_context)
    assert found[0] == (
        f"{place}: method.defences.1.type: 'mixup' combines several samples, or uses members "
        "without noise, which dp-sgd does not cover; remove one of the two"
    )
    assert found[1].startswith(f"{place + 2}: method.defences.1.delta: a delta of 0.5 permits ")


def test_answers_go_through_one_guard_alone(prepare: Prepare, tmp_path: Path) -> None:
    """The second one is refused, by its place."""
    guards = [{"type": "memguard"}, {"type": "memguard", "id": "other"}]

    assert refusal(prepare(method__defences=guards, pools={"reference": 0.2})) == [
        f"{line(tmp_path, 'other') - 1}: method.defences.1.type: only one output guard is "
        "allowed; the spec has 'memguard' and 'other'; remove one of them"
    ]


def test_a_guard_that_learns_from_members_is_refused_beside_a_guarantee(prepare: Prepare) -> None:
    """HAMP's asks about inputs between bounds, which handwriting has; else members tell them."""
    hamp = {"type": "hamp", "entropy": 0.8}
    run_context = prepare(method__strategies=[RANDOM], method__defences=[hamp, PRIVATE])
    require_feasible(run_context)

    boundless = prepare(method__strategies=[RANDOM], method__defences=[hamp, PRIVATE])
    vars(boundless.samples)["dataset"] = replace(boundless.dataset, bounds=None)

    [found] = refusal(boundless)
    assert found.endswith(
        "'dp-sgd' bounds what members do to what ships, and for the guard of 'hamp' inputs are "
        "drawn between the members' own extremes, since the data have no bounds; take one of the "
        "two out"
    )


def test_nothing_may_reach_a_model_past_a_guarantee(prepare: Prepare, tmp_path: Path) -> None:
    """Gradients to grow by are the members' own, and so are weights trained without it."""
    run_context = prepare(
        method__strategies=[RANDOM, GRADIENT],
        method__initial={"type": "erdos-renyi", "weights": "inherit"},
        method__defences=[PRIVATE],
    )

    assert refusal(run_context) == [
        f"{line(tmp_path, 'inherit')}: method.initial.weights: 'dp-sgd' bounds what members do to "
        "the model, and these weights know them; write 'random', or 'pretrained'",
        f"{line(tmp_path, 'gradient')}: method.strategies.1.grow.type: 'dp-sgd' bounds what "
        "members do to the model, and this reads their gradients; write 'random'",
    ]


@pytest.mark.parametrize(
    ("strategy", "place", "hint"),
    [
        ({**RANDOM, "prune": {"type": "saliency"}}, "prune", "magnitude"),
        ({**RANDOM, "prune": {"type": "movement"}}, "prune", "magnitude"),
        ({**RANDOM, "grow": {"type": "momentum"}}, "grow", "random"),
    ],
    ids=["saliency", "movement", "momentum"],
)
def test_pruning_by_gradients_and_growing_by_momentum_are_no_way_past_either(
    prepare: Prepare, strategy: dict[str, Any], place: str, hint: str
) -> None:
    """What replaces them is named by its role; signs and unexplored positions tell of nobody."""
    allowed = {"prune": {"type": "set"}, "grow": {"type": "random-unfired"}}
    run_context = prepare(method__strategies=[allowed, strategy], method__defences=[PRIVATE])

    [found] = refusal(run_context)
    assert f"method.strategies.1.{place}.type: 'dp-sgd' bounds" in found
    assert found.endswith(f"write '{hint}'")


def test_who_guarantees_nothing_may_stand_anywhere(prepare: Prepare) -> None:
    """Clipping alone grows by gradients."""
    require_feasible(
        prepare(
            method__strategies=[GRADIENT],
            method__initial={"type": "erdos-renyi", "weights": "inherit"},
            method__defences=[{"type": "dp-sgd", "noise": 0}],
        )
    )


def test_weights_trained_without_the_defence_are_refused_as_one_start_of_several(
    prepare: Prepare, tmp_path: Path
) -> None:
    """A lineage that inherits would have no guarantee, whatever the others have."""
    run_context = prepare(
        method__field=2,
        method__strategies=[RANDOM],
        method__initial={"type": "erdos-renyi", "weights": ["random", "inherit"]},
        method__defences=[PRIVATE],
    )

    assert refusal(run_context) == [
        f"{line(tmp_path, 'weights')}: method.initial.weights: 'dp-sgd' bounds what members do to "
        "the model, and these weights know them; write 'random', or 'pretrained'"
    ]


@pytest.mark.parametrize("initial", ["snip", "grasp"])
def test_a_first_topology_by_members_gradients_is_refused(prepare: Prepare, initial: str) -> None:
    """Which weights are active from the start would tell of members."""
    run_context = prepare(
        method__strategies=[RANDOM],
        method__initial={"type": initial},
        method__defences=[PRIVATE],
    )

    [found] = refusal(run_context)
    assert "method.initial.type: 'dp-sgd' bounds what members do to the model, and this" in found
    assert found.endswith("write 'erdos-renyi-kernel'")


@pytest.mark.parametrize("noise", [[0, 0.5], {"low": 0, "high": 0.5}])
def test_noise_that_a_strategy_turns_on_forbids_gradients_as_well(
    prepare: Prepare, tmp_path: Path, noise: Any
) -> None:
    """The defence as written clips alone; the strategy that grows by gradient is named."""
    run_context = prepare(
        method__strategies=[{**RANDOM, "set": {"dp-sgd.noise": noise}}, GRADIENT],
        method__defences=[{"type": "dp-sgd", "noise": 0}],
    )

    assert refusal(run_context) == [
        f"{line(tmp_path, 'gradient')}: method.strategies.1.grow.type: 'dp-sgd' with noise 0.5, as "
        "'set' has it, bounds what members do to the model, and this reads their gradients; write "
        "'random'"
    ]


@pytest.mark.parametrize("changes", [{"dp-sgd.clip": [0.1, 2]}, {"dp-sgd.noise": {"factor": 2}}])
def test_clipping_alone_grows_by_gradients_whatever_the_clip(
    prepare: Prepare, changes: dict[str, Any]
) -> None:
    """Neither a clip nor a factor of 0 adds noise."""
    require_feasible(
        prepare(
            method__strategies=[{**GRADIENT, "set": changes}],
            method__defences=[{"type": "dp-sgd", "noise": 0}],
        )
    )


def test_a_flaw_that_only_a_strategy_makes_is_told_at_its_place(
    prepare: Prepare, tmp_path: Path
) -> None:
    """A delta of 0.5 permits publishing half of the members."""
    run_context = prepare(
        method__strategies=[{**RANDOM, "set": {"dp-sgd.delta": [0.00001, 0.5]}}],
        method__defences=[PRIVATE],
    )

    [found] = refusal(run_context)
    place = "method.strategies.0.set.dp-sgd.delta"
    assert found.startswith(f"{line(tmp_path, 'dp-sgd.delta')}: {place}: a delta of 0.5 permits")


@pytest.mark.parametrize("place", ["written", "set"])
def test_views_need_augmentation_before_them(prepare: Prepare, tmp_path: Path, place: str) -> None:
    """In the spec, and where a strategy opens them; behind dp-sgd it is too late."""
    changes = {"dp-sgd.views": [2]} if place == "set" else {}
    private = PRIVATE if place == "set" else {**PRIVATE, "views": 2}
    shaken = {"type": "augmentation", "noise": 0.1}
    strategies = [{**RANDOM, "set": changes}]

    [found] = refusal(prepare(method__strategies=strategies, method__defences=[private, shaken]))
    where = "strategies.0.set.dp-sgd" if place == "set" else "defences.0"
    assert found == (
        f"{line(tmp_path, 'views')}: method.{where}.views: nothing before it changes inputs, so "
        "all 2 views are the same; write training.augmentation, {type: augmentation} before it, or "
        "views: 1"
    )
    require_feasible(prepare(method__strategies=strategies, method__defences=[shaken, private]))
    cropped = {"epochs": 4, "augmentation": {"crop": 1}}
    require_feasible(
        prepare(method__strategies=strategies, method__defences=[private], training=cropped)
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dp-sgd.noise": [0.5, -1]}, "noise: 'noise' cannot be -1: -1 is less than 0"),
        ({"dp-sgd.noise": {"factor": -1}}, "noise: 'noise' cannot be -1"),
        ({"dp-sgd.noise": {"low": -1, "high": 1}}, "noise.low: 'noise' cannot be -1"),
        ({"dp-sgd.clip": [0]}, "clip: 'clip' cannot be 0: 0 is not greater than 0"),
        ({"dp-sgd.clip": {"factor": [2, -2]}}, "clip: 'clip' cannot be -2"),
        ({"dp-sgd.clip": {"low": -1, "high": 1}}, "clip.low: 'clip' cannot be -1"),
    ],
)
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_a_clip_or_noise_below_zero_is_refused(
    prepare: Prepare, changes: dict[str, Any], message: str, noise: float
) -> None:
    """In a list, by a factor or in a range; a factor below zero also where noise is off."""
    with pytest.raises(SpecError) as caught:
        prepare(
            method__strategies=[{**RANDOM, "set": changes}],
            method__defences=[{"type": "dp-sgd", "noise": noise}],
        )

    [problem] = caught.value.problems
    assert f"{problem.path}: {problem.message}".startswith(
        f"method.strategies.0.set.dp-sgd.{message}"
    )
    assert problem.line > 1


@pytest.mark.parametrize("defence", [PRIVATE, {"type": "dropout"}])
def test_what_hooks_the_forward_pass_is_not_compiled(
    prepare: Prepare, monkeypatch: pytest.MonkeyPatch, defence: dict[str, Any]
) -> None:
    """Torch fixes the pass beforehand, hooks or none."""
    monkeypatch.setattr("shutil.which", lambda _: "g++")
    run_context = prepare(
        training={"epochs": 4, "compile": True},
        device="cpu",
        method__strategies=[RANDOM],
        method__defences=[defence],
    )

    [found] = refusal(run_context)

    assert "changes the forward pass, which training.compile fixes beforehand" in found
    assert found.endswith("write 'training.compile: false'")


def test_batch_normalisation_is_refused_with_its_layers_before_dp_sgd(prepare: Prepare) -> None:
    """And taken with groups."""
    images = {"type": "made-up", "samples": 200, "classes": 14, "shape": [3, 32, 32]}
    private = {"method__strategies": [RANDOM], "method__defences": [PRIVATE]}
    pools = {"attackers": [], "audit__attackers": [], "method__keep": False}

    def prepared(**model: Any) -> RunContext:
        task = {"data": images, "model": {"type": "vgg16", "width": 0.1, **model}}
        return prepare(task=task, **private, **pools)

    [found] = refusal(prepared())

    assert "dp-sgd does not support '1' (BatchNorm2d) and 14 more: it mixes samples" in found
    require_feasible(prepared(normalisation="group"))
