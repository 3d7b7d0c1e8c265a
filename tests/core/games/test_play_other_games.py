"""Who evades, inverts or extracts a model: what it holds, what it is asked, what is refused."""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from safecompress_core.api import (
    Access,
    AttackerDef,
    AttackerParams,
    EvasionAttackerParams,
    ExtractionAttackerParams,
    GradientAttackerParams,
)
from safecompress_core.attacks.adversary import Ball, Clues, Evader, Evidence, Extractor, Inverter
from safecompress_core.attacks.observed_pool import Sight, look
from safecompress_core.context.run_context import Preparation
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pools
from safecompress_core.errors import AccessError, MissingExtraError, SpecError
from safecompress_core.games.evasion import EvasionGame
from safecompress_core.games.extraction import ExtractionGame
from safecompress_core.games.inversion import InversionGame, Reconstruction
from safecompress_core.games.manifest import EVASION, EXTRACTION, INVERSION
from safecompress_core.games.play import Attack
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.attack_checks import attack_flaws
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.sparse.topology import Topology

MakeNetwork = Callable[..., Classifier]

GAMES = {
    "evasion": EvasionGame(EVASION),
    "inversion": InversionGame(INVERSION),
    "extraction": ExtractionGame(EXTRACTION),
}


class Still(Evader):
    """Moves nothing."""

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        self.known = known

    def perturb(self, evidence: Evidence, ball: Ball, *, generator: torch.Generator) -> Tensor:
        self.asked = evidence
        return evidence.seen.inputs


class Far(Still):
    """Moves too far."""

    def perturb(self, evidence: Evidence, ball: Ball, *, generator: torch.Generator) -> Tensor:
        return 1 - evidence.seen.inputs


class Blank(Inverter):
    """Reconstructs nothing."""

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        self.known = known

    def reconstruct(
        self, evidence: Evidence, clues: Clues, *, generator: torch.Generator
    ) -> Tensor:
        self.clues = clues
        return torch.zeros(len(clues), *evidence.seen.inputs.shape[1:])


class Parrot(Extractor):
    """Remembers how often each label was the answer, and always says the most frequent one."""

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        self.known = known
        self.said = int(known.seen.posteriors.sum(dim=0).argmax())

    def answer(self, inputs: Tensor) -> Tensor:
        return torch.full((len(inputs),), self.said)


def played(
    attacker: Any,
    game: str,
    params: AttackerParams,
    sights: tuple[Sight, Sight],
    **more: Any,
) -> Any:
    """What comes of an attack."""
    definition = AttackerDef(
        name="made-up",
        params=type(params),
        target="nowhere:Nothing",
        summary="Made up.",
        game=game,
        access=more.pop("access", Access.WHITE_BOX),
        **more,
    )
    attack = Attack(id="made-up", game=GAMES[game], definition=definition, params=params)
    known, asked = sights
    attacker.fit(attack.evidence(known, is_known=True), generator=torch.Generator())
    return attack.played(attacker, known, asked)


@pytest.fixture
def sights(network: MakeNetwork, digits: Dataset, pools: Pools) -> tuple[Sight, Sight]:
    """Attack-train and audit as an untrained network shows them."""
    made = network()
    return look(made, digits, pools.attack_train), look(made, digits, pools.audit)


def test_an_evader_holds_and_is_asked_about_non_members_alone(
    sights: tuple[Sight, Sight],
) -> None:
    """Robustness is read on the test set."""
    attacker = Still()
    found = played(attacker, "evasion", EvasionAttackerParams(epsilon=0.1), sights)

    known, asked = sights
    assert torch.equal(attacker.known.seen.inputs, known.unseen.inputs)
    assert torch.equal(attacker.asked.seen.inputs, asked.unseen.inputs)
    right = (asked.unseen.predictions == asked.unseen.labels).double().mean()
    document = found.to_json()
    assert document["robust_accuracy"] == document["clean_accuracy"] == pytest.approx(float(right))
    assert document["success"] == 0
    assert (document["norm"], document["epsilon"]) == ("linf", 0.1)


def test_an_evader_that_moves_too_far_is_refused(sights: tuple[Sight, Sight]) -> None:
    """Nobody is trusted to keep to epsilon."""
    with pytest.raises(ValueError, match="epsilon is 0.1"):
        played(Far(), "evasion", EvasionAttackerParams(epsilon=0.1), sights)


def test_classes_are_reconstructed_against_the_means_of_members(
    sights: tuple[Sight, Sight],
) -> None:
    """The baseline is the mean of the adversary's own samples, who are no members."""
    found = played(Blank(), "inversion", AttackerParams(), sights)
    known, asked = sights
    members = asked.seen.take(torch.arange(len(asked.pool.members)))
    means = torch.stack([members.inputs[members.labels == c].mean(0) for c in range(10)])

    assert isinstance(found, Reconstruction)
    assert (found.units, found.count) == ("classes", 10)
    assert found.error.value == pytest.approx(float((means**2).mean()))
    population = known.unseen.inputs.mean(0)
    assert found.baseline == pytest.approx(float(((means - population) ** 2).mean()))
    assert found.measures["evaluator_on_members"].value > 0.5


