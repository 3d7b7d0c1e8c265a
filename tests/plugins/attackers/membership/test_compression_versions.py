"""The attack of somebody who holds several compressed versions of one model."""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import Access, AttackerDef, Need
from safecompress_core.errors import SpecError
from safecompress_core.host import load_plugins
from safecompress_core.specfile.load import load_spec
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import AdversaryKnowledge, Classifier, PoolError, observe
from safecompress_plugins.attackers.membership import compression_difference
from safecompress_plugins.attackers.membership.compression_manifest import (
    DEFINITIONS,
    CompressionVersionsParams,
)
from safecompress_plugins.attackers.membership.compression_versions import CompressionVersions

[VERSIONS] = [one for one in DEFINITIONS if one.name == "compression-versions"]
MEMBERS, KNOWN = 600, 300  # of 1,200 digits, labels drawn by lot where they cannot be generalised


@pytest.mark.slow
class TestForestWithoutTheUncompressedModel(AttackerConformance):
    """With few trees; those of ``compression-difference`` have all of theirs."""

    definition: AttackerDef = VERSIONS
    params = {"with_uncompressed": False}

    @pytest.fixture(autouse=True)
    def _few_trees(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(compression_difference, "TREES", 20)


class TestLogistic(AttackerConformance):
    definition: AttackerDef = VERSIONS
    params = {"classifier": "logistic"}


def trained(network: nn.Module, inputs: Tensor, labels: Tensor, *, epochs: int) -> nn.Module:
    """Adam on full batches; weights that are 0 stay 0."""
    alive = [(one, one != 0) for one in network.parameters() if one.ndim > 1]
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3)
    for _ in range(epochs):
        optimizer.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()
        with torch.no_grad():
            for weight, mask in alive:
                weight.mul_(mask)
    return network


@pytest.fixture(scope="module")
def family() -> tuple[AdversaryKnowledge, AdversaryKnowledge]:
    """What is known and what is asked, by four models of 20, 15, 10 and 5 % of a big one's weights.

    The one of 10 % is attacked.
    """
    digits: Any = load_digits()
    inputs = torch.as_tensor(digits.data[:1200], dtype=torch.float32) / 16
    labels = torch.as_tensor(digits.target[:1200])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        lots = torch.rand(1200) < 0.4
        labels = torch.where(lots, torch.randint(10, (1200,)), labels)
        big = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10))
        trained(big, inputs[:MEMBERS], labels[:MEMBERS], epochs=150)

        def compressed(density: float) -> nn.Module:
            small = deepcopy(big)
            with torch.no_grad():
                for weight in (one for one in small.parameters() if one.ndim > 1):
                    weight.mul_(weight.abs() > weight.abs().flatten().quantile(1 - density))
            return trained(small, inputs[:MEMBERS], labels[:MEMBERS], epochs=40)

        models = [compressed(0.1), *map(compressed, (0.2, 0.15, 0.05)), big]

    def evidence(rows: Tensor) -> AdversaryKnowledge:
        attacked, *others, before = (
            observe(Classifier(one), inputs[rows], labels[rows]).restrict(Access.BLACK_BOX)
            for one in models
        )
        return AdversaryKnowledge(
            seen=attacked,
            truth=rows < MEMBERS,
            values=2,
            uncompressed=before,
            versions=tuple(others),
        )

    known = torch.arange(1200) % MEMBERS < KNOWN
    return evidence(known.nonzero()[:, 0]), evidence((~known).nonzero()[:, 0])


def auc(known: AdversaryKnowledge, asked: AdversaryKnowledge, **params: Any) -> float:
    """Of the attack on samples that it has not learned from."""
    attacker = CompressionVersions(CompressionVersionsParams(classifier="logistic", **params))
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    assert asked.truth is not None
    return float(roc_auc_score(asked.truth, attacker.score(replace(asked, truth=None))))


