"""Attribute inference by membership: the value with which a sample looks most like a member."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, PoolError
from safecompress_plugins.attackers.attribute.manifest import AttributeByMembershipParams
from safecompress_plugins.attackers.attribute.value_queries import Prior, answers_by_value
from safecompress_plugins.attackers.known_truth import require_attribute

__all__ = ["AttributeByMembership"]

# N samples · C classes · V attribute values

TINY = 1e-38  # about the smallest posterior in single precision


class AttributeByMembership(Attacker):
    """argmax over values v of Pr(v) · Pr(a member has at least this loss), queried at x with v.

    The membership oracle is a threshold on the loss: φ = log(p_y / (1 − p_y)) of the members of
    attack-train is assumed normal, and Φ((φ − μ) / σ) is the share of members with a lower
    confidence than x with v. Where the model fits all values alike, the prior decides.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", section 4 (the error
    of members, weighed with the prior) and section 5 (from membership to attributes).
    """

    def __init__(self, params: AttributeByMembershipParams) -> None:
        self._prior_of = params.prior
        self._prior: Prior | None = None
        self._mean = 0.0
        self._deviation = 1.0

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Estimate the prior and the members' mean and deviation of φ; nothing is random.

        Raises:
            PoolError: if attack-train has no member with a known attribute, or the attribute is not
                part of the model's input.
        """
        truth = require_attribute(known)
        if known.is_member is None or not known.is_member.any():
            raise PoolError("attribute-by-membership needs members in attack-train; it has none")
        members = known.take(known.is_member)
        member_logits = _confidence_logits(members)[
            torch.arange(len(members.seen)), truth[known.is_member]
        ]
        self._prior = Prior(known, of=self._prior_of)
        self._mean = float(member_logits.mean())
        # One member, or equal losses, have a deviation of 0.
        self._deviation = max(float(member_logits.std(correction=0)), 1e-6)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return Pr(v) · Φ((φ − μ) / σ), normalised over v, shape (N, V)."""
        if self._prior is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        standing = (_confidence_logits(knowledge) - self._mean) / self._deviation
        # log Φ stays finite far below the mean, where Φ itself underflows to 0.
        weighed: Tensor = self._prior.log(knowledge) + torch.special.log_ndtr(standing)
        return weighed.softmax(dim=1)


def _confidence_logits(knowledge: AdversaryKnowledge) -> Tensor:
    """Return φ of every sample with every value, shape (N, V), float64."""
    answers = answers_by_value(knowledge)
    labels = knowledge.seen.labels.expand(len(answers), -1)[:, :, None]
    label_logits = answers.gather(2, labels)[:, :, 0]
    others = answers.scatter(2, labels, 0.0).sum(dim=2)  # more exact than 1 − p_y
    return (label_logits.clamp(min=TINY).log() - others.clamp(min=TINY).log()).T
