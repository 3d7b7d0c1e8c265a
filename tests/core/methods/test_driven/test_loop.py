"""The test-driven loop: what it derives, trains, tests and carries on with."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import SafeCompressError
from safecompress_core.methods.manifest import TestDrivenParams
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.methods.test_driven.loop import TestDriven
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.models.components import definition_of

Prepare = Callable[..., RunContext]
Events = list[Mapping[str, Any]]

GRADIENT = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
RANDOM = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}


@pytest.fixture
def events() -> Events:
    """What the method tells."""
    return []


@pytest.fixture
def workshop(prepare: Prepare, tmp_path: Path, events: Events) -> Callable[..., MethodContext]:
    """Makes workshops of a small spec with some of its fields changed."""

    def made(**changes: Any) -> MethodContext:
        run_context = prepare(**changes)
        return run_context.method_context(
            "method",
            big=None,
            checkpoints=Checkpoints(tmp_path / "checkpoints"),
            archived=lambda name: tmp_path / "archive" / f"{name}.safetensors",
            events=EventLog(events.append, total=run_context.method.units()),
        )

    return made


def method(prepare: Prepare, **changes: Any) -> TestDriven:
    """The method of the small spec."""
    made = prepare(**changes).method
    assert isinstance(made, TestDriven)
    return made


def test_a_round_trains_derives_tests_and_chooses(
    prepare: Prepare, workshop: Callable[..., MethodContext], events: Events
) -> None:
    """Two rounds of the unchanged model and two strategies; all have the wanted density."""
    outcome = method(prepare).run(workshop())

    assert [len(round_["candidates"]) for round_ in outcome.rounds] == [3, 3]
    assert [round_["epochs"] for round_ in outcome.rounds] == [2, 4]
    for round_ in outcome.rounds:
        names = [candidate["strategy"] for candidate in round_["candidates"]]
        assert names == ["keep", "magnitude × gradient", "magnitude × random"]
        assert {candidate["density"] for candidate in round_["candidates"]} == {187 / 624}
        assert sum(candidate["chosen"] for candidate in round_["candidates"]) == 1
    first, second = (next(c for c in r["candidates"] if c["chosen"]) for r in outcome.rounds)
    assert {candidate["parent"] for candidate in outcome.rounds[1]["candidates"]} == {first["id"]}
    assert outcome.chosen_id == second["id"]
    assert outcome.chosen.epoch == 4
    assert [event["event"] for event in events][:3] == [
        *("attack_finished", "candidate_tested", "attack_finished")
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method__beam": 2, "method__rounds": 3},
        {"method__keep": False},
        {"method__beam": 9, "method__rounds": 2},
    ],
)
def test_progress_ends_where_it_was_said_to(
    prepare: Prepare,
    workshop: Callable[..., MethodContext],
    events: Events,
    changes: dict[str, Any],
) -> None:
    """Each event counts what is finished; the last round ends with all of it."""
    method(prepare, **changes).run(workshop(**changes))
    done = [event["done"] for event in events]

    assert done == sorted(done)
    assert events[-1]["event"] == "round_finished"
    assert events[-1]["done"] == events[-1]["total"]
    tested = [event for event in events if event["event"] == "candidate_tested"]
    assert len({event["done"] for event in tested}) == len(tested)


def test_a_beam_carries_several_models_each_with_its_own_settings(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """A factor moves a dial from where the parent stands."""
    changes: dict[str, Any] = {
        "method__beam": 2,
        "method__defences": [{"type": "l2", "weight": 0.1}],
        "method__strategies": [{**GRADIENT, "set": {"l2.weight": {"factor": [0.5, 2]}}}],
    }
    outcome = method(prepare, **changes).run(workshop(**changes))
    first, second = outcome.rounds
    carried = {c["id"]: c["settings"] for c in first["candidates"] if c["chosen"]}
    weights = {
        (parent, c["strategy"]): c["settings"]["defences"]["l2"]["weight"]
        for parent in carried
        for c in second["candidates"]
        if c["parent"] == parent
    }

    assert len(carried) == 2
    assert {c["parent"] for c in second["candidates"]} == set(carried)
    assert [c["id"] for c in second["candidates"]] == [f"r2c{n}" for n in range(1, 7)]
    for (parent, strategy), weight in weights.items():
        factor = {"keep": 1, "x2": 2}.get(strategy.split()[-1], 0.5)
        assert weight == carried[parent]["defences"]["l2"]["weight"] * factor


def test_all_candidates_of_a_round_meet_attackers_of_the_same_draws(
    prepare: Prepare, workshop: Callable[..., MethodContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the carried models they come from."""
    shop = workshop(method__beam=2)
    units: list[str] = []
    examine = shop.evaluator.evaluate

    def noted(*args: Any, unit: str, **more: Any) -> Any:
        units.append(unit)
        return examine(*args, unit=unit, **more)

    monkeypatch.setattr(shop.evaluator, "evaluate", noted)
    method(prepare, method__beam=2).run(shop)

    assert len(units) == 3 + 6
    assert len(set(units[:3])) == len(set(units[3:])) == 1


