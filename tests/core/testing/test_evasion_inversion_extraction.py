"""The kits for attackers that evade, invert or extract tell good ones from bad ones."""

from typing import Any

import pytest
import torch
from torch import Tensor

from safecompress_core.api import (
    Access,
    AttackerDef,
    EvasionAttackerParams,
    ExtractionAttackerParams,
    GradientAttackerParams,
    Need,
)
from safecompress_core.attacks.adversary import (
    AdversaryKnowledge,
    Evader,
    Extractor,
    InversionTargets,
    Inverter,
    PerturbationBudget,
)
from safecompress_core.testing.evasion_inversion_extraction import (
    EvaderConformance,
    ExtractorConformance,
    InverterConformance,
)


class Leap(Evader):
    """Goes to the far end of the ball, away from what each pixel is."""

    def __init__(self, params: Any) -> None:
        del params

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Nothing to learn."""

    def step(self, knowledge: AdversaryKnowledge, budget: PerturbationBudget) -> Tensor:
        inputs = knowledge.seen.inputs
        return budget.epsilon * torch.where(inputs > 0.5, -1.0, 1.0)

    def perturb(
        self,
        knowledge: AdversaryKnowledge,
        budget: PerturbationBudget,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        moved = knowledge.seen.inputs + self.step(knowledge, budget)
        return torch.clamp(moved, budget.low, budget.high)


class TooFar(Leap):
    def step(self, knowledge: AdversaryKnowledge, budget: PerturbationBudget) -> Tensor:
        return 2 * super().step(knowledge, budget)


class Idle(Leap):
    def step(self, knowledge: AdversaryKnowledge, budget: PerturbationBudget) -> Tensor:
        return torch.zeros_like(knowledge.seen.inputs)


class Global(Leap):
    def step(self, knowledge: AdversaryKnowledge, budget: PerturbationBudget) -> Tensor:
        return budget.epsilon * (2 * torch.rand_like(knowledge.seen.inputs) - 1)


class Blank(Inverter):
    """Reconstructs nothing."""

    def __init__(self, params: Any) -> None:
        del params

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Nothing to learn."""

    def reconstruct(
        self,
        knowledge: AdversaryKnowledge,
        targets: InversionTargets,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        return torch.zeros(len(targets), *knowledge.seen.inputs.shape[1:])


class Bright(Blank):
    """Leaves the range."""

    def reconstruct(
        self,
        knowledge: AdversaryKnowledge,
        targets: InversionTargets,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        return 2 + super().reconstruct(knowledge, targets, generator=generator)


class Parrot(Extractor):
    """Always says the same."""

    def __init__(self, params: Any) -> None:
        del params

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Nothing to learn."""

    def answer(self, inputs: Tensor) -> Tensor:
        return torch.zeros(len(inputs), dtype=torch.int64)


KITS = {
    "evasion": (EvaderConformance, EvasionAttackerParams, {"epsilon": 0.1}),
    "inversion": (InverterConformance, GradientAttackerParams, {}),
    "extraction": (ExtractorConformance, ExtractionAttackerParams, {}),
}


def kit(made: type, game: str, access: Access = Access.WHITE_BOX) -> Any:
    """The checks, for an attacker of this module."""
    conformance, declared, given = KITS[game]

    class Checks(conformance):  # type: ignore[misc,valid-type]
        __test__ = False
        definition = AttackerDef(
            name="trial",
            params=declared,
            target=f"{__name__}:{made.__name__}",
            summary="Made up.",
            game=game,
            needs=access.needs | ({Need.GRADIENTS} if game == "inversion" else set()),
        )
        params = given

        def attacker(self) -> Any:
            return made(None)

    return Checks()


@pytest.mark.parametrize(
    "check", [name for name in vars(EvaderConformance) if name.startswith("test_")]
)
def test_a_good_evader_passes(check: str) -> None:
    """Every check of what it does."""
    getattr(kit(Leap, "evasion"), check)()


@pytest.mark.parametrize(
    ("attacker", "game", "check"),
    [
        (TooFar, "evasion", "test_same_seed_same_answers"),
        (Idle, "evasion", "test_it_misleads_a_model_that_is_easily_misled"),
        (Global, "evasion", "test_same_seed_same_answers"),
        (Blank, "inversion", "test_it_finds_what_the_model_leaks"),
        (Bright, "inversion", "test_same_seed_same_answers"),
        (Parrot, "extraction", "test_its_clone_answers_as_a_simple_model_does"),
        (Parrot, "extraction", "test_it_sees_no_more_than_answers"),
    ],
)
def test_a_bad_attacker_fails(attacker: type, game: str, check: str) -> None:
    """Whoever breaks a rule, or achieves nothing."""
    with pytest.raises((AssertionError, ValueError)):
        getattr(kit(attacker, game), check)()
