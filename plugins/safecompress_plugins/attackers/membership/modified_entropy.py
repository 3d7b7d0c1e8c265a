"""Membership by modified entropy, with a threshold for each class."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, modified_entropy
from safecompress_plugins.attackers.known_truth import require_membership
from safecompress_plugins.attackers.membership.manifest import ModifiedEntropyParams

__all__ = ["ModifiedEntropy", "best_threshold"]


class ModifiedEntropy(Attacker):
    """Scores by the distance of the modified entropy to the threshold of the sample's class.

    With p the posteriors and y the label::

        Mentr(p, y) = −(1 − p_y) log p_y − Σ_{c ≠ y} p_c log(1 − p_c)
        score       = τ_y − Mentr(p, y)

    τ_y separates members and non-members of class y in attack-train best (balanced accuracy), so
    that the one threshold 0 serves all classes. A class with too few samples of either kind takes
    the threshold over all classes.

    Source: Song & Mittal 2021, "Systematic Evaluation of Privacy Risks of Machine Learning Models",
    USENIX Security, Eq. 8 and section 3.2.
    """

    threshold = 0.0

    def __init__(self, params: ModifiedEntropyParams) -> None:
        self._samples = params.samples
        self._thresholds: Tensor | None = None  # (C,)

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Choose the thresholds.

        Raises:
            PoolError: if members or non-members are missing.
        """
        is_member = require_membership(known)
        signal = modified_entropy(known.seen.posteriors, known.seen.labels)
        thresholds = best_threshold(signal, is_member).repeat(known.seen.classes)
        for label in range(known.seen.classes):
            rows = known.seen.labels == label
            members = int(is_member[rows].sum())
            # A threshold from a handful of samples fits their noise.
            if min(members, int(rows.sum()) - members) >= self._samples:
                thresholds[label] = best_threshold(signal[rows], is_member[rows])
        self._thresholds = thresholds

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the distance to the class's threshold, shape (N,), in nats."""
        if self._thresholds is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        signal = modified_entropy(knowledge.seen.posteriors, knowledge.seen.labels)
        return signal - self._thresholds[knowledge.seen.labels]


def best_threshold(scores: Tensor, is_member: Tensor) -> Tensor:
    """Return the threshold of the best balanced accuracy, larger scores meaning member, a scalar.

    It lies half-way between two neighbouring scores (or beyond all of them, at a distance of 1).
    Among ties it is the smallest. Both classes must be present.
    """
    values = scores.sort().values
    cuts = torch.cat([values[:1] - 1, (values[:-1] + values[1:]) / 2, values[-1:] + 1])
    members, others = scores[is_member].sort().values, scores[~is_member].sort().values
    # a score equal to the cut is "not a member", hence right=True
    true_negatives = torch.searchsorted(others, cuts, right=True) / len(others)
    false_negatives = torch.searchsorted(members, cuts, right=True) / len(members)
    return cuts[(true_negatives - false_negatives).argmax()]
