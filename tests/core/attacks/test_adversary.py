"""What an adversary holds."""

from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from safecompress_core.api import Access, AttackerDef, Need, ReferenceAttackerParams
from safecompress_core.attacks.adversary import AdversaryKnowledge, PerturbationBudget
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.networks.classifier import Classifier

LOW, HIGH = torch.zeros(()), torch.ones(())


def test_evidence_on_some_samples_keeps_everything_together() -> None:
    """Reactions, truth and references, in the order asked for; what is not there stays so."""
    labels = torch.tensor([0, 1, 1, 0])
    seen = observe(Classifier(nn.Linear(3, 2)), torch.randn(4, 3), labels)
    references = ReferenceAnswers(torch.randn(5, 4, 2), torch.rand(5, 4) < 0.5, labels)
    whole = AdversaryKnowledge(
        seen=seen, truth=torch.tensor([True, True, False, False]), values=2, references=references
    )

    some = whole.take(torch.tensor([3, 0]))
    unknown = AdversaryKnowledge(seen=seen, truth=None, values=2).take(labels == 1)

    assert some.truth is not None
    assert some.references is not None
    assert some.truth.tolist() == [False, True]
    assert torch.equal(some.seen.logits, seen.logits[[3, 0]])
    assert torch.equal(some.references.logits, references.logits[:, [3, 0]])
    assert (unknown.truth, unknown.references, len(unknown.seen)) == (None, None, 2)


class ReferenceParams(ReferenceAttackerParams):
    """Asks for all there are."""

    references: int = 5


@pytest.mark.parametrize("access", [Access.BLACK_BOX, Access.WHITE_BOX])
def test_who_holds_the_network_has_references_without_guards(access: Access) -> None:
    """What it sees of the model is bare as well, so it compares like with like."""
    labels, logits = torch.tensor([0, 1, 1, 0]), torch.randn(5, 4, 2)
    seen = observe(Classifier(nn.Linear(3, 2)), torch.randn(4, 3), labels)
    references = ReferenceAnswers(logits, torch.rand(5, 4) < 0.5, labels, inside=2 * logits)
    definition = AttackerDef(
        name="example",
        params=ReferenceParams,
        target="x:Y",
        summary="An example.",
        game="membership",
        needs=access.needs | {Need.REFERENCES},
    )

    held = AdversaryKnowledge(seen=seen, truth=None, values=2, references=references).restrict(
        definition, ReferenceParams()
    )

    assert held.references is not None
    factor = 2 if access is Access.WHITE_BOX else 1
    assert torch.equal(held.references.logits, factor * logits)


@pytest.mark.parametrize(("norm", "order"), [("linf", np.inf), ("l2", 2)])
def test_noise_is_as_large_as_the_attack_may_be(norm: Literal["linf", "l2"], order: float) -> None:
    """By numpy's norm; inside the range nothing is cut off."""
    budget = PerturbationBudget(norm=norm, epsilon=0.25, low=LOW - 9, high=HIGH + 9)
    origin = torch.rand(50, 3, 4, 4, generator=torch.Generator().manual_seed(0))

    noisy = budget.random_perturbation(origin, generator=torch.Generator().manual_seed(1))

    lengths = np.linalg.norm((noisy - origin).flatten(1).numpy(), ord=order, axis=1)
    expected = np.abs((noisy - origin).flatten(1).numpy()).max(axis=1) if norm == "linf" else None
    np.testing.assert_allclose(lengths if expected is None else expected, 0.25, rtol=1e-4)
    budget.check(noisy, origin)


@pytest.mark.parametrize(
    ("moved", "complaint"),
    [
        (torch.full((2, 4), 0.7), "an input was moved by 0.2"),
        (torch.full((2, 4), torch.nan), "not all finite"),
        (torch.full((2, 3), 0.5), "perturbed inputs must be"),
    ],
)
def test_whoever_leaves_the_ball_is_caught(moved: torch.Tensor, complaint: str) -> None:
    """It is the attacker's fault."""
    budget = PerturbationBudget(norm="linf", epsilon=0.1, low=LOW, high=HIGH)

    with pytest.raises(ValueError, match=complaint):
        budget.check(moved, torch.full((2, 4), 0.5))


def test_whoever_leaves_the_range_is_caught() -> None:
    """A pixel cannot be brighter than white."""
    budget = PerturbationBudget(norm="linf", epsilon=0.1, low=LOW, high=HIGH)

    with pytest.raises(ValueError, match="no input can have"):
        budget.check(torch.full((1, 4), 1.05), torch.ones(1, 4))
