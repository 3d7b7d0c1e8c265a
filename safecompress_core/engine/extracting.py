"""Asks a clone what the model is asked, and judges how far they agree."""

import copy
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.engine.holdings import own_samples
from safecompress_core.engine.sight import Bout
from safecompress_core.privacy.extraction_game import judge_extraction
from safecompress_core.privacy.judgement import Judgement

__all__ = ["extracted"]

CERTAIN = 30.0  # a margin in logits; in float32 the posterior of the label is then 1


def extracted(bout: Bout) -> Judgement:
    """How far a clone agrees with the model on the non-members of a pool.

    Raises:
        ValueError: if it does not answer with a label for each sample; the attacker's fault.
    """
    own = own_samples(bout.known, bout.definition, bout.params)
    truths = own.seen.answered(CERTAIN * F.one_hot(own.seen.labels, own.values).float())
    independent = copy.deepcopy(bout.attacker)
    independent.fit(
        replace(own, seen=truths.restricted(own.seen.access)),
        generator=bout.seed.child("independent").torch(),
    )
    unseen = bout.asked.unseen
    return judge_extraction(
        unseen.predictions.numpy(),
        _labels(bout.attacker.answer(unseen.inputs), len(unseen)),
        _labels(independent.answer(unseen.inputs), len(unseen)),
        most_frequent=int(torch.bincount(own.seen.predictions).argmax()),
        is_member=bout.asked.pool.is_member.numpy(),
        facts={"queries": len(own.seen)},
    )


def _labels(answers: Tensor, count: int) -> NDArray[np.int64]:
    if tuple(answers.shape) != (count,) or answers.is_floating_point():
        raise ValueError(f"a clone must answer {count} labels, but its answer is {answers.shape}")
    labels: NDArray[np.int64] = answers.detach().cpu().numpy().astype(np.int64)
    return labels
