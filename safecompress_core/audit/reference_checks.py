"""Checks of reference models that the owner has trained: on the given samples and on no others.

What is not used to train a reference model must be as new to it as non-members are to the audited
model. If it is not, scores that compare with the reference models say nothing.
"""

from itertools import combinations, permutations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.attacks.signals import logit_of_confidence
from safecompress_core.errors import ModelError
from safecompress_core.stats.intervals import auc_interval

__all__ = ["require_different", "require_told"]

# R reference models · N samples

CONFIDENCE = 0.999
SHARE = 0.25
"""Share of the audited model's own excess that reference models have to show at least."""
CHANCE = 0.5

Floats = NDArray[np.float64]


def require_different(references: ReferenceAnswers) -> None:
    """Refuse reference models that answer alike, though trained on different samples.

    Raises:
        ModelError: with the first two.
    """
    for one, other in combinations(range(len(references)), 2):
        if torch.equal(references.logits[one], references.logits[other]) and not torch.equal(
            references.is_in[one], references.is_in[other]
        ):
            raise ModelError(
                f"reference models {one + 1} and {other + 1} give the same answers, and were to be "
                "trained on different samples with different seeds",
                hint="train a fresh model on the samples at 'indices', with 'seed', at each call",
            )


def require_told(references: ReferenceAnswers, logits: Tensor, is_member: Tensor) -> None:
    """Refuse reference models that know samples which they were not to be trained on.

    The audited model is more confident of its members than of others: by how much, the AUC of its
    confidence shows. Of each single sample the same AUC is taken between the reference models that
    were trained on it and the others. It has to show for members and for non-members of the
    audited model, since those of one side may have been in every training. Ranks are compared, so
    that probabilities of 0 and 1 do not decide. Where the audited model shows no difference,
    nothing can be found, and nothing is lost.

    Args:
        references: of N samples.
        logits: of the audited model, shape (N, C).
        is_member: its members, shape (N,), bool.

    Raises:
        ModelError: if the mean AUC of a side exceeds 0.5, with a confidence of 99.9 %, by less than
            a quarter of what the audited model's exceeds it.
    """
    members = is_member.numpy()
    confidence = logit_of_confidence(logits, references.labels).numpy()
    least = auc_interval(confidence, members, confidence=CONFIDENCE).low
    if least <= CHANCE:
        return
    within = _auc_by_sample(references)
    for side, name in ((members, "members"), (~members, "non-members")):
        values = within[side & np.isfinite(within)]
        most = _largest_mean(values)
        if most - CHANCE < SHARE * (least - CHANCE):
            raise ModelError(
                f"reference models are as sure of {name} that they were not to be trained on as of "
                f"others: the AUC between both is {most:.3f} at most, and that of the audited "
                f"model's confidence {least:.3f} at least (99.9 %)",
                hint="train on the samples at 'indices' alone, and in the same way as the audited "
                "model",
            )


def _auc_by_sample(references: ReferenceAnswers) -> Floats:
    """Return of each sample how likely a model with it is surer than one without; ties are halves.

    NaN for a sample that is in all of them, or in none. Shape (N,).
    """
    confidences: Floats = references.confidence_logits.numpy()
    is_in = references.is_in.numpy()
    wins, pairs = np.zeros(is_in.shape[1]), np.zeros(is_in.shape[1])
    for one, other in permutations(range(len(references)), 2):
        counts = is_in[one] & ~is_in[other]
        is_surer = confidences[one] > confidences[other]
        wins += counts * (is_surer + 0.5 * (confidences[one] == confidences[other]))
        pairs += counts
    with np.errstate(invalid="ignore"):
        return wins / pairs


def _largest_mean(values: Floats) -> float:
    """Return the upper end of the one-sided t interval of a mean; infinity for too few values."""
    if len(values) < 2:
        return np.inf
    deviation = float(values.std(ddof=1)) / np.sqrt(len(values))
    quantile = stats.t.ppf(CONFIDENCE, len(values) - 1)
    return float(values.mean() + quantile * deviation)
