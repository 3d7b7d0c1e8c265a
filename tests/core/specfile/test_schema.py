"""The JSON Schema of a spec."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from safecompress_core.api import Definition
from safecompress_core.host import Origin, Registry
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.schema import spec_schema


@pytest.fixture
def schema(registry: Registry) -> dict[str, Any]:
    """The schema for the trial components."""
    return spec_schema(registry)


@pytest.fixture
def good(loaded: Callable[..., LoadedSpec]) -> Any:
    """The good spec as an editor reads it."""
    loaded()
    return YAML(typ="safe", pure=True).load(Path("trial.yaml"))


def test_it_is_a_schema_of_its_draft(schema: dict[str, Any]) -> None:
    """And JSON."""
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    assert json.loads(json.dumps(schema)) == schema


def test_it_accepts_what_validates(
    schema: dict[str, Any], good: Any, loaded: Callable[..., LoadedSpec]
) -> None:
    """As written, and with every default written out."""
    validator = Draft202012Validator(schema)

    assert list(validator.iter_errors(good)) == []
    assert list(validator.iter_errors(loaded().resolved)) == []
    nested = {"type": "blend", "parts": [{"type": "blend", "parts": [{"type": "pareto"}]}]}
    assert validator.is_valid(good | {"choose": nested})


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"name": "Bad Name"},
        {"extra": 1},
        {"pools": {"members": 1.5}},
        {"attackers": [{"type": "treshold"}]},
        {"attackers": [{"level": 1}]},
        {"attackers": [{"type": "probe"}]},
        {"choose": {"type": "blend", "parts": [{"type": "zzz"}]}},
        {"method": {"type": "loop", "density": 2}},
        {"method": {"type": "loop", "density": 1, "steps": [{"grow": {"type": "random"}, "x": 1}]}},
        {
            "method": {
                "type": "loop",
                "density": 1,
                "steps": [{"grow": {"type": "random"}, "set": {"a.b": {"by": 2}}}],
            }
        },
    ],
)
def test_it_refuses_what_does_not(schema: dict[str, Any], good: Any, change: Any) -> None:
    """Unknown components and fields, bounds, and what is nested in components."""
    assert not Draft202012Validator(schema).is_valid(good | change)


def test_a_spec_that_extends_another_may_leave_things_out(schema: dict[str, Any]) -> None:
    """What it lacks the other may have; only the names of its fields are known."""
    validator = Draft202012Validator(schema)

    assert validator.is_valid({"extends": "./base.yaml", "method": {"density": 0.2}})
    assert not validator.is_valid({"extends": "./base.yaml", "methods": {}})
    assert not validator.is_valid({"extends": 3})
    assert not validator.is_valid({"name": "a"})


def test_a_comparison_that_extends_another_may_leave_things_out(schema: dict[str, Any]) -> None:
    """Its variants too; the names of its fields are known all the same."""
    validator = Draft202012Validator(schema)
    short = {"extends": "./two.yaml", "name": "three", "base": "./other.yaml", "seeds": [3]}

    assert validator.is_valid(short)
    assert validator.is_valid(short | {"variants": [{}]})
    assert not validator.is_valid(short | {"sedes": [3]})


def test_components_are_told_apart_by_type_with_their_summary(schema: dict[str, Any]) -> None:
    """What an editor shows beside each choice."""
    branches = schema["$defs"]["attacker"]["oneOf"]
    names = [branch["$ref"].rpartition("/")[2] for branch in branches]
    types = [schema["$defs"][name]["properties"]["type"] for name in names]

    assert [(one["const"], one["description"]) for one in types] == [
        ("entropy", "Sure."),
        ("probe", "Reads."),
        ("threshold", "Cuts."),
    ]
    assert next(iter(schema["$defs"][names[0]]["properties"])) == "type"
    assert schema["$defs"]["DefenceSmooth"]["description"] == "Smooths the loss. Chen 2022."


def test_every_field_is_described(schema: dict[str, Any]) -> None:
    """In the spec itself and in its parts; a reference may carry it at its target."""
    for name in ("Spec", "Task", "Pools", "Training", "Audit", "Gate"):
        for field, about in schema["$defs"][name]["properties"].items():
            target = schema["$defs"].get(about.get("$ref", "").rpartition("/")[2], {})
            assert about.get("description") or target.get("description"), (name, field)


def test_the_order_of_registration_does_not_show(
    schema: dict[str, Any], definitions: tuple[Definition, ...]
) -> None:
    """The committed schema changes only where a component does."""
    origin = Origin(plugin="trial", distribution="trial-plugins", version="1.0")
    reverse = Registry((definition, origin) for definition in reversed(definitions))

    assert json.dumps(spec_schema(reverse)) == json.dumps(schema)


def test_a_kind_without_components_is_a_schema_too() -> None:
    """That nothing fits."""
    schema = spec_schema(Registry([]))

    Draft202012Validator.check_schema(schema)
    assert schema["$defs"]["method"] == {"not": {}}
