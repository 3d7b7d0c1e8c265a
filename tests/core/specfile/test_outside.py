"""What a spec reaches for outside: variables that are to be set, and code that is to be allowed."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from safecompress_core.api import DataDef, DataPath, Kind, Need, Params
from safecompress_core.errors import SpecError
from safecompress_core.host import Origin, Registry, load_plugins
from safecompress_core.specfile.load import load_spec

SPEC = """\
version: 1
name: outside
task:
  data: {type: ledger, path: "${env:LEDGERS}/a.txt"}
  model: {type: mlp}
method: {type: uncompressed}
"""


class LedgerParams(Params):
    """A file."""

    path: DataPath
    """Where it is."""


LEDGER = DataDef(name="ledger", params=LedgerParams, target="nowhere:Ledger", summary="A ledger.")


def registry(ledger: DataDef) -> Registry:
    """The built-ins, and this one."""

    def entries() -> Iterator[tuple[object, Origin]]:
        built_in = load_plugins().registry
        for definition in built_in:
            yield definition, built_in.origin(definition)
        yield ledger, built_in.origin(built_in.get(Kind.DATA, "csv"))

    return Registry(entries())  # type: ignore[arg-type]


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec that names a file by a variable."""
    path = tmp_path / "outside.yaml"
    path.write_text(SPEC)
    return path


def test_a_variable_that_is_not_set_is_a_problem(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the path that names it; the path itself is kept as it is written."""
    monkeypatch.delenv("LEDGERS", raising=False)
    with pytest.raises(SpecError) as caught:
        load_spec(spec, registry=registry(LEDGER))
    [problem] = caught.value.problems
    assert (problem.path, problem.line) == ("task.data.path", 4)
    assert problem.message == "the environment variable 'LEDGERS' is not set"

    monkeypatch.setenv("LEDGERS", "/books")

    resolved = load_spec(spec, registry=registry(LEDGER)).resolved
    assert resolved["task"]["data"]["path"] == "${env:LEDGERS}/a.txt"


def test_code_is_refused_unless_the_user_allows_it(
    spec: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that a spec says can allow it."""
    monkeypatch.setenv("LEDGERS", "/books")
    with_code = registry(replace(LEDGER, needs=frozenset({Need.CODE})))

    with pytest.raises(SpecError) as caught:
        load_spec(spec, registry=with_code)
    [problem] = caught.value.problems
    assert problem.path == "task.data.type"
    assert "imports and runs code that this spec names" in problem.message
    assert "--allow-code" in problem.hint

    assert load_spec(spec, registry=with_code, allow_code=True).allow_code
    assert not load_spec(spec, registry=registry(LEDGER)).allow_code