def test_gradients_are_those_of_members_and_of_weights_that_exist(
    network: MakeNetwork, digits: Dataset, pools: Pools
) -> None:
    """By a plain backward pass in double precision; missing weights send nothing."""
    made = network()
    mask = torch.arange(12 * 64).reshape(12, 64) % 3 == 0
    made.topology = Topology.from_masks({"0.weight": mask})
    sights = look(made, digits, pools.attack_train), look(made, digits, pools.audit)
    attacker = Blank()
    found = played(attacker, "inversion", GradientAttackerParams(samples=3), sights, gradients=True)

    assert (found.units, found.count) == ("samples", 3)
    members = digits.inputs[pools.audit.members].double()
    labels = digits.labels[pools.audit.members]
    plain = made.double()
    for seen in attacker.clues.gradients:
        assert not seen["0.weight"][~mask].any()
        losses = []
        for one, label in zip(members, labels, strict=True):
            plain.zero_grad()
            torch.nn.functional.cross_entropy(plain(one[None]), label[None]).backward()
            losses.append(float((plain.module[3].bias.grad - seen["3.bias"]).abs().max()))
        assert min(losses) < 1e-9, "a gradient is of no member of the pool"


def test_a_budget_limits_what_an_extractor_is_told(sights: tuple[Sight, Sight]) -> None:
    """So many answers, and no way to ask for more, whatever access it declares."""
    attacker = Parrot()
    found = played(attacker, "extraction", ExtractionAttackerParams(budget=7), sights)

    assert len(attacker.known.seen) == 7
    assert found.to_json()["queries"] == 7
    with pytest.raises(AccessError):
        attacker.known.seen.query(attacker.known.seen.inputs)
    _, asked = sights
    same = (asked.unseen.predictions == attacker.said).double().mean()
    assert found.accuracy.value == pytest.approx(float(same))


def test_the_baseline_of_an_extraction_is_fitted_on_true_labels(
    sights: tuple[Sight, Sight],
) -> None:
    """It says the most frequent label, where the clone says the most frequent answer."""
    found = played(Parrot(), "extraction", ExtractionAttackerParams(), sights)
    known, asked = sights
    label = int(torch.bincount(known.unseen.labels).argmax())

    same = (asked.unseen.predictions == label).double().mean()
    assert found.baseline == pytest.approx(float(same))


def refused(prepared: Preparation) -> list[str]:
    """What is said before anything is trained."""
    with pytest.raises(SpecError) as caught:
        require_feasible(prepared)
    return [f"{one.path}: {one.message}; {one.mend}" for one in caught.value.problems]


@pytest.mark.parametrize("is_text", [True, False])
def test_inputs_that_cannot_be_moved_are_refused(
    prepare: Callable[..., Preparation], is_text: bool
) -> None:
    """A word or a code has no neighbour at a distance of epsilon."""
    prepared = prepare(audit__attackers=[{"type": "mi-face"}])
    loaded = prepared.original
    other = (
        replace(loaded, texts=("word",) * len(loaded))
        if is_text
        else replace(loaded, inputs=(loaded.inputs[torch.arange(len(loaded))] * 16).long())
    )
    prepared.__dict__["dataset"] = other

    [found] = list(attack_flaws(prepared))

    assert found.path == ("audit", "attackers", 0, "type")
    assert "needs inputs that can be moved" in found.message


def test_more_samples_and_queries_than_there_are_are_refused(
    prepare: Callable[..., Preparation],
) -> None:
    """Each with the most that there are."""
    attackers = [{"type": "dlg", "samples": 5000}, {"type": "knockoff", "budget": 5000}]
    prepared = prepare(audit__attackers=attackers)
    members = len(prepared.pools.audit.members)
    held = len(prepared.pools.attack_train.non_members)

    assert refused(prepared) == [
        f"audit.attackers.0.samples: 'dlg' is to show 5000 members, and the pool has {members}; "
        f"write at most {members}",
        f"audit.attackers.1.budget: 'knockoff' is to query 5000 samples, and the adversary has "
        f"{held}; write at most {held}, or leave it out",
    ]


def test_what_reconstructs_cannot_select(prepare: Callable[..., Preparation]) -> None:
    """Candidates are compared sample by sample."""
    with pytest.raises(SpecError, match=r"'dlg' reconstructs inputs.*compared sample by sample"):
        prepare(attackers=[{"type": "dlg"}])


def test_a_missing_extra_is_told_before_anything_is_trained(
    prepare: Callable[..., Preparation], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to install."""
    for name in {"foolbox", *sys.modules}:
        if name.partition(".")[0] == "foolbox":
            monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.endswith("gradient_evasion")]:
        monkeypatch.delitem(sys.modules, name)
    prepared = prepare(audit__attackers=[{"type": "fgsm", "epsilon": 0.1}])

    with pytest.raises(MissingExtraError, match=r"foolbox is not installed.*\[attacks\]'$"):
        require_feasible(prepared)
