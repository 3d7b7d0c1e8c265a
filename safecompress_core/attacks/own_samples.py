"""Samples of the adversary's own, for attacks that query no single members."""

import torch

from safecompress_core.api import Access, AttackerDef, AttackerParams, ExtractionAttackerParams
from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observed_pool import ObservedPool

__all__ = ["own_samples"]


def own_samples(
    observed: ObservedPool, definition: AttackerDef, params: AttackerParams
) -> AdversaryKnowledge:
    """The non-members of a pool: anyone who evades, inverts or extracts a model has no member.

    An extraction gets as many as its budget allows, evenly spread over the pool's, with the model's
    answers to these, and no more than black-box access, so that it can ask for no others.
    """
    seen, access = observed.unseen, definition.access
    if isinstance(params, ExtractionAttackerParams):
        access = access if Access.BLACK_BOX.covers(access) else Access.BLACK_BOX
        count = min(params.budget or len(seen), len(seen))
        seen = seen.take(torch.arange(count) * len(seen) // count)
    return AdversaryKnowledge(seen=seen.restrict(access), truth=None, values=seen.classes)