def test_candidates_without_a_change_that_is_possible_are_left_out(
    prepare: Prepare, workshop: Callable[..., MethodContext], events: Events
) -> None:
    """A dial at its end; if that is so for all of them, the model goes on as it is."""
    changes: dict[str, Any] = {
        "method__keep": False,
        "method__update_fraction": 0.6,
        "method__strategies": [{**GRADIENT, "set": {"update_fraction": {"factor": 1.5}}}],
    }
    outcome = method(prepare, **changes).run(workshop(**changes))

    assert [[c["strategy"] for c in r["candidates"]] for r in outcome.rounds] == [
        ["magnitude × gradient, update_fraction x1.5"],
        ["keep"],
    ]
    left_out = [event for event in events if event["event"] == "candidate_left_out"]
    assert [(event["round"], event["strategy"]) for event in left_out] == [
        (2, "magnitude × gradient, update_fraction x1.5")
    ]


def test_a_dial_that_would_reshape_a_defence_is_refused_before_a_round_is_trained(
    prepare: Prepare, workshop: Callable[..., MethodContext], events: Events
) -> None:
    """What an adversary has learned fits one width; the message says which dial to leave out."""
    defence = {"type": "gradient-reversal", "attribute": "digit"}
    dial = GRADIENT | {"set": {"gradient-reversal.hidden": 7}}
    changes: dict[str, Any] = {"method__defences": [defence], "method__strategies": [dial]}

    with pytest.raises(SafeCompressError, match=r"defence gradient-reversal .*\(hidden\)"):
        method(prepare, **changes).run(workshop(**changes))
    assert events == []


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((200, 8, 0.4), [(15, 25), (40, 50), (65, 75), (90, 100)]),
        ((10, 3, 0.5), [(1, 3), (4, 6), (8, 10)]),
        ((3, 3, 0.4), [(0, 1), (1, 2), (2, 3)]),
        ((4, 2, 0.01), [(1, 2), (3, 4)]),
    ],
)
def test_rounds_share_the_epochs_and_every_candidate_is_trained(
    prepare: Prepare,
    shape: tuple[int, int, float],
    expected: list[tuple[int, int]],
) -> None:
    """For one epoch at least: what has grown is 0 until then, and invisible."""
    epochs, rounds, finetune = shape
    changes = {
        "method__rounds": rounds,
        "method__finetune": finetune,
        "training__epochs": epochs,
    }
    params = prepare(**changes).spec.method
    assert isinstance(params, TestDrivenParams)

    found = [(one.middle, one.end) for one in params.timetable(epochs)]

    assert found[: len(expected)] == expected
    assert found[-1][1] == epochs


def test_tests_may_begin_late(prepare: Prepare) -> None:
    """The first model trains until then, and rounds share what is left."""
    changes = {"method__tests_from": 0.5, "method__rounds": 2, "method__finetune": 0.4}
    params = prepare(training__epochs=20, **changes).spec.method
    assert isinstance(params, TestDrivenParams)

    rounds = params.timetable(20)

    assert [(one.start, one.middle, one.end) for one in rounds] == [(0, 13, 15), (15, 18, 20)]


