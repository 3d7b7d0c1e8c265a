"""The kit for attackers tells good ones from bad ones."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from safecompress_core.api import (
    BLACK_BOX,
    AttackerDef,
    AttackerParams,
    Need,
    ReferenceAttackerParams,
)
from safecompress_core.attacks.adversary import AdversaryKnowledge, Attacker
from safecompress_core.errors import AccessError
from safecompress_core.testing.attackers import AttackerConformance


class Params(AttackerParams):
    """Nothing to set."""


class Loss(Attacker):
    """A good attack."""

    def __init__(self, params: Params) -> None:
        del params

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Nothing to learn."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return -knowledge.seen.losses


class Turned(Loss):
    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return knowledge.seen.losses


class Misjudging(Loss):
    threshold = 100.0


class Nosy(Loss):
    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return knowledge.seen.hidden.norm(dim=1)


class Gambling(Loss):
    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return super().score(knowledge) + 0.01 * torch.rand(len(knowledge.seen))


class Sociable(Loss):
    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        scores = super().score(knowledge)
        return scores - scores.mean()


class Confused(Loss):
    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return (knowledge.seen.posteriors.log() * knowledge.seen.posteriors).sum(dim=1)


class Verbose(Loss):
    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return knowledge.seen.posteriors


class Clairvoyant(Loss):
    """Knows the order of members in the pool, which the model does not tell."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return (torch.arange(len(knowledge.seen)) % 2 == 0).float()


class Forgetful(Loss):
    learned = True

    def adapt(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        self.learned = False

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        return super().score(knowledge) if self.learned else torch.zeros(len(knowledge.seen))


def kit(made: type[Attacker], *, game: str = "membership") -> AttackerConformance:
    """The checks of one attacker."""

    class Checks(AttackerConformance):
        definition = AttackerDef(
            name="example",
            params=Params,
            target=f"{made.__module__}:{made.__qualname__}",
            summary="An example.",
            game=game,
            needs=BLACK_BOX,
        )

        def attacker(self) -> Attacker:
            return made(Params())

    return Checks()


class Comparing(Loss):
    """Calibrates the loss by models that did not have the sample."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        references = knowledge.references
        assert references is not None
        out = references.log_confidences.where(~references.is_in, 0).sum(dim=0)
        return -knowledge.seen.losses - out / (~references.is_in).sum(dim=0)


class Mistaken(Comparing):
    """Goes by how many models had the sample, which is no more than chance."""

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        references = knowledge.references
        assert references is not None
        return references.is_in.double().mean(dim=0)


CHECKS = [name for name in vars(AttackerConformance) if name.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
def test_a_good_attacker_passes(check: str) -> None:
    """The oldest attack there is passes every check."""
    getattr(kit(Loss), check)()


@pytest.mark.parametrize(
    ("attacker", "check", "message"),
    [
        (Turned, "test_it_finds_a_planted_leak", None),
        (Misjudging, "test_it_finds_a_planted_leak", "own threshold misses"),
        (Gambling, "test_same_seed_same_scores", None),
        (Sociable, "test_a_sample_is_answered_alone_as_in_company", None),
        (Confused, "test_it_bears_a_model_that_is_certain", "not a finite number"),
        (Verbose, "test_it_finds_a_planted_leak", r"have shape \(400, 4\), not \(400,\)"),
        (Clairvoyant, "test_it_finds_nothing_where_there_is_nothing", None),
        (Forgetful, "test_it_adapts_to_a_changed_model", None),
    ],
)
def test_a_bad_attacker_fails(attacker: type[Attacker], check: str, message: str | None) -> None:
    """Each mistake is caught by the check that is made for it."""
    with pytest.raises(AssertionError, match=message):
        getattr(kit(attacker), check)()


def comparing_kit(made: type[Attacker]) -> AttackerConformance:
    """The checks of an attacker that compares with reference models."""

    class Checks(AttackerConformance):
        definition = replace(
            kit(made).definition,
            params=ReferenceAttackerParams,
            needs=BLACK_BOX | {Need.REFERENCES},
        )

        def attacker(self) -> Attacker:
            return made(Params())

    return Checks()


@pytest.mark.parametrize("check", [name for name in CHECKS if name.startswith("test_it_")])
def test_an_attacker_that_compares_gets_reference_models(check: str) -> None:
    """They know samples of their own, and have a leak where the attacked model has one."""
    getattr(comparing_kit(Comparing), check)()


def test_who_was_in_which_reference_model_says_nothing() -> None:
    """An attacker that goes by it finds no leak."""
    with pytest.raises(AssertionError):
        comparing_kit(Mistaken).test_it_finds_a_planted_leak()


def test_reading_more_than_was_declared_fails() -> None:
    """The kit hands out what the declared access covers, and nothing else."""
    with pytest.raises(AccessError, match="'hidden' needs white-box access"):
        kit(Nosy).test_it_finds_a_planted_leak()


@pytest.mark.parametrize("game", ["membership", "attribute"])
def test_the_truth_is_hidden_when_scores_are_asked_for(game: str) -> None:
    """An attacker that looks at the answer sees None."""
    seen: list[Tensor | None] = []

    class Peeking(Loss):
        def score(self, knowledge: AdversaryKnowledge) -> Tensor:
            seen.append(knowledge.truth)
            count = len(knowledge.seen)
            return torch.zeros(count if game == "membership" else (count, knowledge.values))

    checks = kit(Peeking, game=game)
    pool = checks.adversary_knowledge()
    checks.scores(Peeking(Params()), pool)

    assert pool.truth is not None
    assert seen == [None]


def test_planted_and_null_pools_differ_in_the_leak_alone() -> None:
    """With the same seed, non-members look the same in both."""
    planted, null = (kit(Loss).adversary_knowledge(leak=leak, seed=3) for leak in (6.0, 0.0))
    assert planted.truth is not None
    others = ~planted.truth

    assert torch.equal(planted.seen.logits[others], null.seen.logits[others])
    assert not torch.equal(planted.seen.logits, null.seen.logits)
    assert torch.equal(planted.seen.labels, replace(null, truth=None).seen.labels)
