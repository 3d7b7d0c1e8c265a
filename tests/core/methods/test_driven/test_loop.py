"""The test-driven loop: what it derives, trains, tests and carries on with."""

import gc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import SafeCompressError
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.lineage_training import LineageTraining
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.test_driven.loop import TestDriven
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.training.training_state import TrainingState

Prepare = Callable[..., RunContext]
Events = list[Mapping[str, Any]]

GRADIENT = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}


def method(prepare: Prepare, **changes: Any) -> TestDriven:
    """The method of the small spec."""
    made = prepare(**changes).method
    assert isinstance(made, TestDriven)
    return made


def start(loop: TestDriven, shop: MethodContext) -> TrainingState:
    """The first model of a run, untrained."""
    training = LineageTraining(shop, loop._training, twins=False)
    written = shop.settings([], density=0.3)
    return training.start(1, LineageSettings("as written", loop._training.start, written)).state


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

    state = start(loop, shop)

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
    state = start(method(prepare, **changes), shop)

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


@pytest.fixture
def tensor_bytes() -> Iterator[Callable[[], int]]:
    """Counts the bytes of tensors that the test has made and that are alive."""
    gc.collect()
    gc.freeze()  # other tests may have left tensors, some of which have no values
    yield _tensor_bytes
    gc.unfreeze()


def _tensor_bytes() -> int:
    """Those that share their values count once."""
    gc.collect()
    alive = (thing for thing in gc.get_objects() if issubclass(type(thing), torch.Tensor))
    storages = [tensor.untyped_storage() for tensor in alive if tensor.layout is torch.strided]
    return sum({each.data_ptr(): each.nbytes() for each in storages}.values())


@pytest.mark.parametrize("field", [[1] * 6, [3] * 6])
def test_memory_does_not_grow_with_rounds(
    prepare: Prepare,
    workshop: Callable[..., MethodContext],
    tensor_bytes: Callable[[], int],
    field: list[int],
) -> None:
    """Models that left are free, and so are candidates: what is alive is what goes on."""
    changes = {
        "training__epochs": 6,
        "method__rounds": 6,
        "method__field": field,
        "method__strategies": [{**GRADIENT, "set": {"learning_rate": [0.005, 0.02]}}],
    }
    context, held = workshop(**changes), list[int]()

    def look(event: Mapping[str, Any]) -> None:
        if event["event"] == "round_finished":
            held.append(tensor_bytes())

    context.events.add_listener(look)
    method(prepare, **changes).run(context)

    assert len(held) == 6
    assert max(held) <= 1.01 * held[1]
