"""Scores of the records of a pool by one attack, with ranks, risks and their intervals."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor

from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.measures.record_scores import RecordScores
from safecompress_core.games.play import Attack
from safecompress_core.results.score_file import ScoredRecords
from safecompress_core.stats.jackknife import delete_group_interval

__all__ = ["MOST_GROUPS", "score_records", "scores_without_references"]

# N samples · G groups of reference models

Floats = NDArray[np.float64]

MOST_GROUPS = 8
"""Groups of reference models that are left out in turn: each costs an attack."""


def score_records(
    attack: Attack,
    result: AttackResult,
    asked: ObservedPool,
    *,
    model: str,
    without_group: Sequence[Floats] = (),
) -> ScoredRecords | None:
    """Return the scores of a pool's records; None of a game that does not score them.

    Args:
        attack: of the spec.
        result: of the attack.
        asked: the pool, as the model shows it.
        model: what results call the model.
        without_group: the scores without one group of reference models each, (N,) of G groups.
    """
    records = result.record_scores
    if records is None:
        return None
    dataset, indices = asked.dataset, asked.pool.indices
    sign = 1 if result.reversed is None else -1
    low, high = _risk_ends(records, without_group)
    values = guesses = None
    if attack.attribute is not None and records.values is not None and records.guesses is not None:
        names = np.array(dataset.attributes[attack.attribute].names)
        values, guesses = names[records.values], names[records.guesses]
    count = len(indices)
    return ScoredRecords(
        model=model,
        attack=attack.id,
        game=attack.game.name,
        position=dataset.original_positions[indices].numpy(),
        member=asked.pool.is_member.numpy(),
        label=np.array(dataset.classes)[dataset.labels[indices].numpy()],
        score=records.scores,
        rank=rankdata(-sign * records.scores, method="min").astype(np.int64),
        risk=np.full(count, np.nan) if records.risks is None else records.risks,
        risk_low=low,
        risk_high=high,
        value=values,
        guess=guesses,
    )


def _risk_ends(records: RecordScores, without_group: Sequence[Floats]) -> tuple[Floats, Floats]:
    """Return the risks at both ends of the scores' intervals, each (N,); NaN without any."""
    if records.calibration is None or not len(without_group):
        unknown = np.full(len(records.scores), np.nan)
        return unknown, unknown
    # An infinite score has no spread: inf − inf is no number, and the risk may be any.
    with np.errstate(invalid="ignore"):
        ends = delete_group_interval(records.scores, np.stack(without_group))
    known = np.isfinite(ends[0])
    first, second = (records.calibration.risk(np.where(known, end, 0.0)) for end in ends)
    # The map of inverted scores falls.
    low = np.where(known, np.minimum(first, second), 0.0)
    high = np.where(known, np.maximum(first, second), 1.0)
    # Low and high end enclose the risk of the score itself.
    return low, high


def scores_without_references(
    attack: Callable[[AdversaryKnowledge, AdversaryKnowledge], Tensor],
    known: AdversaryKnowledge,
    asked: AdversaryKnowledge,
) -> list[Floats]:
    """Return the scores of a pool, (N,), of the attack without one group of references each.

    Args:
        attack: fits a fresh attacker on the first pool and scores the second.
        known: attack-train, as the attacker sees it.
        asked: the pool, as the attacker sees it.

    Returns:
        The scores for each group; empty without references, or where no interval can be made.
    """
    if known.references is None or asked.references is None:
        return []
    return [
        attack(replace(known, references=ours), replace(asked, references=theirs))
        .detach()
        .to("cpu", torch.float64)
        .numpy()
        for ours, theirs in zip(
            _without_groups(known.references), _without_groups(asked.references), strict=False
        )
    ]


def _without_groups(references: ReferenceAnswers) -> Iterator[ReferenceAnswers]:
    """Yield the reference models without one group each; nothing if no interval can be made.

    Groups are of at least two models that follow each other, since training sets of such
    models complement each other, and there are at least three groups. Each sample must be left in
    the training set of some model and out of that of another one, or attacks could not score it.
    """
    count = len(references)
    groups = np.array_split(np.arange(count), min(MOST_GROUPS, count // 2)) if count >= 6 else []
    kept = [np.setdiff1d(np.arange(count), group) for group in groups]
    reduced = [references.select(torch.from_numpy(models)) for models in kept]
    for answers in reduced:
        times = answers.is_in.sum(dim=0)
        if (times == 0).any() or (times == len(answers)).any():
            return
    yield from reduced
