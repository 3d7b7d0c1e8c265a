"""Trials of a search that are trained and tested elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.results.checkpoints import Checkpoints

Prepare = Callable[..., RunContext]
Searching = Callable[..., dict[str, Any]]
Workshop = Callable[..., MethodContext]

SETTINGS: list[dict[str, Any]] = [
    {"sampler": "nsga2", "proposals": 2, "budget": 5},
    {"sampler": "tpe", "pruner": "median", "reports": 2, "proposals": 3, "budget": 5},
]


def content_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def require_same(one: MethodOutcome, other: MethodOutcome) -> None:
    """Check that records, archive and weights are the same."""
    assert one.rounds == other.rounds
    assert one.archive == other.archive
    assert one.chosen_id == other.chosen_id
    first, second = one.chosen.tensors(), other.chosen.tensors()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


@pytest.fixture
def moved(workshop: Workshop, tmp_path: Path) -> Callable[..., MethodContext]:
    """Contexts of the small spec in a folder of their own, whose parts are done elsewhere."""

    def made(changes: Mapping[str, Any], do_parts: Any) -> MethodContext:
        return replace(
            workshop(**changes),
            checkpoints=Checkpoints(tmp_path / "other"),
            archive_path=lambda name: tmp_path / "other-archive" / f"{name}.safetensors",
            do_parts=do_parts,
        )

    return made


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_search_is_the_same_wherever_its_trials_are_trained(
    *,
    prepare: Prepare,
    workshop: Workshop,
    moved: Callable[..., MethodContext],
    searching: Searching,
    elsewhere_of: Any,
    events: list[Mapping[str, Any]],
    tmp_path: Path,
    settings: dict[str, Any],
) -> None:
    """Whichever ends first; a trial that is alone in its group stays here."""
    changes = searching(**settings)
    method = prepare(**changes).method
    here = method.run(workshop(**changes))
    reported = [event for event in events if event["event"] == "trial_finished"]
    events.clear()
    elsewhere = elsewhere_of(changes, tmp_path / "other")

    there = method.run(moved(changes, elsewhere))

    require_same(there, here)
    assert content_of(tmp_path / "other-archive") == content_of(tmp_path / "archive")
    finished = [event for event in events if event["event"] == "trial_finished"]
    assert [event["trial"] for event in finished] == [event["trial"] for event in reported]
    assert events[-1]["done"] == events[-1]["total"]
    # A proposal depends on the trials before its group, so these are what a part needs.
    last = max(elsewhere.done, key=lambda part: part.facts["trial"])
    number = last.facts["trial"]
    assert last.reads == tuple(f"trial-{before}/*" for before in range(1, number))


def test_after_an_interrupt_only_what_is_missing_is_done(
    *,
    prepare: Prepare,
    workshop: Workshop,
    moved: Callable[..., MethodContext],
    searching: Searching,
    elsewhere_of: Any,
    tmp_path: Path,
) -> None:
    """Whether the trials that ended were the first of their group or not."""
    changes = searching(proposals=4, budget=4)
    method, there = prepare(**changes).method, tmp_path / "other"
    first = elsewhere_of(changes, there, stops_after=2)
    with pytest.raises(KeyboardInterrupt):
        method.run(moved(changes, first))
    second = elsewhere_of(changes, there)

    resumed = method.run(moved(changes, second))

    assert sorted(part.facts["trial"] for part in (*first.done, *second.done)) == [1, 2, 3, 4]
    require_same(resumed, method.run(workshop(**changes)))
    assert content_of(tmp_path / "other-archive") == content_of(tmp_path / "archive")
