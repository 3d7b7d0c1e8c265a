"""Several attackers as one: the worst of them, of each sample or of the whole run.

- Which part is the worst is learned on attack-train, never on the pool that is reported: the best
  of several figures of one pool reads too high on it.
- Nor is it learned from samples that a part was fitted to: trained attacks know those by heart.
  Each part is fitted ``folds`` times without a part of attack-train, and judged on what it did not
  see. The answers come from one more fit, on all of attack-train.
- Parts see what they would see alone, but for a guard of answers, which whoever holds the network
  leaves out for all of them: their own access, and as many reference models as they ask
  for.
"""

from copy import deepcopy
from dataclasses import replace

import torch
from torch import Tensor

from safecompress_core.api import Game, Part, component_id
from safecompress_core.toolkit import Attacker, Evidence, PoolError, calibrate_threshold
from safecompress_plugins.attackers.ensemble.calibration import (
    Calibration,
    MembershipCalibration,
    ValueCalibration,
)
from safecompress_plugins.attackers.ensemble.manifest import BasketParams

__all__ = ["Basket"]

# N samples · V attribute values · P parts


class Basket(Attacker):
    """Answers as its worst part does, by sample or by run.

    By run, the worst part is the one with the highest (balanced) accuracy on the left-out samples
    of attack-train. By sample, parts' scores are made comparable (``calibration``), and of each
    sample the answer counts of the part that is surest of it: for a sample that one attack gives
    away and the others do not, that attack's.
    """

    def __init__(self, params: BasketParams, parts: tuple[Part, ...]) -> None:
        self._by_run = params.worst == "run"
        self._folds = params.folds
        self._parts = tuple(_CrossFitted(part) for part in parts)
        self._fold: Tensor | None = None  # (N,) of each sample of attack-train
        self._worst = 0

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Fit every part, and learn which is the worst.

        Raises:
            PoolError: if less than two samples are known (of members and of non-members, if that
                is what is attacked), so that nothing can be left out.
        """
        truth, count = self._left_out(known)
        self._fold = _folds(truth, count, generator)
        for part in self._parts:
            part.fit(known, self._fold, generator)
        self._learn()

    def adapt(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Let every part learn on, and look anew for the worst."""
        if self._fold is None or len(self._fold) != len(known.seen):
            self.fit(known, generator=generator)
            return
        for part in self._parts:
            part.adapt(known, self._fold, generator)
        self._learn()

    def score(self, evidence: Evidence) -> Tensor:
        """The worst part's own scores, (N,) or (N, V), or the surest part's comparable ones."""
        if self._fold is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        if self._by_run:
            return self._parts[self._worst].score(evidence)
        found = [part.answers(evidence) for part in self._parts]
        answers, sureness = (torch.stack(one) for one in zip(*found, strict=True))  # (P, N, ...)
        return answers[sureness.argmax(dim=0), torch.arange(answers.shape[1])]

    def _left_out(self, known: Evidence) -> tuple[Tensor, int]:
        """The truth, (N,), and of how many folds each, and what is left without it, is enough."""
        truth = known.truth if known.truth is not None else torch.empty(0)
        most = len(truth)
        if self._parts[0].is_about_membership:
            most = min(int(truth.sum()), int((~truth.bool()).sum()))
        if most < 2:
            whom = "members and 2 non-members" if self._parts[0].is_about_membership else "samples"
            raise PoolError(f"a basket learns from 2 {whom} at least, so that one can be left out")
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
            self.threshold = 0.0  # even odds


class _CrossFitted:
    """A part: fitted on all of attack-train, and once more without each fold of it."""

    def __init__(self, part: Part) -> None:
        self._part = part
        self._whole: Attacker = part.attacker
        self._without: list[Attacker] = []
        self._calibration: Calibration | None = None
        self.name = component_id(part.params)
        self.is_about_membership = part.definition.game is Game.MEMBERSHIP
        self.accuracy = 0.0  # balanced for membership; on samples that were left out

    @property
    def threshold(self) -> float | None:
        """The part's own."""
        return self._whole.threshold

    def fit(self, known: Evidence, fold: Tensor, generator: torch.Generator) -> None:
        """Start afresh; ``fold`` (N,) says with which others a sample is left out."""
        seen = self._own(known)
        self._without = [deepcopy(self._part.attacker) for _ in range(int(fold.max()) + 1)]
        for number, attacker in enumerate(self._without):
            attacker.fit(seen.take(fold != number), generator=generator)
        self._whole.fit(seen, generator=generator)
        self._learn(seen, fold)

    def adapt(self, known: Evidence, fold: Tensor, generator: torch.Generator) -> None:
        """Learn on for a slightly changed model, with the same samples left out."""
        seen = self._own(known)
        for number, attacker in enumerate(self._without):
            attacker.adapt(seen.take(fold != number), generator=generator)
        self._whole.adapt(seen, generator=generator)
        self._learn(seen, fold)

    def score(self, evidence: Evidence) -> Tensor:
        """Of the one that was fitted on all of attack-train."""
        return self._whole.score(self._own(evidence))

    def answers(self, evidence: Evidence) -> tuple[Tensor, Tensor]:
        """Comparable answers, (N,) or (N, V), and how sure each is, (N,)."""
        assert self._calibration is not None  # it was fitted
        answers = self._calibration.answers(self.score(evidence))
        return answers, self._calibration.sureness(answers)

    def _own(self, evidence: Evidence) -> Evidence:
        return evidence.declared(self._part.definition, self._part.params)

    def _learn(self, known: Evidence, fold: Tensor) -> None:
        """What the scores of left-out samples are worth."""
        assert known.truth is not None  # attack-train's is known
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

    def _guess(self, attacker: Attacker, scores: Tensor, learned_from: Evidence) -> Tensor:
        """What it says of samples with such scores: as the game would have it, (N,)."""
        if not self.is_about_membership:
            return scores.argmax(dim=1)
        threshold = attacker.threshold
        if threshold is None:
            assert learned_from.truth is not None  # a part of attack-train
            own = attacker.score(replace(learned_from, truth=None))
            threshold = calibrate_threshold(own.numpy(), learned_from.truth.numpy())
        return scores > threshold


def _folds(truth: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """With which others each sample is left out, shape (N,), int64, in [0, count).

    Drawn by lot, value by value, so that each fold has of every value what there is of it.
    """
    shuffled = torch.randperm(len(truth), generator=generator)
    by_value = shuffled[truth[shuffled].long().argsort(stable=True)]
    fold = torch.empty(len(truth), dtype=torch.int64)
    fold[by_value] = torch.arange(len(truth)) % count
    return fold
