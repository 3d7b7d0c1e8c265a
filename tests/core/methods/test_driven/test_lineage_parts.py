"""Lineages of a race that are trained and tested elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.methods.test_driven.tested_models import part_name
from safecompress_core.results.checkpoints import Checkpoints

Prepare = Callable[..., RunContext]
Events = list[Mapping[str, Any]]
RACE = {
    "method__field": [3, 2, 1],
    "method__rounds": 3,
    "method__twins": True,
    "method__strategies": [
        {
            "prune": {"type": "magnitude"},
            "grow": {"type": "gradient"},
            "set": {"learning_rate": [0.005, 0.02]},
        }
    ],
    "training__epochs": 3,
    "attackers": [{"type": "counterfactual"}, {"type": "loss-threshold"}],
}


def have_same_tensors(one: MethodOutcome, other: MethodOutcome) -> bool:
    """Whether the chosen models, with all that training goes on from, are the same."""
    first, second = one.chosen.tensors(), other.chosen.tensors()
    return first.keys() == second.keys() and all(
        torch.equal(tensor, second[name]) for name, tensor in first.items()
    )


def test_a_race_is_the_same_wherever_its_lineages_are_trained(
    prepare: Prepare,
    workshop: Callable[..., MethodContext],
    tmp_path: Path,
    events: Events,
    elsewhere_of: Any,
) -> None:
    """Records, archive and weights; the last lineage, which is alone, stays here."""
    method = prepare(**RACE).method
    here = method.run(workshop(**RACE))
    reported = [event["event"] for event in events]
    events.clear()
    context = workshop(**RACE)
    elsewhere = elsewhere_of(RACE, tmp_path / "other")

    there = method.run(
        replace(context, checkpoints=Checkpoints(tmp_path / "other"), do_parts=elsewhere)
    )

    assert there.rounds == here.rounds
    assert there.archive == here.archive
    assert there.chosen_id == here.chosen_id
    assert have_same_tensors(there, here)
    assert sorted(event["event"] for event in events) == sorted(reported)
    assert events[-1]["done"] == events[-1]["total"]
    assert [part.label.rpartition(" in ")[2] for part in elsewhere.done] == (
        ["round 1"] * 3 + ["round 2"] * 2
    )
    assert not list((tmp_path / "other").glob("*lineage*"))


def test_a_part_reads_its_own_lineage_alone(
    prepare: Prepare, workshop: Callable[..., MethodContext], tmp_path: Path, elsewhere_of: Any
) -> None:
    """The files of the others are not sent; an untrained lineage needs none."""
    context = workshop(**RACE)
    elsewhere = elsewhere_of(RACE, tmp_path / "other")

    prepare(**RACE).method.run(
        replace(context, checkpoints=Checkpoints(tmp_path / "other"), do_parts=elsewhere)
    )

    assert [part.reads for part in elsewhere.done[:3]] == [()] * 3
    second = {part.facts["position"]: part.reads for part in elsewhere.done[3:]}
    assert second[2] == tuple(
        f"round-1/{name}" for name in ("record.json", "2.safetensors", "3.safetensors")
    )


def test_after_an_interrupt_only_what_is_missing_is_done(
    prepare: Prepare, workshop: Callable[..., MethodContext], tmp_path: Path, elsewhere_of: Any
) -> None:
    """Parts that were finished count, in the middle of a round as well."""
    method, there = prepare(**RACE).method, tmp_path / "other"
    first = elsewhere_of(RACE, there, stops_after=4)

    def context(elsewhere: Any) -> MethodContext:
        return replace(workshop(**RACE), checkpoints=Checkpoints(there), do_parts=elsewhere)

    with pytest.raises(KeyboardInterrupt):
        method.run(context(first))
    assert (there / part_name(2, first.done[-1].facts["lineage"]) / "record.json").exists()
    second = elsewhere_of(RACE, there)
    resumed = method.run(context(second))

    assert len(first.done) + len(second.done) == 5
    assert resumed.rounds == method.run(workshop(**RACE)).rounds
