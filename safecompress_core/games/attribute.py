"""Attribute inference: which value has this sample's private attribute?"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import f1_score
from torch import Tensor

from safecompress_core.api import AttackerDef, AttackerParams, attribute_of
from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.attacks.public_features import encoding_of, public_columns
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.errors import PoolError
from safecompress_core.games.attack_context import AttackRun
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.game import ScoredGame
from safecompress_core.games.manifest import ATTRIBUTE
from safecompress_core.games.measures.imputation import (
    AttributeTrainingSet,
    PublicFeatures,
    best_imputation,
)
from safecompress_core.games.measures.numeric_attribute import measure_errors
from safecompress_core.games.measures.record_scores import RecordScores
from safecompress_core.games.scores import (
    AttackScores,
    MeasureOptions,
    bools,
    floats,
    ints,
    scores_of,
    tensor_of,
)
from safecompress_core.stats.intervals import CONFIDENCE, clopper_pearson, macro_auc_interval
from safecompress_core.stats.means import hits_difference, relative_reduction

__all__ = ["AttributeGame", "measure_attribute"]

# N samples · V attribute values · P columns of public features


class AttributeGame(ScoredGame):
    """A private attribute of samples, against the best guess from what anyone may know of them."""

    def truth(self, dataset: Dataset, pool: Pool, params: AttackerParams) -> tuple[Tensor, int]:
        """Return the attribute's values, (N,) int64 in [0, V), and V.

        Raises:
            PoolError: if the data do not have the attribute.
        """
        attribute = attribute_of(params)
        if attribute is None or attribute not in dataset.attributes:
            raise PoolError(
                f"the data has no attribute '{attribute}'; it has {sorted(dataset.attributes)}"
            )
        private = dataset.attributes[attribute]
        return private.values[pool.indices], len(private.names)

    def adversary_knowledge(
        self,
        observed: ObservedPool,
        definition: AttackerDef,
        params: AttackerParams,
        *,
        is_known: bool,
    ) -> AdversaryKnowledge:
        """Return the public part of the samples, and the model's answers to them."""
        knowledge = super().adversary_knowledge(observed, definition, params, is_known=is_known)
        attribute = _attribute_of(params)
        columns = public_columns(observed.dataset, attribute)
        # Versions and dense model are restricted alike: any of them could show the private column.
        uncompressed = knowledge.uncompressed
        return replace(
            knowledge,
            seen=knowledge.seen.with_visible_columns(columns),
            uncompressed=None
            if uncompressed is None
            else uncompressed.with_visible_columns(columns),
            versions=tuple(version.with_visible_columns(columns) for version in knowledge.versions),
            twin=knowledge.twin and knowledge.twin.with_visible_columns(columns),
            public=_public(observed, attribute),
            encoding=encoding_of(observed.dataset.attributes[attribute]),
            # Membership, like the attribute, is known to the adversary on attack-train only.
            is_member=observed.pool.is_member if is_known else None,
            is_per_value=True,
        )

    def attack_scores(self, attack_run: AttackRun, observed: ObservedPool) -> AttackScores:
        """Also what the best guess without the model is made of, together with the label."""
        attribute = _attribute_of(attack_run.params)
        numbers = observed.dataset.attributes[attribute].numbers
        return replace(
            super().attack_scores(attack_run, observed),
            public=_public(observed, attribute),
            numbers=None if numbers is None else numbers[observed.pool.indices],
        )

    def measure_one_way(
        self, known: AttackScores, asked: AttackScores, terms: MeasureOptions
    ) -> AttackResult:
        """Accuracy, lift over the best guess and advantage; of a number also the error."""
        return measure_attribute(known, asked, terms)

    def measure(
        self,
        scores: Any,
        truth: Any,
        *,
        known: AttackScores,
        labels: Any,
        is_member: Any,
        public: Any = None,
        numbers: Any = None,
        confidence: float = CONFIDENCE,
    ) -> AttackResult:
        """Measure scores of attribute values of any origin.

        Args:
            scores: shape (N, V), higher means more likely that value.
            truth: shape (N,), in [0, V).
            known: other samples, on which the best guess is chosen and trained; their scores are
                used for a numeric attribute alone.
            labels: task labels, shape (N,).
            is_member: shape (N,), which samples the model was trained on.
            public: what anyone may know of the samples, shape (N, P), where there is any.
            numbers: what was measured, shape (N,), where the attribute is a number.
            confidence: of every interval.
        """
        asked = AttackScores(
            scores=tensor_of(scores),
            truth=tensor_of(truth, torch.int64),
            labels=tensor_of(labels, torch.int64),
            is_member=tensor_of(is_member, torch.bool),
            public=None if public is None else tensor_of(public),
            numbers=None if numbers is None else tensor_of(numbers, torch.float64),
        )
        return self.measure_scores(known, asked, confidence=confidence)


