"""Several attackers as one: the strongest of them, by sample or by run.

- The strongest member is chosen on attack-train, never on the pool that is reported: the best of
  several figures of one pool is biased upwards on it.
- Nor is it chosen on samples that a member was fitted to, since trained attacks overfit them. Each
  member is fitted ``folds`` times without one fold of attack-train and judged on that fold. Scores
  come from one more fit, on all of attack-train.
- Members observe what they would observe alone: their own access, and as many reference models as
  they need. Only an output guard is bypassed for all of them, if one of them needs the network.
"""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor

from safecompress_core.api import Part, component_id
from safecompress_core.toolkit import AdversaryKnowledge, Attacker, PoolError, calibrate_threshold
from safecompress_plugins.attackers.ensemble.calibration import (
    Calibration,
    MembershipCalibration,
    ValueCalibration,
)
from safecompress_plugins.attackers.ensemble.manifest import EnsembleAttackerParams

__all__ = ["EnsembleAttacker"]

# N samples · V attribute values · P parts


class EnsembleAttacker(Attacker):
    """Scores as its strongest member does, by sample or by run.

    By run, the strongest member is the one with the highest (balanced) accuracy on the held-out
    samples of attack-train. By sample, members' scores are calibrated to one scale
    (``calibration``), and each sample gets the score of the member that is most confident of it: a
    sample that one attack exposes and the others do not counts as exposed.
    """

    def __init__(self, params: EnsembleAttackerParams, parts: tuple[Part, ...]) -> None:
        self._by_run = params.worst == "run"
        self._folds = params.folds
        self._parts = tuple(_CrossFitted(part) for part in parts)
        self._fold: Tensor | None = None  # (N,) of each sample of attack-train
        self._worst = 0

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Fit every member, and choose the strongest.

        Raises:
            PoolError: if there are fewer than two samples (of members and of non-members, in a
                membership game), so that no fold can be held out.
        """
        truth, count = self._left_out(known)
        self._fold = _folds(truth, count, generator)
        for part in self._parts:
            part.fit(known, self._fold, generator)
        self._learn()

    def adapt(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Adapt every member, and choose the strongest again."""
        # Another attack-train has no folds yet, so there is nothing to adapt.
        if self._fold is None or len(self._fold) != len(known.seen):
            self.fit(known, generator=generator)
            return
        for part in self._parts:
            part.adapt(known, self._fold, generator)
        self._learn()

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return scores, (N,) or (N, V): the strongest member's, or calibrated ones by sample."""
        if self._fold is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        if self._by_run:
            return self._parts[self._worst].score(knowledge)
        scores = [part.answers(knowledge) for part in self._parts]
        answers, confidence = (
            torch.stack(part) for part in zip(*scores, strict=True)
        )  # (P, N, ...)
        return answers[confidence.argmax(dim=0), torch.arange(answers.shape[1])]

    def _left_out(self, known: AdversaryKnowledge) -> tuple[Tensor, int]:
        """Return the truth, (N,), and the number of folds, at most the size of the rarer class."""
        truth = known.truth if known.truth is not None else torch.empty(0)
        most = len(truth)
        if self._parts[0].is_about_membership:
            most = min(int(truth.sum()), int((~truth.bool()).sum()))
        if most < 2:
            whom = "members and 2 non-members" if self._parts[0].is_about_membership else "samples"
            raise PoolError(f"an ensemble attacker needs at least 2 {whom}, to hold one out")
        return truth, min(self._folds, most)

    def _learn(self) -> None:
        accuracies = [part.accuracy for part in self._parts]
        self._worst = accuracies.index(max(accuracies))
        names = [part.name for part in self._parts]
        self.remarks = {"attack_train_accuracy": dict(zip(names, accuracies, strict=True))}
        if self._by_run:
            self.remarks |= {"worst": names[self._worst]}
            self.threshold = self._parts[self._worst].threshold
        elif self._parts[0].is_about_membership:
            self.threshold = 0.0  # log-odds of even odds


