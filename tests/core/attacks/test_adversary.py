"""What an adversary holds."""

import pytest
import torch
from torch import nn

from safecompress_core.api import Access, AttackerDef, AttackerParams
from safecompress_core.attacks.adversary import Evidence
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import References
from safecompress_core.networks.classifier import Classifier


def test_evidence_on_some_samples_keeps_everything_together() -> None:
    """Reactions, truth and references, in the order asked for; what is not there stays so."""
    labels = torch.tensor([0, 1, 1, 0])
    seen = observe(Classifier(nn.Linear(3, 2)), torch.randn(4, 3), labels)
    references = References(torch.randn(5, 4, 2), torch.rand(5, 4) < 0.5, labels)
    whole = Evidence(
        seen=seen, truth=torch.tensor([True, True, False, False]), values=2, references=references
    )

    some = whole.take(torch.tensor([3, 0]))
    unknown = Evidence(seen=seen, truth=None, values=2).take(labels == 1)

    assert some.truth is not None
    assert some.references is not None
    assert some.truth.tolist() == [False, True]
    assert torch.equal(some.seen.logits, seen.logits[[3, 0]])
    assert torch.equal(some.references.logits, references.logits[:, [3, 0]])
    assert (unknown.truth, unknown.references, len(unknown.seen)) == (None, None, 2)


class ReferenceParams(AttackerParams):
    """Asks for all there are."""

    references: int = 5


@pytest.mark.parametrize("access", [Access.BLACK_BOX, Access.WHITE_BOX])
def test_who_holds_the_network_has_references_without_guards(access: Access) -> None:
    """What it sees of the model is bare as well, so it compares like with like."""
    labels, logits = torch.tensor([0, 1, 1, 0]), torch.randn(5, 4, 2)
    seen = observe(Classifier(nn.Linear(3, 2)), torch.randn(4, 3), labels)
    references = References(logits, torch.rand(5, 4) < 0.5, labels, inside=2 * logits)
    definition = AttackerDef(
        name="example",
        params=ReferenceParams,
        target="x:Y",
        summary="An example.",
        game="membership",
        access=access,
        references=True,
    )

    held = Evidence(seen=seen, truth=None, values=2, references=references).declared(
        definition, ReferenceParams()
    )

    assert held.references is not None
    factor = 2 if access is Access.WHITE_BOX else 1
    assert torch.equal(held.references.logits, factor * logits)
