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
        # An adversary that extracts a model has no white-box access, whatever it declares.
        access = access if Access.BLACK_BOX.covers(access) else Access.BLACK_BOX
        # Without a budget, all of them.
        count = min(params.budget or len(seen), len(seen))
        # Evenly spread rather than the first: a pool is sorted by position, and so perhaps by
        # label.
        seen = seen.take(torch.arange(count) * len(seen) // count)
    return AdversaryKnowledge(seen=seen.restrict(access), truth=None, values=seen.classes)
