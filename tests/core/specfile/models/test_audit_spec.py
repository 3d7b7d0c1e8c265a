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


def problems_of(folder: Path, registry: Registry, **changes: Any) -> list[str]:
    """What is wrong with the spec, by path and message."""
    with pytest.raises(SpecError) as refused:
        load_audit_spec(written(folder, AUDIT | changes), registry=registry)
    return [f"{one.path}: {one.message}; {one.hint}" for one in refused.value.problems]


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


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"training": {"epochs": 3}}, "training: there is no field 'training' here; there are: "),
        ({"audit": {"attackers": []}}, "audit.attackers: there are no entries; write 1 or more"),
        ({"pools": {"select": 0.2}}, "pools.select: there is no field 'select' here; there are: "),
        ({"pools": {"attack_train": 0.3}}, "pools: attack_train and audit sum to 0.8; write share"),
        ({"pools": {"members": 1797}}, "pools.members: 1797 members are asked for, and 'handwrit"),
        ({"audit": {"attackers": [{"type": "rmia"}]}}, "audit.attackers.0.type: 'rmia' compares"),
        (
            {"audit": {"attackers": [{"type": "gap"}, {"type": "gap"}]}},
            "audit.attackers.1.type: two attackers are called 'gap'; give one of them another 'id'",
        ),
        (
            {"audit": {"attackers": [{"type": "attribute-blackbox", "attribute": "sex"}]}},
            "audit.attackers.0.attribute: 'handwriting' has no attribute 'sex'; there are: digit",
        ),
        ({"gate": [{"measure": "auc", "at_most": 1}]}, "gate.0.measure: no measure is called 'auc"),
        (
            {"task": {"data": {"type": "handwriting"}, "labels": ["a", "b", "a"]}},
            "task.labels.2: two outputs of the model are called 'a'; name each of them once",
        ),
        (
            {"task": {"data": {"type": "handwriting"}, "answers": "scores"}},
            "task.answers: 'scores' is no option; write logits or probabilities",
        ),
    ],
)
def test_parts_that_do_not_fit_are_told(
    changes: dict[str, Any], problem: str, built_ins: Registry, tmp_path: Path
) -> None:
    """Each with its place and what to write instead."""
    [found] = problems_of(tmp_path, built_ins, **changes)

    assert found.startswith(problem)


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
