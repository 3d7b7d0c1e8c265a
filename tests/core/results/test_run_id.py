"""The name of a run's directory."""

import pytest

from safecompress_core.host import Registry, load_plugins
from safecompress_core.results.run_id import directory_name, find_definitions, plugin_records

SPEC = {
    "name": "small",
    "seed": 1,
    "method": {"type": "prune", "defences": [{"type": "mixup"}]},
    "audit": {"attackers": [{"type": "basket", "attackers": [{"type": "gap"}]}]},
}


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The built-in components."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def test_every_type_of_a_spec_is_found_however_deep(registry: Registry) -> None:
    """In the registry's order, each once; the games of built-in attackers are no part of it."""
    found = {(str(one.kind), one.name) for one in find_definitions([SPEC, SPEC], registry)}

    assert found >= {("method", "prune"), ("defence", "mixup"), ("attacker", "gap")}
    assert not {kind for kind, _ in found} & {"game"}
    assert len(find_definitions([SPEC, SPEC], registry)) == len(found)


def test_records_tell_where_each_component_comes_from(registry: Registry) -> None:
    """Strategies have a role, other components have none."""
    spec = {"strategies": [{"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}]}

    records = {(one["kind"], one["name"]): one for one in plugin_records(spec, registry)}

    assert records["strategy", "gradient"]["role"] == "grow"
    assert {one["distribution"] for one in records.values()} == {"safecompress"}


def test_a_name_follows_from_spec_plugins_and_model() -> None:
    """The order of keys does not count; anything else does."""
    plugins = [{"name": "prune", "version": "1.0"}]
    name = directory_name(SPEC, plugins)

    assert directory_name(dict(reversed(SPEC.items())), plugins) == name
    assert name.startswith("small-")
    others = {
        directory_name({**SPEC, "seed": 2}, plugins),
        directory_name(SPEC, [{"name": "prune", "version": "1.1"}]),
        directory_name(SPEC, plugins, model="abc"),
    }
    assert len(others | {name}) == 4