def _attribute_of(params: AttackerParams) -> str:
    attribute = attribute_of(params)
    assert attribute is not None  # ``truth`` has said so otherwise
    return attribute


def _public(observed: ObservedPool, attribute: str) -> Tensor | None:
    """Public features of a pool, shape (N, P); None where the data have none."""
    columns = public_columns(observed.dataset, attribute)
    # ``public_columns`` are positions in the flattened input.
    if not len(columns):
        return None
    return observed.dataset.inputs[observed.pool.indices].flatten(1)[:, columns]


def measure_attribute(
    known: AttackScores, asked: AttackScores, terms: MeasureOptions
) -> AttackResult:
    """Accuracy against the best imputation; advantage is lift / (1 − baseline).

    The imputation learns from public features and task label. The intervals of lift and advantage
    are paired, since the attack and the imputation find the same samples hard. There is no
    threshold: the likeliest value counts.

    The advantage of a numeric attribute is by absolute error, 1 − error / error of the imputation.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?".
    """
    scores = scores_of(asked, dimensions=2)
    truth = ints(asked.truth)
    # Chosen and fitted on attack-train only, as a real adversary could.
    imputation = best_imputation(AttributeTrainingSet(_public_features(known), ints(known.truth)))
    guesses = scores.argmax(axis=1)
    correct = guesses == truth
    baseline_correct = imputation.guess(_public_features(asked)) == truth
    is_member = bools(asked.is_member)
    # Both sides separately: memorisation shows as more lift for members than for non-members.
    lift, *of_sides = (
        hits_difference(correct[side], baseline_correct[side], confidence=terms.confidence)
        for side in (slice(None), is_member, ~is_member)
    )
    result = AttackResult(
        game=ATTRIBUTE.name,
        accuracy=clopper_pearson(int(correct.sum()), len(correct), confidence=terms.confidence),
        auc=macro_auc_interval(scores, truth, confidence=terms.confidence),
        advantage=relative_reduction(~correct, ~baseline_correct, confidence=terms.confidence),
        baseline=float(baseline_correct.mean()),
        correct=correct,
        is_member=is_member,
        lift=lift,
        lift_of_sides=(of_sides[0], of_sides[1]),
        # scikit-learn averages over the values that occur in either, so a value without samples is
        # no 0.
        macro_f1=float(f1_score(truth, guesses, average="macro")),
        baseline_correct=baseline_correct,
        baseline_rule=imputation.rule,
        record_scores=RecordScores(
            scores=scores[np.arange(len(truth)), truth], values=truth, guesses=guesses
        ),
    )
    return _by_numbers(result, scores, known, asked, terms)


def _by_numbers(
    result: AttackResult,
    scores: NDArray[np.float64],
    known: AttackScores,
    asked: AttackScores,
    terms: MeasureOptions,
) -> AttackResult:
    """The same with how far a numeric attribute is missed, which the advantage then goes by."""
    # Both pools need numbers: attack-train's to turn scores into numbers, the other's as truth.
    if known.numbers is None or asked.numbers is None:
        return result
    absolute_error = measure_errors(
        scores,
        AttributeTrainingSet(_public_features(known), floats(known.numbers)),
        ints(known.truth),
        _public_features(asked),
        floats(asked.numbers),
        confidence=terms.confidence,
    )
    return replace(result, absolute_error=absolute_error, advantage=absolute_error.advantage)


def _public_features(answers: AttackScores) -> PublicFeatures:
    """Return the public features of the samples."""
    public = None if answers.public is None else floats(answers.public)
    return PublicFeatures(ints(answers.labels), public)