class _CrossFitted:
    """A member: fitted on all of attack-train, and once without each of its folds."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._whole: Attacker = part.attacker
        self._without: list[Attacker] = []
        self._calibration: Calibration | None = None
        self.name = component_id(part.params)
        self.is_about_membership = part.definition.game == "membership"
        self.accuracy = 0.0  # balanced for membership; on held-out samples

    @property
    def threshold(self) -> float | None:
        """The member's own threshold."""
        return self._whole.threshold

    def fit(self, known: AdversaryKnowledge, fold: Tensor, generator: torch.Generator) -> None:
        """Fit from scratch; ``fold`` (N,) is each sample's fold."""
        seen = self._own(known)
        # Copies are taken before any fit, so that no fold starts from what another has learned.
        self._without = [deepcopy(self._part.attacker) for _ in range(int(fold.max()) + 1)]
        for number, attacker in enumerate(self._without):
            attacker.fit(seen.take(fold != number), generator=generator)
        self._whole.fit(seen, generator=generator)
        self._learn(seen, fold)

    def adapt(self, known: AdversaryKnowledge, fold: Tensor, generator: torch.Generator) -> None:
        """Adapt to a slightly changed model, with the same folds."""
        seen = self._own(known)
        for number, attacker in enumerate(self._without):
            attacker.adapt(seen.take(fold != number), generator=generator)
        self._whole.adapt(seen, generator=generator)
        self._learn(seen, fold)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return scores of the attacker fitted on all of attack-train."""
        return self._whole.score(self._own(knowledge))

    def answers(self, knowledge: AdversaryKnowledge) -> tuple[Tensor, Tensor]:
        """Return calibrated scores, (N,) or (N, V), and their confidence, (N,)."""
        assert self._calibration is not None  # it was fitted
        answers = self._calibration.answers(self.score(knowledge))
        return answers, self._calibration.confidence(answers)

    def _own(self, knowledge: AdversaryKnowledge) -> AdversaryKnowledge:
        return knowledge.restrict(self._part.definition, self._part.params)

    def _learn(self, known: AdversaryKnowledge, fold: Tensor) -> None:
        """Calibrate scores, and measure accuracy, on held-out samples."""
        assert known.truth is not None  # attack-train's is known
        # Scoring must not see the truth, even of attack-train.
        asked = replace(known, truth=None)
        parts = [
            attacker.score(asked.take(fold == number))
            for number, attacker in enumerate(self._without)
        ]
        scores = parts[0].new_empty((len(fold), *parts[0].shape[1:]))
        is_right = torch.empty(len(fold), dtype=torch.bool)
        for number, part in enumerate(parts):
            rows = fold == number
            scores[rows] = part
            guess = self._guess(self._without[number], part, known.take(~rows))
            is_right[rows] = guess == known.truth[rows]
        if self.is_about_membership:
            sides = is_right[known.truth], is_right[~known.truth]
            self.accuracy = float(sum(side.double().mean() for side in sides)) / 2
            self._calibration = MembershipCalibration(scores, known.truth)
        else:
            self.accuracy = float(is_right.double().mean())
            self._calibration = ValueCalibration(scores, known.truth)

    def _guess(
        self, attacker: Attacker, scores: Tensor, learned_from: AdversaryKnowledge
    ) -> Tensor:
        """Predict from scores as the game does, (N,)."""
        if not self.is_about_membership:
            return scores.argmax(dim=1)
        threshold = attacker.threshold
        # The threshold is chosen on the folds the attacker was fitted to, as an adversary would.
        if threshold is None:
            assert learned_from.truth is not None  # a part of attack-train
            held_out_scores = attacker.score(replace(learned_from, truth=None))
            threshold = calibrate_threshold(held_out_scores.numpy(), learned_from.truth.numpy())
        return scores > threshold


def _folds(truth: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Assign each sample to a fold, shape (N,), int64, in [0, count).

    Stratified at random: the folds' counts of each value differ by at most one.
    """
    shuffled = torch.randperm(len(truth), generator=generator)
    # A stable sort keeps the shuffled order within a value; dealing round-robin then stratifies.
    by_value = shuffled[truth[shuffled].long().argsort(stable=True)]
    fold = torch.empty(len(truth), dtype=torch.int64)
    fold[by_value] = torch.arange(len(truth)) % count
    return fold
