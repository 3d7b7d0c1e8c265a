"""Places of components in a spec."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.errors import ComponentError
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.placing import locating, locating_components

Load = Callable[..., LoadedSpec[Any]]


def failure(params: object, **more: str) -> ComponentError:
    """A component with these parameters that has failed."""
    return ComponentError("failed", plugin="a", distribution="acme 1", params=params, **more)


def test_a_failure_gets_the_place_of_its_component(loaded: Load) -> None:
    """File, line and column of its type, and its path."""
    spec = loaded()
    probe = spec.spec.audit.attackers[1]

    with pytest.raises(ComponentError) as caught, locating(spec):
        raise failure(probe)

    assert caught.value.place == "trial.yaml:19:14: audit.attackers.1"
    assert str(caught.value).startswith("trial.yaml:19:14: audit.attackers.1: acme 1: a: failed")


def test_parameters_that_training_has_changed_are_those_of_their_type(loaded: Load) -> None:
    """The first component of the type is named then."""
    spec = loaded()
    [defence] = spec.spec.method.defences

    with pytest.raises(ComponentError) as caught, locating(spec):
        raise failure(defence.model_copy(update={"target": 0.1}))

    assert caught.value.place == "trial.yaml:10:14: method.defences.0"


@pytest.mark.parametrize("more", [{}, {"place": "other.yaml:1:1"}])
def test_what_is_no_part_of_the_spec_stays_as_it_is(loaded: Load, more: dict[str, str]) -> None:
    """Nor does a place that is known already change."""
    error = failure(object(), **more)

    with pytest.raises(ComponentError) as caught, locating(loaded()):
        raise error

    assert caught.value is error


def test_a_function_finds_the_spec_among_its_arguments(loaded: Load) -> None:
    """By name or by position; its result is handed on."""
    spec = loaded()

    @locating_components
    def run(number: int, given: LoadedSpec[Any]) -> int:
        if number:
            raise failure(given.spec.task.model)
        return 7

    assert run(0, given=spec) == 7
    with pytest.raises(ComponentError) as caught:
        run(1, spec)
    assert caught.value.place == "trial.yaml:5:17: task.model"
