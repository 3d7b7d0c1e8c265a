"""The specs that come with SafeCompress, and the schema that editors check them with."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.checks.kinds import SpecKind
from safecompress_core.specfile.load import compose_spec, load_any_spec
from safecompress_core.specfile.models.comparison import load_comparison
from safecompress_core.specfile.schema import spec_schema

FOLDER = Path(__file__).parents[2] / "specs"
ALL = sorted(FOLDER.rglob("*.yaml"))


@pytest.fixture(scope="module")
def built_ins() -> Registry:
    """What SafeCompress itself registers, whatever else is installed."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


@pytest.fixture(scope="module")
def schema() -> Any:
    """The committed schema."""
    return json.loads((FOLDER / "schema.json").read_text(encoding="utf-8"))


def test_the_spec_of_the_readme_is_there() -> None:
    """The first line that a user types names it."""
    assert compose_spec(FOLDER / "multi_attack.yaml", ()).kind is SpecKind.RUN


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_spec_is_valid(path: Path, built_ins: Registry) -> None:
    """With what is built in alone; of a comparison, with every run of it."""
    if compose_spec(path, ()).kind is not SpecKind.COMPARE:
        audited = [load_any_spec(path, registry=built_ins).spec.audit]
    else:
        comparison = load_comparison(path, registry=built_ins)
        assert len({entry.variant for entry in comparison.entries}) > 1
        audited = [entry.loaded.spec.audit for entry in comparison.entries]

    assert all(one.attackers for one in audited), "a spec that audits nothing proves nothing"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_an_editor_finds_nothing_wrong_with_a_spec(path: Path, schema: Any) -> None:
    """It checks against the committed schema, which the spec's first line names."""
    text = path.read_text(encoding="utf-8")
    content = YAML(typ="safe", pure=True).load(text)

    assert [error.message for error in Draft202012Validator(schema).iter_errors(content)] == []
    place = text.partition("\n")[0].partition("$schema=")[2]
    assert (path.parent / place).resolve() == FOLDER / "schema.json"


def test_the_committed_schema_is_fresh(schema: Any, built_ins: Registry) -> None:
    """If not: SAFECOMPRESS_PLUGINS= safecompress schema --output specs/schema.json."""
    fresh = spec_schema(built_ins)

    assert schema == fresh
    assert json.dumps(schema) == json.dumps(fresh), "the same keys, in another order"
