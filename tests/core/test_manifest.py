"""The components that core registers itself."""

from importlib import import_module

import pytest

from safecompress_core.api import Definition
from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.host import load_plugins
from safecompress_core.manifest import safecompress_aggregators, safecompress_methods
from safecompress_core.methods.method import Method

REGISTERED = [
    *((one, Aggregator) for one in safecompress_aggregators()),
    *((one, Method) for one in safecompress_methods()),
]


@pytest.mark.parametrize(("definition", "interface"), REGISTERED, ids=lambda one: str(one)[:30])
def test_a_registered_component_implements_its_interface(
    definition: Definition, interface: type
) -> None:
    """Its target is where the definition says."""
    module, _, name = definition.target.partition(":")

    assert issubclass(getattr(import_module(module), name), interface)


def test_core_is_a_plugin_of_its_own_distribution() -> None:
    """The loop that the project exists for needs no other package."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry

    for definition, _ in REGISTERED:
        assert registry.get(definition.kind, definition.name) == definition
        assert registry.origin(definition).is_built_in
    assert {one.name for one, _ in REGISTERED} >= {"test-driven", "tm-score", "pareto"}
