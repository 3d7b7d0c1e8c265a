"""Several attackers as one."""

from dataclasses import replace
from typing import Any, Protocol

import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier
from torch import Tensor

from safecompress_core.api import Access, AttackerDef, Need, Part
from safecompress_core.host import load_plugins
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import AdversaryKnowledge, Attacker, PoolError
from safecompress_plugins.attackers.ensemble.calibration import (
    MembershipCalibration,
    ValueCalibration,
)
from safecompress_plugins.attackers.ensemble.ensemble_attacker import EnsembleAttacker
from safecompress_plugins.attackers.ensemble.manifest import DEFINITIONS, EnsembleAttackerParams
from safecompress_plugins.attackers.manifest import DEFINITIONS as ATTACKERS

[BASKET] = DEFINITIONS
BY_NAME = {one.name: one for one in ATTACKERS if isinstance(one, AttackerDef)}


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge


class TestBasketBySample(AttackerConformance):
    definition = BASKET
    parts = [(BY_NAME[name], {}) for name in ("loss-threshold", "gap", "gradient-norm")]


@pytest.mark.slow
class TestBasketByRun(AttackerConformance):
    definition = BASKET
    params = {"worst": "run", "folds": 3}
    parts = [
        (BY_NAME["gap"], {}),
        (BY_NAME["neural-blackbox"], {"epochs": 5, "learner": "network"}),
    ]


class TestBasketWithReferences(AttackerConformance):
    definition = BASKET
    parts = [(BY_NAME["lira"], {"references": 8}), (BY_NAME["rmia"], {"references": 4})]


class TestBasketOnAnAttribute(AttackerConformance):
    definition = BASKET
    parts = [
        (BY_NAME[name], {"attribute": "digit"}) for name in ("attribute-probe", "attribute-neurons")
    ]


class TestBasketOnAnAttributeByRun(AttackerConformance):
    definition = BASKET
    params = {"worst": "run"}
    parts = [
        (BY_NAME[name], {"attribute": "digit"})
        for name in ("attribute-blackbox", "attribute-probe")
    ]


def basket(*parts: tuple[str, dict[str, Any]], **params: Any) -> EnsembleAttacker:
    """A basket of built-in attackers by name."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    made: list[Any] = [BY_NAME[name].params.model_validate(given) for name, given in parts]
    built: EnsembleAttacker = registry.create(EnsembleAttackerParams(attackers=made, **params))
    return built


def default(name: str) -> Any:
    """Parameters of a built-in attacker that can do without any."""
    return BY_NAME[name].params()


def fitted(attacker: Attacker, known: AdversaryKnowledge) -> Attacker:
    """The same, having learned from attack-train."""
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    return attacker


def alone(name: str, leaky: Leaky) -> Tensor:
    """Scores of an attacker on its own."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    attacker: Attacker = registry.create(BY_NAME[name].params())
    return fitted(attacker, leaky.known).score(replace(leaky.pool, truth=None))


def test_by_run_the_part_that_does_best_on_attack_train_answers(leaky: Leaky) -> None:
    """With its own scores, whatever its place in the list, and results say which it was."""
    attacker = fitted(
        basket(("entropy", {}), ("loss-threshold", {}), ("gap", {}), worst="run"), leaky.known
    )

    found = attacker.score(replace(leaky.pool, truth=None))

    assert attacker.remarks["worst"] == "LossThresholdParams"
    assert torch.equal(found, alone("loss-threshold", leaky))


class ByHeart(Attacker):
    """Knows the members that it was shown, and nothing of anybody else."""

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        assert known.truth is not None
        self._members = known.seen.losses[known.truth]

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return torch.isin(knowledge.seen.losses, self._members).float()


def test_the_worst_is_not_who_learned_attack_train_by_heart(leaky: Leaky) -> None:
    """It is right about all samples it was fitted to, and about no other."""
    names = ("entropy", "loss-threshold")
    attackers = (ByHeart(), basket(("loss-threshold", {}), ("gap", {}))._parts[0]._whole)
    parts = tuple(
        Part(definition=BY_NAME[name], params=default(name), attacker=attacker)
        for name, attacker in zip(names, attackers, strict=True)
    )
    made = EnsembleAttackerParams(attackers=[part.params for part in parts], worst="run")
    attacker = fitted(EnsembleAttacker(made, parts), leaky.known)

    said = attackers[0].score(leaky.known) > 0
    assert leaky.known.truth is not None
    assert (said == leaky.known.truth).double().mean() > 0.95
    assert attacker.remarks["attack_train_accuracy"]["EntropyAttackParams"] < 0.6
    assert attacker.remarks["worst"] == "LossThresholdParams"


