"""Paths as a spec writes them."""

from pathlib import Path

import pytest

from safecompress_core.specfile.paths import local_path, unset_variables


def test_variables_are_filled_in_and_all_else_is_left() -> None:
    """Other dollars are part of a name."""
    environ = {"DATA": "/real", "YEAR": "1994"}

    assert local_path("${env:DATA}/${env:YEAR}/a$b.csv", environ) == Path("/real/1994/a$b.csv")
    assert local_path("${env:NO:-a/b}/${env:YEAR:-1}", environ) == Path("a/b/1994")
    assert local_path("data/adult.csv", environ) == Path("data/adult.csv")


def test_a_tilde_is_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a shell."""
    monkeypatch.setenv("HOME", "/home/ada")

    assert local_path("~/adult.csv", {}) == Path("/home/ada/adult.csv")


def test_unset_variables_are_named_in_their_order() -> None:
    """Those that are set are not."""
    assert unset_variables("${env:B}/${env:C}/${env:A}", {"C": ""}) == ["B", "A"]
    assert unset_variables("${env:B:-here}/${env:A:-}", {}) == []
