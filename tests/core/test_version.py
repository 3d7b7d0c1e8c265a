"""The version of the installed distribution."""

import importlib.metadata

import pytest

from safecompress_core.version import installed_version


def test_it_is_what_the_distribution_says() -> None:
    """As a package index has it."""
    assert installed_version() == importlib.metadata.version("safecompress")


def test_a_source_tree_that_is_not_installed_has_a_version_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is recorded in results, and can be taken for no release."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)

    assert installed_version() == "0+source"
