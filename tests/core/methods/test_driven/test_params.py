"""Parameters of the test-driven loop, and the work that they announce."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.specfile.models.components import definition_of

Prepare = Callable[..., RunContext]


def test_the_work_of_the_loop_is_known_beforehand(prepare: Prepare) -> None:
    """Two rounds of 2 epochs: 1 + 1 for the model, and 1 for each of 3 candidates."""
    params = prepare().spec.method
    workload = definition_of(params).workload
    assert workload is not None

    work = workload(params, 4)

    assert work.candidates == (3, 3)
    assert (work.epochs, work.fits, work.tests) == (2 * (1 + 3), 2, 6)


@pytest.mark.parametrize(
    ("share", "epochs", "untested"), [(0.0, 10, 0), (0.25, 8, 2), (0.9, 10, 9)]
)
def test_epochs_before_tests_are_a_share_of_all(
    prepare: Prepare, share: float, epochs: int, untested: int
) -> None:
    """Rounded to whole epochs; the first round begins after them."""
    params = prepare(method__tests_from=share, method__rounds=1).spec.method
    assert isinstance(params, TestDrivenParams)

    assert params.epochs_before_tests(epochs) == untested
    assert params.timetable(epochs)[0].middle >= untested


@pytest.mark.parametrize("changes", [{"beam": 0}, {"confidence": 1.0}, {"tests_from": 1.0}])
def test_numbers_that_make_no_sense_are_refused(
    prepare: Prepare, changes: dict[str, float]
) -> None:
    """Before anything is built."""
    params = prepare().spec.method

    with pytest.raises(ValidationError):
        type(params).model_validate({**params.model_dump(), **changes})


RACE = [
    {
        "prune": {"type": "magnitude"},
        "grow": {"type": "gradient"},
        "set": {"learning_rate": [0.001, 0.01], "density": [0.2, 0.1, 0.05]},
    }
]


def race(prepare: Prepare, **changes: object) -> TestDrivenParams:
    """A race over 12 settings, in eight rounds."""
    given = {
        "method__rounds": 8,
        "method__strategies": RACE,
        "training__epochs": 8,
        **{f"method__{name}": value for name, value in changes.items()},
    }
    params = prepare(**given).spec.method
    assert isinstance(params, TestDrivenParams)
    return params


def test_a_field_may_be_a_number_a_list_or_what_a_budget_pays_for(prepare: Prepare) -> None:
    """Six by default; a list goes on with its last number; six trainings are six and twins."""
    twinned = {"attackers": [{"type": "counterfactual"}]}

    def widths(**changes: object) -> tuple[int, ...]:
        return race(lambda **given: prepare(**given, **twinned), twins=True, **changes).widths

    assert widths(field=None) == (6, 6, 4, 3, 2, 1, 1, 1)
    assert widths(field=4) == (4, 4, 3, 2, 1, 1, 1, 1)
    assert widths(field=[6, 2]) == (6, 2, 2, 2, 2, 2, 2, 2)
    assert widths(field=None, budget=6) == (6, 6, 4, 3, 2, 1, 1, 1)
    assert widths(field=None, budget=5.9)[0] == 5


def test_no_field_is_wider_than_what_the_strategies_open(prepare: Prepare) -> None:
    """Twelve settings, whatever the budget."""
    assert race(prepare, field=None, budget=500).widths[0] == 12


def test_the_work_of_a_race_counts_twins(prepare: Prepare) -> None:
    """Hand-worked: (3 + 2 + 1 + 1) epochs of a lineage, twice; each is tested once a round."""
    params = race(
        lambda **given: prepare(**given, attackers=[{"type": "counterfactual"}]),
        twins=True,
        rounds=4,
        field=[3, 2, 1],
    )
    workload = definition_of(params).workload
    assert workload is not None

    work = workload(params, 4)

    assert (work.epochs, work.tests, work.fits) == (14, 7, 7)
    assert work.field == work.candidates == (3, 2, 1, 1)
    assert params.cost() == pytest.approx(14 / 4)


def test_candidates_are_derived_from_a_single_lineage_unless_it_comes_from_a_race(
    prepare: Prepare,
) -> None:
    """The papers' algorithm derives in each round; a race where it is asked to."""
    assert all(one.derives for one in race(prepare, field=1).timetable(8))
    assert not any(one.derives for one in race(prepare, field=4).timetable(8))
    asked = race(prepare, field=4, derive_at=1).timetable(8)
    assert [one.derives for one in asked] == [False] * 4 + [True] * 4