def test_accuracies_are_those_of_samples_that_were_left_out(leaky: Leaky) -> None:
    """As scikit-learn's cross-validation of the same one-dimensional threshold finds them."""
    attacker = fitted(basket(("loss-threshold", {}), ("gap", {})), leaky.known)
    assert leaky.known.truth is not None
    losses = -leaky.known.seen.losses.double().numpy()[:, None]

    stump = DecisionTreeClassifier(max_depth=1, class_weight="balanced")
    expected = cross_val_score(
        stump, losses, leaky.known.truth.numpy(), cv=5, scoring="balanced_accuracy"
    )

    found = attacker.remarks["attack_train_accuracy"]["LossThresholdParams"]
    assert found == pytest.approx(expected.mean(), abs=0.02)


def test_by_sample_the_surest_part_answers() -> None:
    """Two attacks, each of which tells a half of the samples, tell all of them together."""
    generator = torch.Generator().manual_seed(0)
    halves = [make_half(0, generator), make_half(1, generator)]
    scores = torch.stack([scores for scores, _ in halves])  # (P, N)
    truth = halves[0][1]
    calibrations = [MembershipCalibration(one, truth) for one in scores]

    answers = torch.stack([one.answers(own) for one, own in zip(calibrations, scores, strict=True)])
    surest = answers[answers.abs().argmax(dim=0), torch.arange(len(truth))]

    each = [roc_auc_score(truth, one) for one in scores]
    assert max(each) < 0.88
    assert roc_auc_score(truth, surest) > 0.98


def make_half(which: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Scores that tell members among the samples of one half, and say nothing of the others."""
    truth = torch.arange(2000) % 2 == 0
    is_told = torch.arange(2000) // 1000 == which
    scores = torch.randn(2000, generator=generator) * 0.1
    return torch.where(is_told, scores + 3.0 * truth - 1.5, scores), truth


def test_log_odds_are_those_of_two_normal_distributions() -> None:
    """For N(1, 1) against N(0, 1) the log-odds are x − 1/2, whatever the unit of a score."""
    generator = torch.Generator().manual_seed(1)
    truth = torch.arange(20_000) % 4 == 0  # three non-members to a member
    x = torch.randn(20_000, generator=generator, dtype=torch.float64) + truth

    for scores in (x, x.exp(), -1000 * (-x).exp()):
        found = MembershipCalibration(scores, truth).answers(scores)
        middle = (x - 0.5).abs() < 1.5
        assert (found - (x - 0.5))[middle].abs().mean() < 0.1


def test_an_attack_that_is_worse_than_chance_has_no_say() -> None:
    """Turning its scores round would be another attack."""
    generator = torch.Generator().manual_seed(2)
    truth = torch.arange(1000) % 2 == 0
    scores = torch.randn(1000, generator=generator) - truth.float()

    assert not MembershipCalibration(scores, truth).answers(scores).any()


def test_posteriors_of_values_are_calibrated() -> None:
    """Overconfident scores are blurred until what is said with 70 % is right in 70 % of cases."""
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(20_000, 3, generator=generator, dtype=torch.float64)
    truth = torch.multinomial(logits.softmax(dim=1), 1, generator=generator)[:, 0]

    found = ValueCalibration(50 * logits, truth).answers(50 * logits)

    torch.testing.assert_close(found, logits.softmax(dim=1), rtol=0, atol=0.02)


def test_parts_see_no_more_than_alone(leaky: Leaky) -> None:
    """Beside one that has the parameters, one that sees labels is shown labels."""
    seen: list[Access] = []

    class Spy(Attacker):
        def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
            seen.append(known.seen.access)

        def score(self, knowledge: AdversaryKnowledge) -> Tensor:
            seen.append(knowledge.seen.access)
            return torch.zeros(len(knowledge.seen))

    parts = tuple(
        Part(definition=BY_NAME[name], params=default(name), attacker=Spy())
        for name in ("gap", "gradient-norm")
    )
    fitted(
        EnsembleAttacker(EnsembleAttackerParams(attackers=[part.params for part in parts]), parts),
        leaky.known,
    )

    assert {*seen} == {Access.LABEL_ONLY, Access.WHITE_BOX}
    assert seen.index(Access.WHITE_BOX) == seen.count(Access.LABEL_ONLY)


def test_it_is_of_its_parts_game_and_of_the_greatest_access() -> None:
    """Reference models and versions included."""
    made = BASKET.of([BY_NAME["gap"], BY_NAME["lira"], BY_NAME["compression-versions"]])
    probes = BASKET.of([BY_NAME["attribute-blackbox"], BY_NAME["attribute-probe"]])

    assert (made.game, made.access) == ("membership", Access.BLACK_BOX)
    assert made.needs >= {Need.REFERENCES, Need.VERSIONS, Need.UNCOMPRESSED}
    assert (probes.game, probes.access) == ("attribute", Access.WHITE_BOX)
    assert Need.REFERENCES not in probes.needs


def test_something_has_to_be_left_out(leaky: Leaky) -> None:
    """With one member there is no member to judge on."""
    with pytest.raises(PoolError, match="at least 2 members and 2 non-members"):
        fitted(
            basket(("gap", {}), ("entropy", {})), leaky.known.take(torch.tensor([0, 400, 401, 402]))
        )
