"""The hook specifications: one a kind, typed, each with an example that runs."""

import doctest
import inspect
from typing import get_args, get_type_hints

import pytest

from safecompress_core import hookspecs
from safecompress_core.api import Kind
from safecompress_core.host.definitions import CLASSES_OF

ALL_HOOKS = [*hookspecs.HOOKS.values(), *hookspecs.LIFECYCLE.values()]


def test_every_kind_has_a_hook_of_its_own() -> None:
    """A kind without a hook could not be provided by anyone."""
    assert set(hookspecs.HOOKS) == set(Kind)
    assert len(set(ALL_HOOKS)) == len(ALL_HOOKS)


def test_every_specified_hook_is_in_a_table() -> None:
    """The host asks by table: a hook outside would never be called."""
    functions = [
        name
        for name, value in inspect.getmembers(hookspecs, inspect.isfunction)
        if hasattr(value, "safecompress_spec")
    ]

    assert sorted(ALL_HOOKS) == functions
    assert sorted([*ALL_HOOKS, "HOOKS", "LIFECYCLE"]) == sorted(hookspecs.__all__)


@pytest.mark.parametrize("kind", Kind)
def test_a_registering_hook_returns_definitions_of_its_kind(kind: Kind) -> None:
    """The annotation is what a plugin author reads, so it has to match what the host accepts."""
    returned = get_type_hints(getattr(hookspecs, hookspecs.HOOKS[kind]))["return"]

    [returned] = returned.__args__
    assert (get_args(returned) or (returned,)) == CLASSES_OF[kind]


@pytest.mark.parametrize("name", ALL_HOOKS)
def test_every_hook_has_an_example_that_runs(name: str) -> None:
    """The example in the docstring is executed, and must have something to check."""
    hook = getattr(hookspecs, name)
    [example] = doctest.DocTestFinder(recurse=False).find(hook, name, globs={"__name__": "example"})

    outcome = doctest.DocTestRunner().run(example)

    assert outcome.attempted > 0
    assert outcome.failed == 0
