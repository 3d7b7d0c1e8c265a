"""Parameters of the methods that core ships, and the work that they announce."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.manifest import DEFINITIONS, TestDrivenParams
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


def test_dense_training_is_one_pass_an_epoch() -> None:
    """Of one model, without a test."""
    [definition] = [one for one in DEFINITIONS if one.name == "uncompressed"]
    assert definition.workload is not None

    work = definition.workload(definition.params(), 7)

    assert (work.epochs, work.tests, work.candidates) == (7, 0, ())


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
