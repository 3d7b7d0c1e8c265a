"""Parts of an audit's spec that do not fit each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.load import load_audit_spec

AUDIT = {
    "version": 1,
    "kind": "audit",
    "name": "mine",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp"}},
    "audit": {"attackers": [{"type": "gap"}]},
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
