"""Attribute inference: which value has this sample's private attribute?"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from safecompress_core.api import Game
from safecompress_core.games.attack_result import Judgement
from safecompress_core.games.imputation import Asked, Known, best_imputation
from safecompress_core.games.numeric_attribute import measured
from safecompress_core.games.scores import Answers, Terms, bools, floats, ints, scores_of
from safecompress_core.stats.intervals import clopper_pearson, macro_auc_interval
from safecompress_core.stats.means import hits_difference, relative_reduction

__all__ = ["judge_attribute"]

# N samples · V attribute values


def judge_attribute(known: Answers, asked: Answers, terms: Terms) -> Judgement:
    """Accuracy against the best imputation; advantage is lift / (1 − baseline).

    The imputation learns from public features and task label. The intervals of lift and advantage
    are paired, since the attack and the imputation find the same samples hard. There is no
    threshold: the likeliest value counts.

    The advantage of a numeric attribute is by absolute error, 1 − error / error of the imputation.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?".
    """
    scores = scores_of(asked, dimensions=2)
    truth = ints(asked.truth)
    imputation = best_imputation(Known(_anyones(known), ints(known.truth)))
    guesses = scores.argmax(axis=1)
    correct = guesses == truth
    baseline_correct = imputation.guess(_anyones(asked)) == truth
    is_member = bools(asked.is_member)
    lift, *of_sides = (
        hits_difference(correct[side], baseline_correct[side], confidence=terms.confidence)
        for side in (slice(None), is_member, ~is_member)
    )
    judgement = Judgement(
        game=Game.ATTRIBUTE,
        accuracy=clopper_pearson(int(correct.sum()), len(correct), confidence=terms.confidence),
        auc=macro_auc_interval(scores, truth, confidence=terms.confidence),
        advantage=relative_reduction(~correct, ~baseline_correct, confidence=terms.confidence),
        baseline=float(baseline_correct.mean()),
        correct=correct,
        is_member=is_member,
        lift=lift,
        lift_of_sides=(of_sides[0], of_sides[1]),
        macro_f1=float(f1_score(truth, guesses, average="macro")),
        baseline_correct=baseline_correct,
        baseline_rule=imputation.rule,
    )
    return _by_numbers(judgement, scores, known, asked, terms)


def _by_numbers(
    judgement: Judgement, scores: NDArray[np.float64], known: Answers, asked: Answers, terms: Terms
) -> Judgement:
    """The same with how far a numeric attribute is missed, which the advantage then goes by."""
    if known.numbers is None or asked.numbers is None:
        return judgement
    absolute_error = measured(
        scores,
        Known(_anyones(known), floats(known.numbers)),
        ints(known.truth),
        _anyones(asked),
        floats(asked.numbers),
        confidence=terms.confidence,
    )
    return replace(judgement, absolute_error=absolute_error, advantage=absolute_error.advantage)


def _anyones(answers: Answers) -> Asked:
    """What anyone has of the samples."""
    public = None if answers.public is None else floats(answers.public)
    return Asked(ints(answers.labels), public)
