"""Values and their places."""

import pytest

from safecompress_core.specfile.yaml.composer import parse
from safecompress_core.specfile.yaml.nodes import Mark, Node, merge


def node(text: str, file: str = "a.yaml") -> Node:
    """A document's value; the text must be good."""
    found = parse(text, start=Mark(file, 1, 1), problems=[])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("path", "key", "line", "column"),
    [
        (("b", 1), False, 4, 5),
        (("b", 1, "c"), False, 4, 8),
        (("b", 1, "c"), True, 4, 5),
        (("b",), True, 2, 1),
        (("b", 1, "missing"), False, 4, 5),
        (("b", 7, "deep", "er"), False, 3, 3),
        (("empty",), False, 5, 1),
        (("missing",), True, 1, 1),
    ],
)
def test_every_path_has_a_place(
    path: tuple[str | int, ...],
    key: bool,
    line: int,
    column: int,
) -> None:
    """A missing value is at the mapping that lacks it, an empty one at its key."""
    root = node("a: 1\nb:\n  - 0\n  - c: 2\nempty:\n")

    assert root.mark_of(path, key=key) == Mark("a.yaml", line, column)


def test_merged_mappings_remember_the_file_of_every_value() -> None:
    """What the base alone has stays the base's; what both have is the other's."""
    both = merge(node("a: {x: 1, y: 2}", "base.yaml"), node("a: {y: 3}", "mine.yaml"))

    assert both.plain() == {"a": {"x": 1, "y": 3}}
    assert both.mark_of(("a", "x")).file == "base.yaml"
    assert both.mark_of(("a", "y")).file == "mine.yaml"


@pytest.mark.parametrize(
    ("base", "other", "result"),
    [
        ("a: [1, 2]", "a: [3]", {"a": [3]}),
        ("a: {type: p, x: 1}", "a: {x: 2}", {"a": {"type": "p", "x": 2}}),
        ("a: {type: p, x: 1}", "a: {type: p}", {"a": {"type": "p", "x": 1}}),
        ("a: {type: p, x: 1}", "a: {type: q}", {"a": {"type": "q"}}),
        ("a: {x: 1}", "a: 3", {"a": 3}),
        ("a: {x: 1}", "a:", {"a": None}),
    ],
)
def test_mappings_merge_and_all_else_replaces(base: str, other: str, result: object) -> None:
    """Another ``type`` is another component: the parameters of the first do not apply to it."""
    assert merge(node(base), node(other)).plain() == result