def test_several_versions_tell_more_than_one(
    family: tuple[AdversaryKnowledge, AdversaryKnowledge],
) -> None:
    """Without the uncompressed model, which tells most, the others make up for some of it."""
    several = auc(*family, with_uncompressed=False)
    one = auc(*(replace(part, versions=()) for part in family), with_uncompressed=False)

    assert several > one + 0.015


def test_the_uncompressed_model_is_used_only_if_the_adversary_holds_it(
    family: tuple[AdversaryKnowledge, AdversaryKnowledge],
) -> None:
    """With it the attack is stronger; without it, whether there is one makes no difference."""
    without = auc(*family, with_uncompressed=False)
    none = auc(*(replace(part, uncompressed=None) for part in family))

    assert auc(*family) > without
    assert none == without


def test_how_many_versions_it_held_is_said(
    family: tuple[AdversaryKnowledge, AdversaryKnowledge],
) -> None:
    """The one that is attacked counts."""
    attacker = CompressionVersions(CompressionVersionsParams(classifier="logistic"))
    attacker.fit(family[0], generator=torch.Generator().manual_seed(0))

    assert attacker.remarks == {"versions": 4}


def test_it_gets_no_more_versions_than_it_asks_for(
    family: tuple[AdversaryKnowledge, AdversaryKnowledge],
) -> None:
    """Those in front; the one that is attacked counts. Who does not ask gets none."""
    known, _ = family
    two = known.restrict(VERSIONS, CompressionVersionsParams(versions=2))
    all_of_them = known.restrict(VERSIONS, CompressionVersionsParams(versions=9))
    none = known.restrict(
        replace(VERSIONS, needs=VERSIONS.needs - {Need.VERSIONS}), CompressionVersionsParams()
    )

    [version] = two.versions
    assert torch.equal(version.logits, known.versions[0].logits)
    assert len(all_of_them.versions) == 3
    assert none.versions == ()


def test_two_members_and_two_others_are_needed(
    family: tuple[AdversaryKnowledge, AdversaryKnowledge],
) -> None:
    """Its second stage learns from samples that the first was not fitted to."""
    known, asked = family
    one_member = known.take(torch.tensor([0, KNOWN, KNOWN + 1]))

    with pytest.raises(PoolError, match="at least 2 members and 2 non-members"):
        auc(one_member, asked)


@pytest.fixture
def problems(tmp_path: Path) -> Callable[..., str]:
    """What is wrong with a small spec that is changed; empty for nothing."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    file = tmp_path / "spec.yaml"

    def found(**changes: Any) -> str:
        strategy = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
        spec = {
            "version": 1,
            "name": "small",
            "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp"}},
            "method": {
                "type": "test-driven",
                "field": 1,
                "twins": False,
                "density": 0.1,
                "strategies": [strategy] * 2,
            },
            "attackers": [{"type": "loss-threshold"}],
            "audit": {"attackers": [{"type": "compression-versions"}], "front": "ends"},
            **changes,
        }
        file.write_text(json.dumps(spec, indent=2))
        try:
            load_spec(file, registry=registry)
        except SpecError as error:
            return str(error)
        return ""

    return found


def test_a_run_has_to_leave_several_versions_behind(problems: Callable[..., str]) -> None:
    """Said before anything is trained, and what to write instead."""
    audited = {"attackers": [{"type": "compression-versions"}]}

    assert problems() == ""
    assert "the audit keeps one; write audit.front: ends, or all" in problems(audit=audited)
    assert "'uncompressed' makes one; take it out, or use a method with rounds" in problems(
        method={"type": "uncompressed"}
    )


def test_only_an_audit_may_name_it(problems: Callable[..., str]) -> None:
    """A candidate has no other versions beside it yet."""
    found = problems(attackers=[{"type": "compression-versions", "with_uncompressed": False}])

    assert "attackers.0.type: 'compression-versions' also sees the uncompressed model" in found
