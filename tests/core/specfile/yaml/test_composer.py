"""Composing YAML: bounds on what a text may cost, and values that YAML has and a spec has not."""

import json
from pathlib import Path

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.host import Registry
from safecompress_core.specfile.load import load_spec
from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.yaml.composer import MAX_DEPTH, MAX_PROBLEMS, MAX_VALUES, parse
from safecompress_core.specfile.yaml.nodes import Mark
from safecompress_core.specfile.yaml.overrides import apply_overrides
from safecompress_core.specfile.yaml.source import read

START = Mark("a.yaml", 1, 1)
NINE = "\n".join(
    ["a: &a [x,x,x,x,x,x,x,x,x]"]
    + [f"{n}: &{n} [{','.join([f'*{p}'] * 9)}]" for p, n in zip("abcdefg", "bcdefgh", strict=True)]
)
"""Eight levels of nine aliases: 43 million values in 300 bytes."""


def told(text: str) -> list[str]:
    """The problems of a text."""
    problems: list[LocatedProblem] = []
    parse(text, start=START, problems=problems)
    return [str(problem) for problem in problems]


def test_aliases_of_aliases_are_refused_where_they_cross_the_bound() -> None:
    """Level e has 9**5 values below it, which is more than a spec may have."""
    [problem] = told(NINE)

    assert problem.startswith("a.yaml:5:11: e.1: a spec has at most 20,000 values")


def test_an_anchored_value_is_composed_once() -> None:
    """Its aliases are the very same node."""
    node = parse("a: &a {x: [1]}\nb: [*a, *a]\n", start=START, problems=[])

    assert node is not None
    first, second = node.content["b"].content  # type: ignore[index, union-attr]
    assert first is second is not None
    assert node.plain()["b"] == [{"x": [1]}, {"x": [1]}]


def test_a_long_list_counts_as_its_values() -> None:
    """One below the bound is read, and one above is not."""
    fits = "a: [" + "x," * (MAX_VALUES - 2) + "]"

    assert told(fits) == []
    assert told(fits.replace("]", "x]")) == [
        f"a.yaml:1:{len(fits)}: a.{MAX_VALUES - 2}: a spec has at most 20,000 values, aliases and "
        "'extends' counted; leave out what the run does not need"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x: " + "[" * 2000 + "]" * 2000,
        "x: " + "{a: " * 2000,
        "x:\n" + "".join(" " * i + "- \n" for i in range(1, 200)),
        "? " * 200,
        "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000)),
    ],
    ids=["lists", "mappings", "items", "keys", "aliases"],
)
def test_depth_is_bounded(text: str) -> None:
    """However it comes about; the problem has the place that is too deep."""
    *_, problem = told(text)

    assert f"nested more than {MAX_DEPTH} deep; write it flatter" in problem


def test_problems_are_bounded() -> None:
    """After a hundred of them nothing more is looked for."""
    problems = told("x: 1\n" * 1000)

    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1].endswith("there are more problems from here on; solve the first")


def test_files_that_extend_each_other_share_one_bound(tmp_path: Path) -> None:
    """Else a row of files would be a way around it."""
    many = f"{{}}: &a [{'x,' * 100}]\n{{}}: [{'*a,' * 100}]\n"
    (tmp_path / "base.yaml").write_text(many.format("a", "b"))
    (tmp_path / "a.yaml").write_text("extends: base.yaml\n" + many.format("c", "d"))

    source = read(tmp_path / "a.yaml")

    assert source.root is None
    [problem] = source.problems
    assert problem.file.endswith("base.yaml")
    assert problem.line == 2
    assert problem.message.startswith("a spec has at most 20,000 values")


def test_a_row_of_files_has_an_end(tmp_path: Path) -> None:
    """At the 'extends' that goes too far."""
    for index in range(40):
        (tmp_path / f"{index}.yaml").write_text(f"extends: {index + 1}.yaml\n")

    [problem] = read(tmp_path / "0.yaml").problems

    assert problem.file.endswith("31.yaml")
    assert problem.message == "more than 32 files extend each other"


def test_a_file_that_is_too_large_is_not_read_to_its_end() -> None:
    """A device has none."""
    [problem] = read(Path("/dev/zero")).problems

    assert problem.message.startswith("the file is larger than 1,048,576 bytes")


