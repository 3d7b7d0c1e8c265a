"""Definitions: what makes one unique, and what is wrong with one."""

from typing import Any

import pytest

from safecompress_core.api import Kind, MetricDef, Params, Role, StrategyDef
from safecompress_core.host.definitions import flaws_of, key_of, label


class Typed(Params):
    """Parameters with a field that a spec needs for itself."""

    type: str = "x"


def metric(**changes: Any) -> MetricDef:
    """A good definition with some of its fields changed."""
    fields = {"name": "size", "params": Params, "target": "a.b:C", "summary": "Bytes."}
    return MetricDef(**{**fields, **changes})


def test_a_role_is_part_of_a_strategys_key() -> None:
    """A prune rule and a grow rule may share a name."""
    same = {"name": "random", "params": Params, "target": "a:B", "summary": "Any."}
    prune = StrategyDef(role=Role.PRUNE, **same)
    grow = StrategyDef(role=Role.GROW, **same)

    assert key_of(prune) != key_of(grow)
    assert label(key_of(grow)) == "grow strategy 'random'"
    assert label(key_of(metric())) == "metric 'size'"


def test_a_good_definition_has_no_flaw() -> None:
    """Dotted modules and hyphens are fine."""
    assert list(flaws_of(metric(name="peak-memory-2", target="a.b_c:D"), Kind.METRIC)) == []


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"name": "Size"}, "'Size' is no name for a component"),
        ({"name": "size-"}, "'size-' is no name for a component"),
        ({"target": "a.b.C"}, "the target of 'size' is 'a.b.C'; write 'package.module:Class'"),
        ({"target": "a-b:C"}, "the target of 'size' is 'a-b:C'"),
        ({"summary": " "}, "the summary of 'size' is not one line"),
        ({"summary": "Two\nlines."}, "the summary of 'size' is not one line"),
        ({"params": dict}, "the params of 'size' are no subclass"),
        ({"params": Typed}, "the params of 'size' have a field 'type'"),
        ({"api": 99}, "'size' is written for version 99 of the plugin interface"),
    ],
)
def test_each_flaw_is_told_by_itself(changes: dict[str, Any], flaw: str) -> None:
    """Each has the name of its definition, since a plugin may have several."""
    [found] = flaws_of(metric(**changes), Kind.METRIC)

    assert found.startswith(flaw)


def test_what_another_hook_should_return_is_the_only_flaw() -> None:
    """Nothing else about it can be judged."""
    [found] = flaws_of(metric(name="Bad Name"), Kind.DATA)

    assert found == "safecompress_data returned MetricDef where DataDef belongs"
