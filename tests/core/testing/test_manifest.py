"""The conformance of definitions: what is right passes, and each mistake is found by one check."""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ConfigDict

from safecompress_core.api import MetricDef, Params
from safecompress_core.testing.manifest import DefinitionConformance


class SoundParams(Params):
    """Parameters as they should be."""

    repeats: int = 1
    """How often to measure."""


class LooseParams(Params):
    """Parameters that change and accept anything."""

    model_config = ConfigDict(frozen=False, extra="ignore")


class SilentParams(Params):
    """Parameters that explain nothing."""

    repeats: int = 1


SOUND = MetricDef(
    name="sound",
    params=SoundParams,
    target="builtins:repr",
    summary="A sound measure.",
    cites="Acme 2024, Eq. 3",
)


@dataclass
class ChangeableDef:
    """What a definition would be without ``frozen=True``."""

    name: str = "sound"


def checks_that_fail(definition: Any, *, manifest: str = "safecompress_core.api") -> list[str]:
    """Names of the checks that a definition does not pass."""

    class Conformance(DefinitionConformance):
        pass

    Conformance.definition = definition
    Conformance.manifest = manifest
    failing = []
    for name in dir(Conformance):
        if name.startswith("test_"):
            try:
                getattr(Conformance(), name)()
            except (AssertionError, AttributeError, ImportError, pytest.fail.Exception):
                failing.append(name.removeprefix("test_"))
    return failing


def test_a_sound_definition_passes_every_check() -> None:
    """One that cites nothing does, too: not everything has a paper."""
    assert checks_that_fail(SOUND) == []
    assert checks_that_fail(replace(SOUND, cites="")) == []


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ({"name": "Not Sound"}, "the_host_accepts_it"),
        ({"api": 2}, "the_host_accepts_it"),
        ({"params": LooseParams}, "its_parameters_are_frozen_and_refuse_unknown_fields"),
        ({"params": SilentParams}, "its_parameters_have_a_schema_that_explains_each"),
        ({"target": "builtins:nothing"}, "its_target_exists"),
        ({"target": "acme_nowhere:Thing"}, "its_target_exists"),
        ({"summary": " Indented."}, "its_summary_reads_as_one_line"),
        ({"summary": f"{'Long ' * 20}."}, "its_summary_reads_as_one_line"),
        ({"cites": "a paper I read"}, "its_source_can_be_looked_up"),
        ({"cites": "Acme 2024,\nEq. 3"}, "its_source_can_be_looked_up"),
    ],
)
def test_each_mistake_is_found_by_its_check(change: dict[str, Any], check: str) -> None:
    """And by no other, so that a failing test's name says what to correct."""
    assert checks_that_fail(replace(SOUND, **change)) == [check]


@pytest.mark.parametrize(
    ("cites", "message"),
    [
        ("a paper I read", "what 'sound' cites has no year: 'a paper I read'; write paper, year"),
        ("Acme 2024,\nEq. 3", "what 'sound' cites has line breaks or double spaces: 'Acme 2024,"),
    ],
)
def test_a_source_that_cannot_be_looked_up_is_told_with_what_is_wrong(
    cites: str, message: str
) -> None:
    """An assertion alone would leave the author guessing."""

    class Conformance(DefinitionConformance):
        definition = replace(SOUND, cites=cites)

    with pytest.raises(AssertionError) as told:
        Conformance().test_its_source_can_be_looked_up()

    assert str(told.value).startswith(message)


def test_a_definition_that_can_be_changed_is_found() -> None:
    """Two runs in one process would otherwise disturb each other."""
    assert "it_cannot_be_changed" in checks_that_fail(ChangeableDef())


def test_a_manifest_that_imports_numpy_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if this process has long imported it."""
    (tmp_path / "acme_manifest.py").write_text("import numpy")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])

    assert checks_that_fail(SOUND, manifest="acme_manifest") == [
        "its_manifest_imports_nothing_heavy"
    ]
