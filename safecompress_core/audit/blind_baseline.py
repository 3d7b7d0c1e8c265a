"""Blind baseline: a classifier of members and non-members that has no model.

Membership attacks assume that members and non-members come from one distribution. Where a
classifier on the samples alone distinguishes them, an attack may read that difference instead of
the model, and every figure of membership is about it.

Source: Das, Zhang & Tramèr 2024, "Blind Baselines Beat Membership Inference Attacks for Foundation
Models"; Meeus et al. 2024, "SoK: Membership Inference Attacks on LLMs are Rushing Nowhere (and How
to Fix It)".
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from torch import Tensor

from safecompress_core.audit.blind_representation import BlindRepresentation, represent
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.games.controls.null_control import CONTROL_CONFIDENCE
from safecompress_core.results.schema import BlindBaselineRecord, ShiftedColumnRecord
from safecompress_core.seeding import Seed
from safecompress_core.stats.intervals import auc_interval

__all__ = ["blind_baseline"]

# N samples of the pool audit · M samples of attack-train

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5
FEWEST = 20
"""Members, and non-members, of the pool that a baseline needs."""
MOST = 5000
"""Samples of either side of a pool that it reads; more make it slower, and hardly better."""
MOST_SHOWN, MOST_PERMUTED = 5, 64
TREES = 50

Fold = tuple[HistGradientBoostingClassifier, Ints]
"""A classifier, and the positions in the pool that it has not seen."""


def blind_baseline(
    dataset: Dataset, pools: SamplePools, *, seed: Seed, accept_shift: bool = False
) -> BlindBaselineRecord:
    """Classify members and non-members by their inputs and labels alone, by gradient boosting.

    The pool *audit* is cross-validated; attack-train, which an adversary knows, is always trained
    on. Members are *shifted* if the interval of the AUC lies above 0.5. As of the planted-leak
    control it is one of 99.9 %, since a shift voids a verdict; members that were drawn at random
    fail in fewer than one in a thousand audits.

    Args:
        dataset: that the pools are of.
        pools: of a run or an audit.
        seed: of folds and of the samples that are left out of large pools.
        accept_shift: what the spec says.
    """
    generator = seed.numpy()
    rows, is_member = _subsample(pools.audit, generator)
    if min(is_member.sum(), (~is_member).sum()) < FEWEST:
        return _impossible(f"it needs {FEWEST} members and non-members", accepted=accept_shift)
    known, known_truth = _subsample(pools.attack_train, generator)
    samples = represent(dataset, torch.from_numpy(np.concatenate([rows, known])))
    if samples is None:
        return _impossible("the inputs of the samples are unknown", accepted=accept_shift)
    groups = None if dataset.groups is None else _take(dataset.groups, rows)
    values, truth = samples.values, np.concatenate([is_member, known_truth])
    folds = list(_fit_folds(values, truth, count=len(rows), groups=groups, seed=seed))
    auc = auc_interval(
        _scores_of(folds, values[: len(rows)]), is_member, confidence=CONTROL_CONFIDENCE
    )
    is_shifted = auc.low > 0.5
    pool = values[: len(rows)]
    return BlindBaselineRecord(
        auc=auc.value,
        auc_interval=auc.interval,
        shifted=is_shifted,
        accepted=accept_shift,
        inputs=samples.kind,
        members=int(is_member.sum()),
        non_members=int((~is_member).sum()),
        columns=tuple(_columns(folds, pool, is_member, samples, generator) if is_shifted else ()),
        note=None,
    )


def _impossible(reason: str, *, accepted: bool) -> BlindBaselineRecord:
    return BlindBaselineRecord(
        auc=None,
        auc_interval=None,
        shifted=False,
        accepted=accepted,
        inputs=None,
        members=0,
        non_members=0,
        columns=(),
        note=reason,
    )


def _take(values: Tensor, rows: Ints) -> Ints:
    taken: Ints = values[torch.from_numpy(rows)].cpu().numpy()
    return taken


def _subsample(pool: Pool, generator: np.random.Generator) -> tuple[Ints, Bools]:
    """Return positions of a pool's samples in the data, and membership, both (N,)."""
    sides = [
        np.sort(generator.choice(side.numpy(), size=min(MOST, len(side)), replace=False))
        for side in (pool.members, pool.non_members)
    ]
    rows = np.concatenate(sides)
    return rows, np.arange(len(rows)) < len(sides[0])


def _fit_folds(
    values: NDArray[np.float32], truth: Bools, *, count: int, groups: Ints | None, seed: Seed
) -> Iterator[Fold]:
    """Yield a classifier for each fold of the first ``count`` samples, fitted on all others."""
    # Samples of a person are in one fold, or the person would be recognised.
    kind = StratifiedKFold if groups is None else StratifiedGroupKFold
    number = seed.child("folds").number % 2**32
    splitter = kind(FOLDS, shuffle=True, random_state=number)
    known = np.arange(count, len(values))
    for fitted, held_out in splitter.split(values[:count], truth[:count], groups):
        rows = np.concatenate([fitted, known])
        classifier = HistGradientBoostingClassifier(
            max_iter=TREES, max_leaf_nodes=8, early_stopping=False, random_state=number
        )
        yield classifier.fit(values[rows], truth[rows]), held_out


def _scores_of(folds: list[Fold], values: NDArray[np.float32]) -> Floats:
    """Return the score of each sample by the classifier that has not seen it, (N,)."""
    scores = np.empty(len(values))
    for classifier, held_out in folds:
        scores[held_out] = classifier.decision_function(values[held_out])
    return scores


def _most_different(
    samples: BlindRepresentation, values: NDArray[np.float32], is_member: Bools
) -> dict[str, tuple[int, ...]]:
    """Return the columns whose means differ most: each one that is permuted takes a prediction."""
    spread = values.std(axis=0)
    gaps = np.abs(values[is_member].mean(axis=0) - values[~is_member].mean(axis=0))
    effects = np.divide(gaps, spread, out=np.zeros_like(gaps), where=spread > 0)
    ranked = sorted(
        samples.columns.items(), key=lambda item: -max(effects[column] for column in item[1])
    )
    return dict(ranked[:MOST_PERMUTED])


def _columns(
    folds: list[Fold],
    values: NDArray[np.float32],
    is_member: Bools,
    samples: BlindRepresentation,
    generator: np.random.Generator,
) -> Iterator[ShiftedColumnRecord]:
    """Yield the columns without which the baseline loses most, the most important first.

    Source: Breiman 2001, "Random Forests", for permutation importance.
    """
    whole = roc_auc_score(is_member, _scores_of(folds, values))
    losses = {}
    for name, columns in _most_different(samples, values, is_member).items():
        shuffled = values.copy()
        # Columns of one feature are permuted together: they are never seen in other combinations.
        block = np.array(columns)
        shuffled[:, block] = values[generator.permutation(len(values))][:, block]
        losses[name] = float(whole - roc_auc_score(is_member, _scores_of(folds, shuffled)))
    for name in sorted(losses, key=lambda name: -losses[name])[:MOST_SHOWN]:
        if losses[name] > 0:
            yield ShiftedColumnRecord(name=name, auc_loss=losses[name])
