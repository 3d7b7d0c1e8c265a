"""An attack that takes the value with which a sample looks most like a member."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Attacker, Evidence, PoolError
from safecompress_plugins.attackers.attribute.manifest import AttributeByMembershipParams
from safecompress_plugins.attackers.attribute.value_queries import Prior, answers_by_value
from safecompress_plugins.attackers.known_truth import known_attribute

__all__ = ["AttributeByMembership"]

# N samples · C classes · V attribute values

TINY = 1e-38  # about the smallest posterior in single precision


class AttributeByMembership(Attacker):
    """argmax over values v of Pr(v) · Pr(a member has at least this loss), asked of x with v.

    The membership oracle goes by the loss: φ = log(p_y / (1 − p_y)) of members whose attribute is
    known (attack-train) is taken to be normal, and x with v is the likelier a member the larger a
    part of them, Φ((φ − μ) / σ), is less sure than it. Where the model fits all values alike, the
    prior decides.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", section 4 (the error
    of members, weighed with the prior) and section 5 (from membership to attributes).
    """

    def __init__(self, params: AttributeByMembershipParams) -> None:
        self._prior_of = params.prior
        self._prior: Prior | None = None
        self._mean = 0.0
        self._deviation = 1.0

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Learn the prior and how sure the model is of members; nothing is drawn.

        Raises:
            PoolError: if no member with a known attribute is there to learn from, or the attribute
                is not a part of the model's input.
        """
        truth = known_attribute(known)
        if known.is_member is None or not known.is_member.any():
            raise PoolError("an attack by membership learns from members that are known as such")
        members = known.take(known.is_member)
        own = _confidence_logits(members)[torch.arange(len(members.seen)), truth[known.is_member]]
        self._prior = Prior(known, of=self._prior_of)
        self._mean = float(own.mean())
        self._deviation = max(float(own.std(correction=0)), 1e-6)

    def score(self, evidence: Evidence) -> Tensor:
        """Pr(v) · Φ((φ − μ) / σ) as a part of its sum over v, shape (N, V)."""
        if self._prior is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        standing = (_confidence_logits(evidence) - self._mean) / self._deviation
        weighed: Tensor = self._prior.log(evidence) + torch.special.log_ndtr(standing)
        return weighed.softmax(dim=1)


def _confidence_logits(evidence: Evidence) -> Tensor:
    """φ of every sample with every value, shape (N, V), float64."""
    answers = answers_by_value(evidence)
    labels = evidence.seen.labels.expand(len(answers), -1)[:, :, None]
    own = answers.gather(2, labels)[:, :, 0]
    others = answers.scatter(2, labels, 0.0).sum(dim=2)  # more exact than 1 − p_y
    return (own.clamp(min=TINY).log() - others.clamp(min=TINY).log()).T
