"""Answers of reference models for a pool, and the folds that they were trained on."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from safecompress_core.api import Access
from safecompress_core.attacks.signals import logit_of_confidence
from safecompress_core.data.grouping import split_groups
from safecompress_core.errors import PoolError

__all__ = ["ReferenceAnswers", "assign_folds", "fold_count"]

# R reference models · N samples · C classes


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceAnswers:
    """The answers of R reference models to N samples: black-box, like those of any model.

    Attributes:
        logits: shape (R, N, C), float32.
        is_in: which model was trained on which sample, shape (R, N), bool. It says nothing of the
            membership that is attacked: who is in was drawn without looking at it.
        labels: task labels, shape (N,), int64, in [0, C).
        inside: the logits of their last layers, shape (R, N, C), if these are not what they
            answer; else None.

    Raises:
        PoolError: if the shapes do not fit each other.
    """

    logits: Tensor
    is_in: Tensor
    labels: Tensor
    inside: Tensor | None = None

    def __post_init__(self) -> None:
        if self.logits.shape[:2] != self.is_in.shape or self.labels.shape != self.is_in.shape[1:]:
            shapes = [tuple(t.shape) for t in (self.logits, self.is_in, self.labels)]
            raise PoolError(f"logits, is_in and labels of references do not fit: {shapes}")

    def __len__(self) -> int:
        """Return the number of models, R."""
        return len(self.logits)

    def take(self, positions: Tensor) -> "ReferenceAnswers":
        """Of some samples, by position (int64) or mask (bool), in that order."""
        return ReferenceAnswers(
            self.logits[:, positions],
            self.is_in[:, positions],
            self.labels[positions],
            None if self.inside is None else self.inside[:, positions],
        )

    def first(self, count: int) -> "ReferenceAnswers":
        """The first so many models."""
        # Prefixes, so that an attack with fewer models sees a subset of the same ones.
        return self.select(torch.arange(min(count, len(self))))

    def select(self, models: Tensor) -> "ReferenceAnswers":
        """Of some models, by position (int64), in that order."""
        inside = None if self.inside is None else self.inside[models]
        return ReferenceAnswers(self.logits[models], self.is_in[models], self.labels, inside)

    def restricted(self, access: Access) -> "ReferenceAnswers":
        """Return them as an adversary with this access compares them with what it attacks.

        With white-box access it sees the logits of last layers, of the attacked model and of these.
        """
        # Without a guard `inside` is None: logits are already those of the last layer.
        if self.inside is None or not access.covers(Access.WHITE_BOX):
            return self
        return ReferenceAnswers(self.inside, self.is_in, self.labels)

    @property
    def confidence_logits(self) -> Tensor:
        """log(p_y / (1 − p_y)) of each model and sample, shape (R, N), float64."""
        return torch.stack([logit_of_confidence(logit, self.labels) for logit in self.logits])

    @property
    def log_confidences(self) -> Tensor:
        """Log p_y of each model and sample, shape (R, N), float64."""
        return logsigmoid(self.confidence_logits)


def fold_count(members: int, samples: int) -> int:
    """Return the number of folds that makes one about as large as a training set.

    If half of the samples are members there are two folds, with a tenth there are ten; with nine
    tenths, the *non-members* of a reference model are one fold.
    """
    # Round before the limit: two folds at least, or a model would have no non-members.
    return max(2, round(samples / min(members, samples - members)))


def assign_folds(
    labels: Tensor,
    *,
    members: int,
    count: int,
    generator: torch.Generator,
    groups: Tensor | None = None,
) -> Tensor:
    """Assign samples to the training sets of the reference models.

    The samples are shuffled and split into ``fold_count`` folds, label by label, whose sizes differ
    by at most 1; each model takes one fold, and after the last one they are split anew. So each
    sample is in as many models as any other, give or take one, and if half of the samples are
    members, each pair of models has one half each. Nothing but the labels is looked at.

    Args:
        labels: task labels of all samples that the adversary has, shape (N,), int64.
        members: how many of them train the model that is attacked.
        count: how many reference models there are.
        generator: shuffles.
        groups: what belongs together and is in one fold, shape (N,), int64; sizes of folds then
            differ by as much as groups make them.

    Returns:
        Which model is trained on which sample, shape (count, N), bool.
    """
    size = fold_count(members, len(labels))
    rounds = []
    # Ceiling division: the last round may be used in part.
    for _ in range(-(-count // size)):
        if groups is None:
            fold = _assign_fold(labels, size, generator)
        else:
            fold = _assign_fold_of_groups(labels, groups, size, generator)
        # Fold i trains model i: one row per model by comparing with all fold numbers.
        rounds.append(fold == torch.arange(size)[:, None])
    held = torch.cat(rounds)[:count]
    # Most samples are members: a model leaves one fold out instead of training on one.
    return held if members * 2 <= len(labels) else ~held


def _assign_fold(labels: Tensor, size: int, generator: torch.Generator) -> Tensor:
    """The fold of each sample, shape (N,), int64."""
    shuffled = torch.randperm(len(labels), generator=generator)
    # Stable, so that the shuffled order is kept within a label.
    by_label = shuffled[labels[shuffled].argsort(stable=True)]
    fold = torch.empty_like(labels)
    # Labels follow each other, so consecutive numbers stratify every fold.
    fold[by_label] = torch.arange(len(labels)) % size
    return fold


def _assign_fold_of_groups(
    labels: Tensor, groups: Tensor, size: int, generator: torch.Generator
) -> Tensor:
    count = len(labels)
    # The first folds take the remainder, one sample each.
    sizes = [count // size + (number < count % size) for number in range(size)]
    fold = torch.empty_like(labels)
    parts = split_groups(torch.arange(count), labels, groups, sizes, generator)
    for number, part in enumerate(parts):
        fold[part] = number
    return fold
