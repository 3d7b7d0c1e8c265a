"""Changes of training that cannot be made."""

from collections.abc import Callable

import pytest

from safecompress_core.specfile.checks.change_checks import opened_defences
from safecompress_core.specfile.load import LoadedSpec

PLACE = "13:12: method.steps.0.set"

CASES = {
    "a defence that is not there": (
        "{smoth.target: 0.1}",
        "13:13: method.steps.0.set.smoth.target: no defence of the method is called 'smoth'; "
        "did you mean 'smooth'?",
    ),
    "a parameter that is not there": (
        "{smooth.traget: 0.1}",
        "13:13: method.steps.0.set.smooth.traget: the defence 'smooth' has no parameter 'traget'; "
        "did you mean 'target'?",
    ),
    "a dial that is not there": (
        "{learning-rate: 0.1}",
        "13:13: method.steps.0.set.learning-rate: no hyperparameter is called 'learning-rate'; "
        "did you mean 'learning_rate'?",
    ),
    "a dial with nothing near": (
        "{zzz: 0.1}",
        "13:13: method.steps.0.set.zzz: no hyperparameter is called 'zzz'; "
        "there are: learning_rate, density, update_fraction, smooth.<parameter>",
    ),
    "a value out of range": (
        "{smooth.target: [0.1, 1.5]}",
        "13:28: method.steps.0.set.smooth.target: 'target' cannot be 1.5: 1.5 is greater than 1; "
        "write a number of at least 0 and of at most 1",
    ),
    "a factor out of range": (
        "{smooth.target: {factor: 5}}",
        "13:28: method.steps.0.set.smooth.target: 'target' cannot be 1.5: 1.5 is greater than 1; "
        "write a number of at least 0 and of at most 1",
    ),
    "a fraction for a whole number": (
        "{smooth.rounds: 1.5}",
        "13:28: method.steps.0.set.smooth.rounds: 'rounds' cannot be 1.5: "
        "1.5 is not a whole number; write a whole number",
    ),
    "a number for text": (
        "{smooth.mode: 3}",
        "13:26: method.steps.0.set.smooth.mode: 'mode' cannot be 3: 3 is not text; "
        "put it in quotes: '3'",
    ),
    "a factor of text": (
        "{smooth.mode: {factor: 2}}",
        "13:26: method.steps.0.set.smooth.mode: 'mode' is 'soft' and takes no factor; "
        "write the values themselves",
    ),
    "a learning rate of 0": (
        "{learning_rate: 0}",
        "13:28: method.steps.0.set.learning_rate: 'learning_rate' cannot be 0: "
        "0 is not greater than 0; write a number greater than 0",
    ),
    "an update fraction above 1": (
        "{update_fraction: {factor: 3}}",
        "13:30: method.steps.0.set.update_fraction: 'update_fraction' cannot be 1.5: "
        "1.5 is greater than 1; write a number of at least 0 and of at most 1",
    ),
    "a density above the method's": (
        "{density: [0.05, 0.2]}",
        "13:22: method.steps.0.set.density: density 0.2 is above method.density, 0.1; "
        "a candidate may be sparser, never denser; write at most 0.1",
    ),
    "a factor that makes a model denser": (
        "{density: {factor: 2}}",
        "13:22: method.steps.0.set.density: density 0.2 is above method.density, 0.1; "
        "a candidate may be sparser, never denser; write at most 0.1",
    ),
    "a density of 0": (
        "{density: 0}",
        "13:22: method.steps.0.set.density: 'density' cannot be 0: 0 is not greater than 0; "
        "write a number greater than 0 and of at most 1",
    ),
    "a layer without weights": (
        "{density.1.weight: [2, 0]}",
        "13:31: method.steps.0.set.density.1.weight: 'density.1.weight' is the factor of a layer's "
        "share of the weights, and 0 would leave it none; write a number greater than 0",
    ),
    "a range that begins too low": (
        "{smooth.target: {low: -1, high: 0.5}}",
        "13:34: method.steps.0.set.smooth.target.low: 'target' cannot be -1: -1 is less than 0; "
        "write a number of at least 0 and of at most 1",
    ),
    "a range that ends too high": (
        "{density: {low: 0.05, high: 0.2, scale: log}}",
        "13:40: method.steps.0.set.density.high: density 0.2 is above method.density, 0.1; "
        "a candidate may be sparser, never denser; write at most 0.1",
    ),
    "a fraction as the end of whole numbers": (
        "{smooth.rounds: {low: 1.5, high: 4}}",
        "13:34: method.steps.0.set.smooth.rounds.low: 'rounds' cannot be 1.5: "
        "1.5 is not a whole number; write a whole number",
    ),
    "a range of what is not there": (
        "{smooth.traget: {low: 0.1, high: 0.2}}",
        "13:13: method.steps.0.set.smooth.traget: the defence 'smooth' has no parameter 'traget'; "
        "did you mean 'target'?",
    ),
    "a range without an end": (
        "{smooth.target: {low: 0.1}}",
        "13:28: method.steps.0.set.smooth.target: the range has no 'high'; add it",
    ),
    "a range that falls": (
        "{smooth.target: {low: 0.3, high: 0.3}}",
        "13:34: method.steps.0.set.smooth.target.low: the range begins at 0.3 and ends at 0.3; "
        "write less than 0.3",
    ),
    "a range on a log scale from 0": (
        "{smooth.target: {low: 0, high: 0.3, scale: log}}",
        "13:34: method.steps.0.set.smooth.target.low: a range on a log scale begins above 0, "
        "not at 0; write a positive number, or scale: linear",
    ),
    "a range on no scale": (
        "{smooth.target: {low: 0.1, high: 0.3, scale: logs}}",
        "13:57: method.steps.0.set.smooth.target.scale: 'logs' is no scale; did you mean 'log'?",
    ),
    "a range with another key": (
        "{smooth.target: {low: 0.1, high: 0.3, step: 0.1}}",
        "13:56: method.steps.0.set.smooth.target.step: a range has no 'step'; "
        "there are: low, high, scale",
    ),
    "a range to text": (
        "{smooth.target: {low: 0.1, high: much}}",
        "13:45: method.steps.0.set.smooth.target.high: 'much' is no end of a range; write a number",
    ),
    "a range in a list": (
        "{smooth.target: [0.5, {low: 0.1, high: 0.3}]}",
        "13:28: method.steps.0.set.smooth.target: 'smooth.target' is set to "
        "{'low': 0.1, 'high': 0.3}; write the range alone, not in a list",
    ),
    "the id of a defence": (
        "{smooth.id: 3}",
        "13:13: method.steps.0.set.smooth.id: the defence 'smooth' has no parameter 'id'; "
        "there are: target, rounds, mode",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_that_cannot_be_made_is_told(
    case: str, problems: Callable[..., list[str]], changed: Callable[[str, str], str]
) -> None:
    """Before anything trains, at the place of the change."""
    written, problem = CASES[case]

    found = problems(text=changed("{smooth.target: [0.1, 0.3]}", written))

    assert found == [f"trial.yaml:{problem}"]


@pytest.mark.parametrize(
    "written",
    [
        "{learning_rate: {factor: [0.5, 2]}, update_fraction: 0.3, smooth.rounds: [1, 2, 3]}",
        "{smooth.rounds: {factor: 2}}",
        "{smooth.rounds: {low: 1, high: 4}, learning_rate: {low: 0.0003, high: 0.003, scale: log}}",
        "{density: [0.1, 0.07, {factor: 0.5}]}",
        "{density.1.weight: {low: 0.25, high: 4, scale: log}, density.3.weight: {factor: 0.5}}",
        "{smooth.target: [0, 1, {factor: 0.5}]}",
        "{}",
    ],
)
def test_a_change_that_can_be_made_is_fine(
    written: str, problems: Callable[..., list[str]], changed: Callable[[str, str], str]
) -> None:
    """Values and factors of every dial."""
    assert problems(text=changed("{smooth.target: [0.1, 0.3]}", written)) == []


def test_a_defence_is_called_by_its_id(problems: Callable[..., list[str]]) -> None:
    """And then no longer by its type."""
    renamed = "method.defences.0.id=soft"

    (problem,) = problems(renamed)
    assert "no defence of the method is called 'smooth'; did you mean 'soft'?" in problem
    assert problems(renamed, "method.steps.0.set={soft.target: 0.2}") == []


def test_without_defences_the_message_says_where_to_add_one(
    problems: Callable[..., list[str]],
) -> None:
    """There is no name to offer."""
    (problem,) = problems("method.defences=[]")

    assert problem.endswith("the method has none; add it to method.defences")


def test_a_factor_below_zero_is_refused_where_the_value_is_zero(
    problems: Callable[..., list[str]],
) -> None:
    """It would fail as soon as another change has made the value positive."""
    off = "method.defences.0.target=0"

    (problem,) = problems(off, "method.steps.0.set={smooth.target: {factor: -2}}")
    assert "'target' cannot be -2: -2 is less than 0" in problem
    assert problems(off, "method.steps.0.set={smooth.target: {factor: 2}}") == []


def test_defences_are_opened_by_values_factors_and_ends_of_ranges(
    loaded: Callable[..., LoadedSpec],
) -> None:
    """One parameter at a time, each with its place; training's own parameters are no defence's."""
    changes = "{smooth.target: [0.1, {factor: 2}], smooth.rounds: {low: 1, high: 4}, density: 0.1}"
    spec = loaded(f"method.steps.0.set={changes}").spec
    found = list(opened_defences(spec))

    place = ("method", "steps", 0, "set")
    assert [(path, getattr(params, field)) for path, field, params in found] == [
        ((*place, "smooth.target"), 0.1),
        ((*place, "smooth.target"), 0.6),
        ((*place, "smooth.rounds", "low"), 1),
        ((*place, "smooth.rounds", "high"), 4),
        ((*place, "smooth.rounds"), 2),
    ]
