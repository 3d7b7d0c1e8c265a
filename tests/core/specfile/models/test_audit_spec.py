"""Specs of audits: told from those of runs, and checked like them."""

import json
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.load import load_any_spec, load_audit_spec, load_spec
from safecompress_core.specfile.models.audit_spec import AuditSpec
from safecompress_core.specfile.models.run_spec import RunSpec
from safecompress_core.specfile.yaml.overrides import Overlay

AUDIT = {
    "version": 1,
    "kind": "audit",
    "name": "mine",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp"}},
    "audit": {"attackers": [{"type": "gap"}]},
}
RUN = {
    "version": 1,
    "name": "mine",
    "task": AUDIT["task"],
    "method": {"type": "uncompressed"},
}


@pytest.fixture(scope="module")
def built_ins() -> Registry:
    """What SafeCompress itself registers."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def written(folder: Path, content: dict[str, Any]) -> Path:
    """A spec; JSON is YAML."""
    path = folder / "spec.yaml"
    path.write_text(json.dumps(content, indent=1))
    return path


def test_the_kind_decides_what_a_spec_is(built_ins: Registry, tmp_path: Path) -> None:
    """For whoever takes both."""
    audit = load_any_spec(written(tmp_path, AUDIT), registry=built_ins)
    run = load_any_spec(written(tmp_path, RUN), registry=built_ins)

    assert isinstance(audit.spec, AuditSpec)
    assert isinstance(run.spec, RunSpec)


def test_each_loader_refuses_the_other_kind(built_ins: Registry, tmp_path: Path) -> None:
    """With the command that it is for."""
    with pytest.raises(SpecError, match="use it with `safecompress audit MODEL --spec"):
        load_spec(written(tmp_path, AUDIT), registry=built_ins)
    with pytest.raises(SpecError, match="the spec of a run, and the spec of an audit is wanted"):
        load_audit_spec(written(tmp_path, RUN), registry=built_ins)


def test_a_resolved_audit_loads_as_the_same(built_ins: Registry, tmp_path: Path) -> None:
    """With every default written out."""
    first = load_audit_spec(written(tmp_path, AUDIT), registry=built_ins)
    again = load_audit_spec(written(tmp_path, first.resolved), registry=built_ins)

    assert again.resolved == first.resolved
    assert first.resolved["pools"]["members"] == "given"
    assert "training" not in first.resolved


def test_what_a_command_lays_over_a_spec_has_a_place_of_its_own(
    built_ins: Registry, tmp_path: Path
) -> None:
    """A problem names the option; what yields leaves alone what the spec says."""
    laid = [
        Overlay(steps=("task", "data", "path"), value="x.csv", origin="--data x.csv"),
        Overlay(steps=("task", "model"), value={"type": "lenet"}, origin="m.pt", yields=True),
    ]

    with pytest.raises(SpecError) as refused:
        load_audit_spec(written(tmp_path, AUDIT), laid=laid, registry=built_ins)

    [problem] = refused.value.problems
    assert str(problem).startswith("--data x.csv:1:1: task.data.path: there is no field 'path'")
    assert problem.is_override
    kept = load_audit_spec(written(tmp_path, AUDIT), laid=laid[1:], registry=built_ins)
    assert kept.resolved["task"]["model"]["type"] == "mlp"
    bare = AUDIT | {"task": {"data": {"type": "handwriting"}}}
    filled = load_audit_spec(written(tmp_path, bare), laid=laid[1:], registry=built_ins)
    assert filled.resolved["task"]["model"]["type"] == "lenet"


@pytest.mark.parametrize("spec", [AUDIT, RUN], ids=["audit", "run"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"min_risk": 0}, "0 is not greater than 0; write a number greater than 0 and less than 1"),
        ({"min_risk": 1.5}, "1.5 is not less than 1; write a number greater than 0 and less"),
        ({"min_risk": "high"}, "'high' is not a number; write a number"),
        ({"accept_shift": "perhaps"}, "'perhaps' is not true or false; write true or false"),
        ({"accept_shift": 2}, "2 is not true or false; write true or false"),
        ({"accept_shift": [True]}, "a list is not true or false; write true or false"),
    ],
)
def test_risk_and_shift_are_checked(
    spec: dict[str, Any], given: dict[str, Any], message: str, built_ins: Registry, tmp_path: Path
) -> None:
    """At their place in the file, in audits and in runs."""
    (field,) = given
    content = {**spec, "audit": {"attackers": [{"type": "gap"}], **given}}

    with pytest.raises(SpecError) as raised:
        load_any_spec(written(tmp_path, content), registry=built_ins)

    (problem,) = raised.value.problems
    assert f"audit.{field}: {message}" in str(problem)
    assert field in (tmp_path / "spec.yaml").read_text().splitlines()[problem.line - 1]