def test_only_a_regular_file_is_extended(tmp_path: Path) -> None:
    """A pipe would be waited for."""
    (tmp_path / "a.yaml").write_text("extends: /dev/zero\n")

    [problem] = read(tmp_path / "a.yaml").problems

    assert str(problem).endswith(
        "a.yaml:1:10: extends: cannot read '/dev/zero': it is a device or a pipe; "
        "give the path of a readable file"
    )


def test_overrides_and_json_have_the_same_bounds(tmp_path: Path) -> None:
    """A value on the command line, a path of it, and a spec that a program wrote."""
    root = parse("a: 1", start=START, problems=[])
    assert root is not None
    problems: list[LocatedProblem] = []
    apply_overrides(root, ["b=" + "[" * 100, ".".join("a" * 100) + "=1"], problems)
    nested: list[object] = []
    for _ in range(100):
        nested = [nested]
    (tmp_path / "a.json").write_text(json.dumps({"a": nested}))

    assert [one.message for one in problems] == [
        "mappings and lists are nested more than 64 deep",
        "the path has more than 64 steps",
    ]
    assert "nested more than 64 deep" in read(tmp_path / "a.json").problems[0].message


def test_the_lists_of_set_stand_for_so_many_candidates(tmp_path: Path, registry: Registry) -> None:
    """Three lists of a hundred would be a million."""
    values = list(range(1, 101))
    changes = {"learning_rate": values, "smooth.target": values, "smooth.rounds": values}
    spec = {
        "version": 1,
        "name": "trial",
        "task": {"data": {"type": "letters"}, "model": {"type": "mlp"}},
        "method": {
            "type": "loop",
            "density": 0.1,
            "steps": [{"grow": {"type": "gradient"}, "set": changes}],
        },
    }
    (tmp_path / "a.json").write_text(json.dumps(spec))

    with pytest.raises(SpecError, match="the lists stand for 1000000 candidates, and at most 1000"):
        load_spec(tmp_path / "a.json", registry=registry)


def test_a_spec_with_very_many_problems_shows_the_first(tmp_path: Path, registry: Registry) -> None:
    """A hundred of them, and one that says that there are more."""
    (tmp_path / "a.yaml").write_text("".join(f"k{i}: v\n" for i in range(5000)))

    with pytest.raises(SpecError) as caught:
        load_spec(tmp_path / "a.yaml", registry=registry)

    assert len(caught.value.problems) == MAX_PROBLEMS + 1
    assert caught.value.problems[-1].message.startswith("there are more than 100 problems")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: !!int y", "a.yaml:1:4: a: 'y' is not a whole number; write a whole number"),
        ("a: !!float z", "a.yaml:1:4: a: 'z' is not a number; write a number"),
        ("a: !!bool x", "a.yaml:1:4: a: 'x' is not true or false; write true or false"),
        ("a: !!set {x}", "a.yaml:1:4: a: a spec has no values of the kind 'set'"),
        ("a: !!binary aGk=", "a.yaml:1:4: a: a spec has no values of the kind 'binary'"),
        ("a: " + "9" * 5000, "a.yaml:1:4: a: '" + "9" * 77 + "...' is larger than a whole number"),
        ("a: 0x" + "f" * 17, "a.yaml:1:4: a: '0xfffffffffffffffff' is larger than a whole number"),
        ("a: 9223372036854775808", "a.yaml:1:4: a: '9223372036854775808' is larger than a whole"),
        (r'a: "\ud800"', "a.yaml:1:4: a: the text has half of a surrogate pair"),
        (r'a: "\0"', "a.yaml:1:4: a: the text has a NUL character; take it out"),
        (r'a: "\UFFFFFFFF"', "a.yaml:1:1: this is not YAML: OverflowError"),
    ],
)
def test_what_no_spec_can_hold_is_a_problem_with_its_place(text: str, problem: str) -> None:
    """Each of these was an exception once."""
    [found] = told(text)

    assert found.startswith(problem)


def test_the_largest_whole_number_is_one() -> None:
    """As a signed integer of 64 bits has it."""
    node = parse("a: 9223372036854775807\nb: -9223372036854775807", start=START, problems=[])

    assert node is not None
    assert node.plain() == {"a": 2**63 - 1, "b": -(2**63) + 1}