def test_inherited_weights_are_the_big_models_largest(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """Random positions and fresh weights otherwise."""
    changes = {"method__initial": {"type": "uniform", "weights": "inherit"}}
    shop = workshop(**changes)
    big = shop.create_network()
    with torch.no_grad():
        for parameter in big.parameters():
            parameter.copy_(torch.linspace(0, 1, parameter.numel()).view_as(parameter))
    shop = replace(shop, copy_uncompressed=lambda: big)
    loop = method(prepare, **changes)

    state = loop._start(shop, shop.settings([])).beam[0].state

    for name, weight in big.sparse_parameters().items():
        active = state.topology.masks[name]  # type: ignore[union-attr]
        assert active.flatten().tolist() == sorted(active.flatten().tolist())
        assert torch.equal(state.weights[name][active], weight[active])


def test_pretrained_weights_are_the_largest_that_the_model_comes_with(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """Not those of the trained uncompressed model."""
    changes = {"method__initial": {"type": "uniform", "weights": "pretrained"}}
    shop = workshop(**changes)
    given = shop.create_network().sparse_parameters()
    state = method(prepare, **changes)._start(shop, shop.settings([])).beam[0].state

    for name, weight in given.items():
        active = state.topology.masks[name]  # type: ignore[union-attr]
        assert weight[active].abs().min() >= weight[~active].abs().max()
        assert torch.equal(state.weights[name][active], weight[active])


def files(folder: Path) -> set[str]:
    """Names without their endings."""
    return {path.stem for path in folder.glob("*")}


def test_the_archive_on_disk_is_the_front(
    prepare: Prepare, workshop: Callable[..., MethodContext], tmp_path: Path
) -> None:
    """One model file for each entry, none for what is dominated, each of the wanted density."""
    outcome = method(prepare).run(workshop())
    assert outcome.archive is not None
    entries = {entry.id for entry in outcome.archive.entries}

    assert files(tmp_path / "archive") == entries
    for name in entries:
        stored = load_model(tmp_path / "archive" / f"{name}.safetensors")
        assert stored.topology.total_active == 187


def run_until(
    loop: TestDriven, shop: MethodContext, saves: int, monkeypatch: Any
) -> MethodOutcome | None:
    """Run a method that is stopped where it would make one checkpoint too many."""
    save = shop.checkpoints.save
    made: list[str] = []

    def killed(name: str, *rest: Any) -> None:
        if len(made) == saves:
            raise KeyboardInterrupt
        made.append(name)
        save(name, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(shop.checkpoints, "save", killed)
        try:
            return loop.run(shop)
        except KeyboardInterrupt:
            return None


def test_a_run_killed_after_the_archive_was_written_goes_on_to_the_same_end(
    prepare: Prepare,
    workshop: Callable[..., MethodContext],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the files of a round and its checkpoint: what the last checkpoint lists is there.

    The network has so many layers that their names are not in alphabetical order.
    """
    changes = {
        "method__rounds": 3,
        "method__strategies": [RANDOM],
        "task__model__hidden": [6, 6, 6, 6, 6],
    }
    expected = method(prepare, **changes).run(workshop(**changes))
    wanted = {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()}
    for folder in ("archive", "checkpoints"):
        (tmp_path / folder).rename(tmp_path / f"undisturbed-{folder}")

    for saves in (1, 1):
        shop = workshop(**changes)
        assert run_until(method(prepare, **changes), shop, saves, monkeypatch) is None
        [checkpoint] = (tmp_path / "checkpoints").iterdir()
        record, _ = shop.checkpoints.load(checkpoint.name)  # type: ignore[misc]
        assert {entry["id"] for entry in record["archive"]} <= files(tmp_path / "archive")
    found = method(prepare, **changes).run(workshop(**changes))

    assert {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()} == wanted
    assert found.archive == expected.archive
    assert found.chosen_id == expected.chosen_id
    kept, wanted_tensors = found.chosen.tensors(), expected.chosen.tensors()
    assert kept.keys() == wanted_tensors.keys()
    assert all(torch.equal(tensor, wanted_tensors[name]) for name, tensor in kept.items())


def test_one_checkpoint_is_kept_and_left_over_files_are_swept(
    prepare: Prepare, workshop: Callable[..., MethodContext], tmp_path: Path
) -> None:
    """Those of a candidate that is no longer on the front, wherever they came from."""
    shop = workshop()
    loop = method(prepare)
    stale = shop.archive_path("r1c1")
    stale.parent.mkdir()
    for number in (1, 2, 3):
        shop.archive_path(f"r1c{number}").write_bytes(b"left over")
    outcome = loop.run(shop)
    assert outcome.archive is not None

    assert files(tmp_path / "archive") == {entry.id for entry in outcome.archive.entries}
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["round-2"]


def test_nothing_of_the_plan_is_left_after_all_rounds_nor_where_they_were_done_before(
    prepare: Prepare, tmp_path: Path
) -> None:
    """The second attempt finds a checkpoint of the last round, so it trains and attacks nothing."""
    for attempt in ("first", "resumed"):
        run_context, told = prepare(), list[Mapping[str, Any]]()
        params = run_context.spec.method
        workload = definition_of(params).workload
        assert workload is not None
        work = workload(params, run_context.spec.training.epochs)
        events = EventLog(told.append)
        events.expect(1, epochs=work.epochs, attacks=work.tests * len(run_context.attacks))
        shop = run_context.method_context(
            "method",
            big=None,
            checkpoints=Checkpoints(tmp_path / "checkpoints"),
            archived=lambda name: tmp_path / "archive" / f"{name}.safetensors",
            events=events,
        )

        run_context.method.run(shop)
        events.emit("over")

        assert ("attack_finished" in {one["event"] for one in told}) == (attempt == "first")
        left = told[-1]["left"]
        assert left["counts_attacks"]
        assert left["seconds"] == pytest.approx(0.0, abs=1e-6)
