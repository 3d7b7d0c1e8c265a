"""Parameters of the search, and the work that a budget pays for."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import SpecError
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.specfile.models.components import definition_of

Prepare = Callable[..., RunContext]
Searching = Callable[..., dict[str, Any]]
LIST = [{"prune": {"type": "magnitude"}, "grow": {"type": "random"}, "set": {"density": [0.2]}}]


def params_of(prepare: Prepare, changes: dict[str, Any]) -> SearchParams:
    """The method's."""
    params = prepare(**changes).spec.method
    assert isinstance(params, SearchParams)
    return params


@pytest.mark.parametrize(
    ("changes", "where", "message"),
    [
        ({"budget": 0.5}, "method.budget", "0.5 trainings pay for no trial: a model costs 1"),
        ({"budget": 1.5, "twins": True}, "method.budget", "a model and its swap twin cost 2"),
        ({"sampler": "cma-es"}, "method.sampler", "write random or tpe or nsga2"),
        ({"pruner": "hyperband"}, "method.pruner", "write none or median or successive-halving"),
        ({"sampler": "nsga2", "pruner": "median"}, "method.pruner", "sampler nsga2 has several"),
        (
            {"strategies": [{key: LIST[0][key] for key in ("prune", "grow")}]},
            "method.strategies",
            "nothing to search",
        ),
    ],
)
def test_bad_input_has_a_position_and_a_hint(
    prepare: Prepare,
    searching: Searching,
    changes: dict[str, Any],
    where: str,
    message: str,
) -> None:
    """Before anything is built."""
    with pytest.raises(SpecError) as caught:
        prepare(**searching(**changes))

    [problem] = caught.value.problems
    assert problem.path == where
    assert message in f"{problem.message}; {problem.hint}"


@pytest.mark.parametrize(
    ("changes", "trials", "epochs"),
    [
        ({"budget": 3}, 3, 12),
        ({"budget": 3.9}, 3, 12),
        ({"budget": 5, "twins": True}, 2, 16),
        # Two settings are open: no third trial is paid for.
        ({"budget": 9, "strategies": LIST}, 2, 8),
    ],
)
def test_whole_trials_fit_into_the_budget(
    prepare: Prepare, searching: Searching, changes: dict[str, Any], trials: int, epochs: int
) -> None:
    """Swap twins included; a rest that pays for no whole trial stays."""
    params = params_of(prepare, searching(**changes))
    workload = definition_of(params).workload
    assert workload is not None

    work = workload(params, 4)

    assert (params.trials, work.epochs, work.tests, work.field) == (
        trials,
        epochs,
        trials,
        (trials,),
    )
    assert work.replay_epochs == 4


def test_a_pruner_may_make_more_trials_of_a_budget(prepare: Prepare, searching: Searching) -> None:
    """All but one of a quarter: 1 + 4 · 2, each of whose tests costs at least an epoch."""
    params = params_of(prepare, searching(pruner="median"))

    work = params.workload(4)

    assert params.report_epochs(4) == (1, 2, 3, 4)
    assert work.candidates == (9, 9, 9, 9)
    assert (work.epochs, work.tests) == (12, 12)


def test_a_trial_begins_where_a_whole_one_is_paid_for(
    prepare: Prepare, searching: Searching
) -> None:
    """To the last epoch."""
    params = params_of(prepare, searching(budget=2.5))

    assert params.next_trials(ended=2, trained=6, epochs=4) == 1
    assert params.next_trials(ended=2, trained=7, epochs=4) == 0
