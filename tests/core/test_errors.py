"""The errors that we raise on purpose: one root, a tree that is drawn, messages fit for a user."""

import inspect
import re

import pytest

from safecompress_core import errors
from safecompress_core.errors import (
    MissingExtraError,
    PluginError,
    RunDirectoryError,
    RunInUseError,
    SafeCompressError,
    SpecError,
)
from safecompress_core.install_command import install_command

OWN = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, Exception) and member.__module__ == errors.__name__
]


def test_every_error_is_exported_and_has_the_one_root() -> None:
    """So that one ``except`` catches all, and nothing else."""
    assert sorted(member.__name__ for member in OWN) == sorted(errors.__all__)
    assert all(issubclass(member, SafeCompressError) for member in OWN)
    assert errors.__all__ == sorted(errors.__all__)


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    """Every class stands there, under its parent."""
    assert errors.__doc__ is not None
    matches = (re.match(r"([\s│├└─]*)(\w+Error)\b", line) for line in errors.__doc__.splitlines())
    drawn = [(len(found[1]), found[2]) for found in matches if found]
    parents = {
        name: [other for deep, other in drawn[:index] if deep < depth][-1:]
        for index, (depth, name) in enumerate(drawn)
    }

    assert set(parents) == set(errors.__all__)
    assert parents.pop(SafeCompressError.__name__) == []
    for name, parent in parents.items():
        assert parent == [getattr(errors, name).__bases__[0].__name__]


def test_a_spec_error_tells_every_problem_in_its_order() -> None:
    """One a line."""
    error = SpecError(["a.yaml:1:1: first", "a.yaml:7:3: second"])  # type: ignore[list-item]

    assert str(error) == "a.yaml:1:1: first\na.yaml:7:3: second"
    assert error.problems == ("a.yaml:1:1: first", "a.yaml:7:3: second")


def test_a_plugin_error_names_plugin_and_distribution() -> None:
    """Both are there to read as well."""
    error = PluginError("it is broken", plugin="attacks", distribution="acme 0.3")

    assert str(error) == "acme 0.3: attacks: it is broken"
    assert (error.plugin, error.distribution) == ("attacks", "acme 0.3")


def test_a_missing_extra_says_what_to_install() -> None:
    """As a line that can be copied."""
    error = MissingExtraError("torch", extra="run")

    assert str(error).endswith(f"install it with: {install_command('run')}")
    assert error.extra == "run"


def test_a_directory_in_use_is_a_directory_that_cannot_be_used() -> None:
    """Whoever handles the second handles the first."""
    with pytest.raises(RunDirectoryError):
        raise RunInUseError("busy")
