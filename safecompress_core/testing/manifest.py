"""Conformance tests of definitions."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from safecompress_core.api import Definition
from safecompress_core.field_docs import field_docs
from safecompress_core.host.definitions import flaws_of
from safecompress_core.specfile.component_files import (
    ExternalCode,
    ExternalFiles,
    list_externals,
)

__all__ = ["DefinitionConformance"]

HEAVY = ("numpy", "scipy", "sklearn", "torch", "torchvision", "transformers")
"""What a manifest must not import, so that a spec is validated where none of it is installed."""


YEAR = r"\b(1[89]|20)\d\d\b"


@cache  # one manifest defines many components
def _import_manifest(manifest: str, path: str) -> subprocess.CompletedProcess[str]:
    """The heavy packages that come with a manifest, as a fresh interpreter prints them."""
    # A fresh interpreter: this one has imported torch already.
    code = (
        f"import importlib, sys; importlib.import_module({manifest!r}); "
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))"
    )
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        # The path is passed on, since plugins may be installed in development mode.
        env={**os.environ, "PYTHONPATH": path},
    )


class DefinitionConformance:
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestGap(DefinitionConformance):
            definition = GAP

    Attributes:
        definition: what is checked against the rules.
        manifest: the module that defines it; by default that of its parameters.
        params: what a spec would write for it.
    """

    definition: ClassVar[Definition]
    manifest: ClassVar[str | None] = None
    params: ClassVar[Mapping[str, Any]] = {}

    def test_the_host_accepts_it(self) -> None:
        """Name, parameters, target, summary and interface version are as the host wants them."""
        assert list(flaws_of(self.definition, self.definition.kind)) == []

    def test_its_manifest_imports_nothing_heavy(self) -> None:
        """A fresh interpreter imports the manifest, and neither torch nor numpy comes with it."""
        manifest = self.manifest or self.definition.params.__module__
        outcome = _import_manifest(manifest, os.pathsep.join(filter(None, sys.path)))

        assert outcome.returncode == 0, outcome.stderr
        assert outcome.stdout.split() == []

    def test_it_cannot_be_changed(self) -> None:
        """All runs of a process share it."""
        with pytest.raises(dataclasses.FrozenInstanceError):
            self.definition.name = "another"  # type: ignore[misc]

    def test_its_parameters_are_frozen_and_refuse_unknown_fields(self) -> None:
        """A misspelt parameter is an error; a given one does not change under way."""
        config = self.definition.params.model_config

        assert config.get("frozen") is True
        assert config.get("extra") == "forbid"
        with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
            self.definition.params.model_validate({"no_such_parameter": 1})

    def test_its_parameters_have_a_schema_that_explains_each(self) -> None:
        """Editors complete and explain a spec from it: every field has a docstring."""
        # Pydantic fails on parameters that have no JSON form.
        schema = self.definition.params.model_json_schema()
        json.dumps(schema)
        fields, docs = self.definition.params.model_fields, field_docs(self.definition.params)
        unexplained = [
            name for name, field in fields.items() if not (field.description or docs.get(name))
        ]

        # Docstrings count like descriptions; both become the schema's text.
        assert unexplained == []

    def test_its_target_exists(self) -> None:
        """Import the target that a run will call."""
        module, _, attribute = self.definition.target.partition(":")

        assert callable(getattr(import_module(module), attribute))

    def test_what_it_reads_beside_its_parameters_can_be_hashed(self) -> None:
        """A static ``reads(params)``, if there is one, yields files and code of different names.

        What it declares is part of the identity of a run, so it is the same when asked twice.
        """
        try:
            params = self.definition.params.model_validate(dict(self.params))
        except ValidationError:
            # Required parameters without values in the kit; other checks cover these.
            pytest.skip("the parameters given here are not all that it needs")
        try:
            declared = list(list_externals(self.definition, params))
        except (AttributeError, ImportError):
            return  # reported by test_its_target_exists
        for external in declared:
            assert isinstance(external, ExternalCode | ExternalFiles)
            digests = list(external.digests())
            assert len(dict(digests)) == len(digests), "two files have one name"
            # Twice: digests decide whether a run is continued, so they must not vary.
            assert digests == list(external.digests())

    def test_its_summary_reads_as_one_line(self) -> None:
        """``safecompress plugins list`` shows it in a table."""
        summary = self.definition.summary

        name = self.definition.name
        # Tables show one line.
        assert summary == " ".join(summary.split()), (
            f"the summary of {name!r} has line breaks or double spaces: {summary!r}"
        )
        assert len(summary) <= 100, f"the summary of {name!r} is longer than 100 letters"

    def test_its_source_can_be_looked_up(self) -> None:
        """Require citations, if any, on one line and with a year."""
        cites = self.definition.cites

        name = self.definition.name
        assert cites == " ".join(cites.split()), (
            f"what {name!r} cites has line breaks or double spaces: {cites!r}; write it on one line"
        )
        assert not cites or re.search(YEAR, cites), (
            f"what {name!r} cites has no year: {cites!r}; write paper, year and section, as in "
            "'Shokri et al. 2017, IEEE S&P, section V', or leave it empty"
        )
