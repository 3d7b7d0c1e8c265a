"""The work of a round: who is trained, which attackers are spent, and who leaves why."""

from collections.abc import Callable, Mapping
from typing import Any

from safecompress_core.choose.archive import Archive
from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.lineage_training import LineageTraining
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.methods.test_driven.round_work import RoundWork
from safecompress_core.methods.test_driven.state import LoopState

Prepare = Callable[..., RunContext]
Events = list[Mapping[str, Any]]
GRADIENT = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
RACE = {
    "method__field": [5, 2, 1],
    "method__rounds": 3,
    "method__twins": True,
    "method__derive_at": 1,
    "method__strategies": [
        {**GRADIENT, "set": {"learning_rate": [0.005, 0.02], "density": [0.2, 0.1]}}
    ],
    "training__epochs": 3,
    "attackers": [
        {"type": "counterfactual"},
        {"type": "neural-blackbox", "epochs": 1, "adapt_epochs": 1},
    ],
}


def raced(prepare: Prepare, workshop: Callable[..., MethodContext]) -> MethodOutcome:
    """The outcome of a race of five lineages over three rounds."""
    return prepare(**RACE).method.run(workshop(**RACE))


def test_a_race_narrows_its_field_and_derives_candidates_at_last(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """Five lineages, two, and one with its five candidates; each lineage keeps its number."""
    outcome = raced(prepare, workshop)

    first, second, third = outcome.rounds
    assert [round_["lineages"] for round_ in outcome.rounds] == [5, 2, 1]
    assert [one["lineage"] for one in first["candidates"]] == [1, 2, 3, 4, 5]
    assert first["candidates"][0]["strategy"] == "as written"
    chosen = [one for one in first["candidates"] if one["chosen"]]
    assert {one["parent"] for one in second["candidates"]} == {one["id"] for one in chosen}
    assert {one["lineage"] for one in second["candidates"]} == {one["lineage"] for one in chosen}
    assert len(third["candidates"]) > 1
    assert len({one["lineage"] for one in third["candidates"]}) == 1
    assert outcome.chosen_id.startswith("r3c")


def test_whoever_leaves_a_race_has_lost_to_a_model_of_its_round(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """With the reason; those that stay, and candidates of one lineage, have none."""
    outcome = raced(prepare, workshop)

    for round_ in outcome.rounds[:2]:
        names = {one["id"] for one in round_["candidates"]}
        for one in round_["candidates"]:
            assert (one["left"] is None) == one["chosen"]
            if one["left"]:
                assert one["left"]["by"] in names - {one["id"]}
    assert all(one["left"] is None for one in outcome.rounds[2]["candidates"])


def test_trained_attackers_are_spent_on_the_last_rounds(
    prepare: Prepare, workshop: Callable[..., MethodContext], events: Events
) -> None:
    """Among five lineages a threshold attack counts in its place, and has no rival of its own."""
    outcome = raced(prepare, workshop)

    first, second, _ = (
        [one["attacks"]["neural-blackbox"] for one in round_["candidates"]]
        for round_ in outcome.rounds
    )
    assert all(one["outdone_by"] and one["own_advantage"] is None for one in first)
    assert all(not one["outdone_by"] or one["own_advantage"] is not None for one in second)


def test_a_race_costs_what_its_plan_says(
    prepare: Prepare, workshop: Callable[..., MethodContext]
) -> None:
    """Three epochs: ten models for one, four for one, and at last two for none and ten for one."""
    outcome = raced(prepare, workshop)

    costs = [round_["trainings"] * 3 for round_ in outcome.rounds]
    assert [round(cost, 9) for cost in costs[:2]] == [10, 4]
    params: Any = prepare(**RACE).spec.method
    assert round(sum(costs), 9) == 2 * sum(one.epochs for one in params.timetable(3))


def test_a_field_that_is_narrower_than_planned_costs_what_it_trains(
    prepare: Prepare, workshop: Callable[..., MethodContext], events: Events
) -> None:
    """One lineage of five: two models for one epoch of three; what left early counts as done."""
    params = prepare(**RACE).spec.method
    assert isinstance(params, TestDrivenParams)
    rules = [(strategy.prune, strategy.grow) for strategy in params.strategies]
    sparse = SparseTraining(params, rules)
    context = workshop(**RACE)
    training = LineageTraining(context, sparse, twins=True)
    drawn = LineageSettings("as written", "random", sparse.settings(context))
    archive = Archive(weights=tuple(context.evaluator.weights.tolist()))
    state = LoopState(lineages=(training.start(1, drawn),), rounds=(), archive=archive)

    [record] = RoundWork(params, (), training, state).run().rounds

    assert record["lineages"] == 1
    assert record["trainings"] == 2 / 3
    [finished] = [event for event in events if event["event"] == "round_finished"]
    assert finished["done"] == 5
