"""Robust membership inference attack (RMIA): likelihood ratios compared with a population's."""

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Attacker,
    PoolError,
    negative_loss_of_logits,
)
from safecompress_plugins.attackers.membership.reference_manifest import RmiaParams
from safecompress_plugins.attackers.membership.reference_statistics import (
    log_mean_probability,
    references_of,
)

__all__ = ["Rmia"]

# N samples · Z population samples


class Rmia(Attacker):
    """Scores a sample by the share of the population with a dominated likelihood ratio.

    With p_θ the label's probability under the attacked model::

        Pr(x)    = mean of p over all reference models                             online
        Pr(x)    = ½ ((1 + a) · mean of p over those without x + (1 − a))          offline
        ratio(x) = p_θ(x) / Pr(x)
        score(x) = share of the population z with ratio(x) / ratio(z) ≥ γ

    The population is attack-train's non-members. The share has Z + 1 values and is often 0 or 1, so
    equal shares are ordered by their log-ratio, scaled to less than a step of the share. Since the
    share rises with the ratio, ``rmia`` and ``base`` order samples alike online; they differ
    offline.

    Source: Zarifzadeh, Liu & Shokri 2024, "Low-Cost High-Power Membership Inference Attacks", ICML.
    """

    def __init__(self, params: RmiaParams) -> None:
        self._params = params
        self._population: Tensor | None = None  # log-ratios, ascending

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Compute the population's ratios.

        Raises:
            PoolError: if attack-train has no non-member, or there are too few reference models.
        """
        if known.truth is None or known.truth.all():
            raise PoolError("rmia needs non-members in attack-train, its population; it has none")
        self._population = self._log_ratios(known)[~known.truth].sort().values

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the share, in (0, 1), with ties broken, shape (N,)."""
        if self._population is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        ratios = self._log_ratios(knowledge)
        # ratio(x) / ratio(z) ≥ γ in logarithms, so that one sorted search serves all samples.
        limit = ratios - torch.tensor(self._params.gamma, dtype=ratios.dtype).log()
        dominated = torch.searchsorted(self._population, limit, right=True)
        squashed = (1 + ratios / (1 + ratios.abs())) / 2  # strictly increasing into (0, 1)
        return (dominated + squashed) / (len(self._population) + 1)

    def _log_ratios(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return log ratio(x), shape (N,)."""
        references = references_of(knowledge)
        target_scores = negative_loss_of_logits(knowledge.seen.logits, knowledge.seen.labels)
        log_p = references.log_confidences
        if self._params.mode == "online":
            return target_scores - log_mean_probability(log_p, torch.ones_like(references.is_in))
        a = self._params.scaling
        out = log_mean_probability(log_p, ~references.is_in).exp()
        # At a = 0 the mean cannot be 0; at a = 1 it can, hence the smallest positive number.
        return (
            target_scores
            - (((1 + a) * out + (1 - a)) / 2).clamp(min=torch.finfo(out.dtype).tiny).log()
        )
