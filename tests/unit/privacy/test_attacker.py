"""What an adversary holds."""

import torch
from torch import nn

from safecompress_core.network import Classifier
from safecompress_core.privacy.attacker import Evidence
from safecompress_core.privacy.observations import observe
from safecompress_core.privacy.references import References


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
