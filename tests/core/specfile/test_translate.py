"""What a user reads when a spec is wrong."""

from collections.abc import Callable
from enum import Enum
from typing import Annotated

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from safecompress_core.specfile.translate import find_problems

SKIPPED = ("acme-attacks 0.3 (ImportError: No module named 'acme_core')",)

CASES = {
    "unknown component": (
        "type: threshold",
        "type: treshold",
        "15:12: attackers.0.type: no attacker is called 'treshold'; did you mean 'threshold'?",
    ),
    "unknown component, nothing near": (
        "type: threshold",
        "type: zzz",
        "15:12: attackers.0.type: no attacker is called 'zzz'; "
        "there are: entropy, probe, threshold",
    ),
    "unknown component with a role": (
        "type: gradient",
        "type: gradent",
        "12:20: method.steps.0.grow.type: no grow strategy is called 'gradent'; "
        "did you mean 'gradient'?",
    ),
    "unknown data": (
        "type: letters",
        "type: digits",
        "4:16: task.data.type: no data set is called 'digits'; there are: letters, unknown",
    ),
    "no type": (
        "{type: threshold}",
        "{level: 1}",
        "15:5: attackers.0.type: the field 'type' is missing, which says which attacker it is; "
        "add it; there are: entropy, probe, threshold",
    ),
    "a type that is no name": (
        "type: threshold",
        "type: 3",
        "15:12: attackers.0.type: 3 is no name; there are: entropy, probe, threshold",
    ),
    "a name where a component belongs": (
        "{type: threshold}",
        "threshold",
        "15:5: attackers.0: 'threshold' is not a mapping; write {type: threshold}",
    ),
    "something else where a component belongs": (
        "{type: threshold}",
        "[1]",
        "15:5: attackers.0: a list is not a mapping; write {type: ...}; "
        "there are: entropy, probe, threshold",
    ),
    "unknown field": (
        "hidden: [8]",
        "hiden: [8]",
        "5:22: task.model.hiden: there is no field 'hiden' here; did you mean 'hidden'?",
    ),
    "unknown field at the top": (
        "name: trial",
        "name: trial\nmethods: 3",
        "3:1: methods: there is no field 'methods' here; did you mean 'method'?",
    ),
    "unknown field, nothing near": (
        "hidden: [8]",
        "zzz: 1",
        "5:22: task.model.zzz: there is no field 'zzz' here; there are: type, hidden",
    ),
    "unknown field of a model that is no component": (
        "set: {smooth",
        "sets: {smooth",
        "13:7: method.steps.0.sets: there is no field 'sets' here; did you mean 'set'?",
    ),
    "missing field": (
        "  density: 0.1\n",
        "",
        "7:3: method.density: the field 'density' is missing; add it (fraction kept)",
    ),
    "missing field of a component in a list": (
        ", attribute: session}",
        "}",
        "19:7: audit.attackers.1.attribute: the field 'attribute' is missing; "
        "add it (what it looks for)",
    ),
    "text for a number": (
        "density: 0.1",
        "density: '0.1'",
        "8:12: method.density: '0.1' is not a number; write a number",
    ),
    "truth for a number": (
        "density: 0.1",
        "density: true",
        "8:12: method.density: true is not a number; write a number",
    ),
    "number for text": (
        "name: trial",
        "name: 18",
        "2:7: name: 18 is not text; put it in quotes: '18'",
    ),
    "broken number in a list": (
        "hidden: [8]",
        "hidden: [8, 2.5]",
        "5:34: task.model.hidden.1: 2.5 is not a whole number; write a whole number",
    ),
    "text for a list": (
        "hidden: [8]",
        "hidden: 8",
        "5:30: task.model.hidden: 8 is not a list; write a list",
    ),
    "nothing for a mapping": (
        "gate:",
        "training:\ngate:",
        "20:1: training: an empty value is not a mapping; write a mapping",
    ),
    "density above 1": (
        "density: 0.1",
        "density: 1.5",
        "8:12: method.density: 1.5 is greater than 1; "
        "write a number greater than 0 and of at most 1",
    ),
    "density of 0": (
        "density: 0.1",
        "density: 0",
        "8:12: method.density: 0 is not greater than 0; "
        "write a number greater than 0 and of at most 1",
    ),
    "density that is no number": (
        "density: 0.1",
        "density: .nan",
        "8:12: method.density: nan is not a finite number; write a number",
    ),
    "an option that is none": (
        "name: trial",
        "name: trial\ndevice: gpu",
        "3:9: device: 'gpu' is no option; did you mean 'cpu'?",
    ),
    "an option that is near none": (
        "name: trial",
        "name: trial\ndevice: tpu7z",
        "3:9: device: 'tpu7z' is no option; write auto or cpu or cuda or mps",
    ),
    "another version": ("version: 1", "version: 2", "1:10: version: 2 is no option; write 1"),
    "a branch of a union": (
        "name: trial",
        "name: trial\npools: {members: half}",
        "3:18: pools.members: 'half' is neither a share of the samples nor a number of them; "
        "write a share between 0 and 1, a whole number from 1, or 'given'",
    ),
    "a gate without a bound": (
        "{measure: accuracy, at_least: 0.6}",
        "{measure: accuracy}",
        "21:5: gate.0: the gate has no bound; write one of 'at_least', 'at_most' or "
        "'no_worse_than'",
    ),
    "a gate with two bounds": (
        "{measure: accuracy, at_least: 0.6}",
        "{measure: accuracy, at_least: 0.6, no_worse_than: old.json}",
        "21:5: gate.0: the gate has 2 bounds; write one of 'at_least', 'at_most' or "
        "'no_worse_than'",
    ),
    "a margin without earlier results": (
        "{measure: accuracy, at_least: 0.6}",
        "{measure: accuracy, at_least: 0.6, margin: 0.1}",
        "21:5: gate.0: a margin is for 'no_worse_than', and the gate has a bound of its own; take "
        "'margin' out",
    ),
    "changes that are no numbers": (
        "smooth.target: [0.1, 0.3]",
        "smooth.target: []",
        "13:28: method.steps.0.set.smooth.target: 'smooth.target' is set to []; "
        "write a number, a list of numbers, {factor: 0.5}, or {low: 0.1, high: 0.3}",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_with_its_place_and_its_hint(
    case: str, problems: Callable[..., list[str]], changed: Callable[[str, str], str]
) -> None:
    """One mistake, one problem, nothing of pydantic's own words or paths."""
    before, after, problem = CASES[case]

    assert problems(text=changed(before, after)) == [f"trial.yaml:{problem}"]


def test_skipped_plugins_are_named_where_a_component_is_unknown(
    problems: Callable[..., list[str]], changed: Callable[[str, str], str]
) -> None:
    """They may have provided it; one of them, and several."""
    text = changed("type: threshold", "type: treshold")

    (one,) = problems(text=text, skipped=SKIPPED)
    (two,) = problems(text=text, skipped=(*SKIPPED, "bolt 1.0 (broken)"))

    assert one.splitlines()[1:] == [
        "    1 plugin was skipped, and may have provided it: " + SKIPPED[0]
    ]
    assert two.splitlines()[1:] == [
        "    2 plugins were skipped, and may have provided it:",
        "      " + SKIPPED[0],
        "      bolt 1.0 (broken)",
    ]


def test_skipped_plugins_are_not_named_elsewhere(
    problems: Callable[..., list[str]], changed: Callable[[str, str], str]
) -> None:
    """A wrong number is not their fault."""
    (problem,) = problems(text=changed("density: 0.1", "density: 7"), skipped=SKIPPED)

    assert "plugin" not in problem


class Colour(Enum):
    """Options as an enum."""

    RED = "red"
    GREEN = "green"


class Odd(BaseModel):
    """Constraints that our own parts do not use and a plugin's may."""

    any: Annotated[list[int], Field(min_length=1)] = [1]
    some: Annotated[list[int], Field(min_length=2, max_length=3)] = [1, 2]
    short: Annotated[str, Field(max_length=3)] = "a"
    colour: Colour = Colour.RED
    even: int = 2
    below: Annotated[int, Field(lt=10)] = 1
    inner: dict[str, Annotated[int, Field(multiple_of=3)]] = {}

    @field_validator("even")
    @classmethod
    def _is_even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("it is odd")
        return value


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        ({"any": []}, "there are no entries", "write 1 or more"),
        ({"some": [1]}, "there are fewer than 2 entries", "write 2 or more"),
        ({"some": [1, 2, 3, 4]}, "there are more than 3 entries", "write 3 at most"),
        ({"short": "abcd"}, "'abcd' is refused", "it should have at most 3 characters"),
        ({"colour": "rde"}, "'rde' is no option", "did you mean 'red'?"),
        ({"colour": "q"}, "'q' is no option", "write red or green"),
        ({"even": 3}, "it is odd", "change it"),
        ({"below": 10}, "10 is not less than 10", "write a number less than 10"),
        ({"inner": {"a": 4}}, "4 is refused", "it should be a multiple of 3"),
    ],
)
def test_a_plugins_own_constraints_read_well_too(
    fields: dict[str, object], message: str, hint: str
) -> None:
    """Whatever pydantic offers has a message, and something to do about it."""
    with pytest.raises(ValidationError) as caught:
        Odd.model_validate(fields)

    (problem,) = find_problems(caught.value, model=Odd)

    assert (problem.message, problem.hint) == (message, hint)
