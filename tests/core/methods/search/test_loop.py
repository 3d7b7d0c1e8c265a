"""The search as a whole, on real data."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext, MethodOutcome

Prepare = Callable[..., RunContext]
Searching = Callable[..., dict[str, Any]]
Workshop = Callable[..., MethodContext]
Events = list[Mapping[str, Any]]


@pytest.fixture
def run(prepare: Prepare, workshop: Workshop) -> Callable[..., MethodOutcome]:
    """Runs the method of the small spec with these changes."""

    def made(changes: dict[str, Any]) -> MethodOutcome:
        return prepare(**changes).method.run(workshop(**changes))

    return made


def renamed(folder: Path, name: str) -> None:
    """Make room for another run."""
    for part in ("archive", "checkpoints"):
        (folder / part).rename(folder / f"{name}-{part}")


@pytest.mark.parametrize("twins", [False, True])
def test_a_search_of_one_trial_trains_and_tests_as_a_race_of_one_lineage_does(
    run: Callable[..., MethodOutcome], searching: Searching, tmp_path: Path, twins: Any
) -> None:
    """The same weights to the last bit, and the same figures of the same tests."""
    changes = searching(budget=2 if twins else 1, twins=twins)
    found = run(changes)
    renamed(tmp_path, "search")
    method = {key: value for key, value in changes["method"].items() if key != "budget"}
    race = {"type": "test-driven", "rounds": 1, "field": 1, "derive_at": 0}

    fixed = run({**changes, "method": {**method, **race}})

    tensors = fixed.chosen.tensors()
    assert all(tensor.equal(tensors[name]) for name, tensor in found.chosen.tensors().items())
    assert found.rounds == fixed.rounds


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
def test_every_sampler_keeps_to_the_budget(
    run: Callable[..., MethodOutcome], searching: Searching, events: Events, sampler: str
) -> None:
    """Three trials of a model and its twin; the archive has finished models alone."""
    outcome = run(searching(sampler=sampler, budget=7, twins=True))

    [record] = outcome.rounds
    # A fourth trial would cost 8 of 7.
    assert record["trainings"] == 6
    assert record["lineages"] == 3
    assert outcome.archive is not None
    assert {entry.id for entry in outcome.archive.entries} <= {"r1c1", "r1c2", "r1c3"}
    assert [event["trainings"] for event in events if event["event"] == "trial_finished"] == [
        2,
        4,
        6,
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"sampler": "tpe", "pruner": "successive-halving", "reports": 2},
        {"sampler": "nsga2", "twins": True, "budget": 6},
    ],
)
def test_a_run_that_is_killed_goes_on_to_the_same_end(
    prepare: Prepare,
    workshop: Workshop,
    searching: Searching,
    tmp_path: Path,
    params: dict[str, Any],
) -> None:
    """Before and after each checkpoint: model, rounds and files of the archive are the same."""
    changes = searching(**params)
    expected = prepare(**changes).method.run(workshop(**changes))
    wanted = {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()}
    renamed(tmp_path, "undisturbed")
    kills = iter(["before", "after"] * 10)

    outcome = None
    while outcome is None:
        context = workshop(**changes)
        save, kill = context.checkpoints.save, next(kills)

        def killed(*kept: Any, save: Callable[..., None] = save, when: str = kill) -> None:
            if when == "after":
                save(*kept)
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch, suppress(KeyboardInterrupt):
            patch.setattr(context.checkpoints, "save", killed)
            outcome = prepare(**changes).method.run(context)

    assert outcome.rounds == expected.rounds
    assert outcome.chosen_id == expected.chosen_id
    tensors = expected.chosen.tensors()
    assert all(tensor.equal(tensors[name]) for name, tensor in outcome.chosen.tensors().items())
    assert {path.name: path.read_bytes() for path in (tmp_path / "archive").iterdir()} == wanted


def problems(prepare: Prepare, changes: dict[str, Any]) -> list[tuple[object, str, str]]:
    """What the method says before training."""
    made = prepare(**changes)
    found = made.method.check(
        made.create_network(), made.recipe, made.registry.create, made.architecture
    )
    return [(problem.path[0], problem.message, problem.hint) for problem in found]


def test_a_sampler_that_optuna_lacks_is_found_before_training(
    prepare: Prepare, searching: Searching, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the samplers that it has."""
    monkeypatch.delattr(optuna.samplers, "NSGAIISampler")

    [(where, message, hint)] = problems(prepare, searching(sampler="nsga2"))

    assert where == "sampler"
    assert message == f"optuna {optuna.__version__} has no NSGAIISampler"
    assert hint == "write random or tpe"


def test_more_reports_than_epochs_are_found_before_training(
    prepare: Prepare, searching: Searching
) -> None:
    """A report needs an epoch, but without a pruner there are none."""
    [(where, message, _)] = problems(prepare, searching(pruner="median", reports=5))

    assert where == "reports"
    assert message == "5 reports do not fit into 4 training.epochs"
    assert problems(prepare, searching(reports=5)) == []
