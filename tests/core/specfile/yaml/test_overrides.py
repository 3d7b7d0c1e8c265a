"""``--set``."""

import pytest

from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.yaml.composer import parse
from safecompress_core.specfile.yaml.nodes import Mark, Node
from safecompress_core.specfile.yaml.overrides import apply_overrides

TEXT = "a: {b: 1}\nlist: [{w: 1}, {w: 2}]\nempty:\n"


def applied(*overrides: str) -> tuple[Node, list[str]]:
    """The spec after the overrides, and what was wrong with them."""
    root = parse(TEXT, start=Mark("a.yaml", 1, 1), problems=[])
    assert root is not None
    problems: list[LocatedProblem] = []
    return apply_overrides(root, overrides, problems), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("a.b=2", ("a", "b"), 2),
        ("a.b=1e-3", ("a", "b"), 1e-3),
        ("a.b=x=y", ("a", "b"), "x=y"),
        ("a.b=[1, {c: d}]", ("a", "b"), [1, {"c": "d"}]),
        ("a.b=", ("a", "b"), None),
        ("list.1.w=5", ("list", 1, "w"), 5),
        ("list.0={v: 3}", ("list", 0), {"v": 3}),
        ("a={c: 1}", ("a",), {"c": 1}),
        ("new.deep.er=1", ("new", "deep", "er"), 1),
        ("empty.x=1", ("empty", "x"), 1),
    ],
)
def test_a_value_is_yaml_laid_over_the_spec(
    override: str, path: tuple[str | int, ...], value: object
) -> None:
    """Split at the first equals sign; numbers are places in lists; mappings are made."""
    root, problems = applied(override)

    assert problems == []
    *_, node = root.along(path)
    assert node.plain() == value


def test_the_rest_stays() -> None:
    """Neighbours in mappings and lists, and their places."""
    root, _ = applied("list.0.w=9", "a.c=2")

    assert root.plain() == {"a": {"b": 1, "c": 2}, "list": [{"w": 9}, {"w": 2}], "empty": None}
    assert root.mark_of(("a", "b")) == Mark("a.yaml", 1, 8)


def test_an_override_is_the_place_of_its_value() -> None:
    """The value's column, counted within what the user typed after ``--set``."""
    root, _ = applied("a.b={c: 1}")

    assert root.mark_of(("a", "b")) == Mark("--set a.b={c: 1}", 1, 5)
    assert root.mark_of(("a", "b", "c")) == Mark("--set a.b={c: 1}", 1, 9)


def test_later_overrides_win() -> None:
    """They are applied in the order of the command line."""
    root, _ = applied("a.b=2", "a.b=3")

    assert root.plain()["a"] == {"b": 3}


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("a.b", "--set a.b:1:1: this is no assignment; write --set field.field=value"),
        ("=3", "--set =3:1:1: a step of the path is empty; write --set field.field=value"),
        ("a..b=3", "--set a..b=3:1:1: a step of the path is empty; write --set field.field=value"),
        (
            "a.b.c=3",
            "--set a.b.c=3:1:1: a.b.c: 'a.b' is 1 and has no fields; set 'a.b' itself",
        ),
        (
            "list.2.w=3",
            "--set list.2.w=3:1:1: list.2.w: 'list' is a list of 2 and has no place '2'; "
            "use a number from 0 to 1",
        ),
        (
            "list.w=3",
            "--set list.w=3:1:1: list.w: 'list' is a list of 2 and has no place 'w'; "
            "use a number from 0 to 1",
        ),
    ],
)
def test_a_path_that_leads_nowhere_is_told_and_changes_nothing(override: str, problem: str) -> None:
    """With what may be written instead."""
    root, problems = applied(override)

    assert problems == [problem]
    assert root.plain() == applied()[0].plain()


def test_a_value_that_is_no_yaml_is_told() -> None:
    """With its column on the command line."""
    _, (problem,) = applied("a.b=[1,")

    assert problem.startswith("--set a.b=[1,:1:8: this is not YAML: ")
