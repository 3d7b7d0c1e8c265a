"""Predictions of a model as samples: each input is what the model answered for one record.

A model whose answers are known needs no queries: the identity on such samples answers as it did.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.spellings import by_value
from safecompress_core.errors import DataError

__all__ = ["AnswerKind", "check_answers", "dataset_of_predictions", "logits_of", "row_number"]

# N records · C labels

AnswerKind: TypeAlias = Literal["probabilities", "logits"]

Field = tuple[str | int, ...]
Floats: TypeAlias = NDArray[np.float64]

SUM_ERROR = 1e-3
"""How far a sum of probabilities may be from the whole: half precision keeps three digits."""
COARSEST = 0.05
"""Largest rounding error of a probability that is accepted: one decimal place."""
MOST_SHOWN = 10


def row_number(row: int) -> str:
    """Return what messages call a record: its number, from 1."""
    return f"row {row + 1}"


def dataset_of_predictions(
    answers: Floats,
    labels: Sequence[str],
    names: Sequence[str],
    *,
    is_member: Tensor,
    kind: AnswerKind | None = None,
    groups: Tensor | None = None,
    name_row: Callable[[int], str] = row_number,
    outputs: Field = ("outputs",),
    label: Field = ("label",),
) -> Dataset:
    """Return predictions as samples.

    Args:
        answers: probabilities (of a sum of 1 or 100) or logits, shape (N, C).
        labels: the true label of each record, N names or numbers of outputs.
        names: of the model's outputs, in their order, C of them.
        is_member: shape (N,), bool.
        kind: what the answers are; None to decide by their values: those most of whose rows are
            distributions, or all of whose values are in [0, 1], are probabilities.
        groups: records of one group stay on one side, shape (N,), int64; None for no groups.
        name_row: what a message calls a record.
        outputs: the parameter that names the answers, for messages.
        label: the parameter that names the labels.

    Raises:
        DataError: with the first record whose answers are not finite or no distribution, or whose
            label is none of the names.
    """
    if len(names) < 2:
        message = f"there is one output, {names[0]!r}" if names else "there are no outputs"
        raise DataError(message, hint="give a probability or logit for each label", field=outputs)
    kind = check_answers(answers, kind, name_row=name_row, field=outputs)
    numbers, note = _number_labels(labels, names, name_row, label)
    return Dataset(
        inputs=torch.from_numpy(answers.astype(np.float32)),
        labels=numbers,
        classes=tuple(names),
        attributes={},
        is_member=is_member,
        groups=groups,
        holds_answers=True,
        notes=(f"predictions of a model: {kind} of {len(names)} labels", *note),
    )


def check_answers(
    answers: Floats,
    kind: AnswerKind | None,
    *,
    name_row: Callable[[int], str] = row_number,
    field: Field = (),
) -> AnswerKind:
    """Return what some answers are, shape (N, C): ``kind``, or what their values show.

    Raises:
        DataError: if they are not finite, or are no distributions and should be.
    """
    _require_finite(answers, name_row, field)
    if kind is None:
        kind = "probabilities" if _are_shares(answers) else "logits"
    if kind == "probabilities":
        _require_distributions(answers, name_row, field)
    return kind


def logits_of(answers: Floats, kind: AnswerKind) -> Tensor:
    """Return answers as logits of the same posteriors, shape (N, C), float32.

    A probability of 0 counts as the smallest normal number of float32.
    """
    values = torch.from_numpy(answers.astype(np.float32))
    if kind == "logits":
        return values
    tiny = torch.finfo(torch.float32).tiny
    # As those of the attacked model, whose probabilities are float32, too.
    return (values.double() / _whole(answers)).clamp(min=tiny).log().float()


def _require_finite(answers: Floats, name_row: Callable[[int], str], field: Field) -> None:
    broken = np.flatnonzero(~np.isfinite(answers).all(axis=1))
    if len(broken):
        first = int(broken[0])
        raise DataError(
            f"answers of {len(broken)} of {len(answers)} records are missing or not finite; the "
            f"first is {name_row(first)}",
            hint="predict these records again, or leave them out",
            field=field,
        )


def _are_shares(answers: Floats) -> bool:
    """Return whether the median row is a distribution, or no value is outside [0, 1]."""
    # Logits are below 0 or above 1 somewhere; all of them in between are wrong probabilities.
    are_between = answers.min() >= 0 and 0 < answers.max() <= 1
    return bool(are_between or np.median(_is_distribution(answers)) > 0.5)


def _is_distribution(answers: Floats) -> NDArray[np.bool_]:
    """Return which rows are distributions, shape (N,)."""
    whole = _whole(answers)
    sums = answers.sum(axis=1)
    # Rounding moves a sum by up to half a step for each label.
    slack = SUM_ERROR + _rounding(answers / whole) * answers.shape[1]
    are_near: NDArray[np.bool_] = np.abs(sums / whole - 1) <= slack
    are_positive: NDArray[np.bool_] = answers.min(axis=1) >= 0
    return are_near & are_positive


def _whole(answers: Floats) -> float:
    """Return what a row sums to: 100 of percentages, else 1."""
    # By the median, so that a single wrong row does not decide.
    return 100.0 if np.median(answers.max(axis=1)) > 1 + SUM_ERROR else 1.0


def _rounding(shares: Floats) -> float:
    """Return half of the decimal step that all shares are multiples of; 0 where there is none."""
    for step in (0.1, 0.01, 0.001, 1e-4):
        steps = shares / step
        if (np.abs(steps - steps.round()) <= SUM_ERROR).all():
            return min(step / 2, COARSEST)
    return 0.0


def _require_distributions(answers: Floats, name_row: Callable[[int], str], field: Field) -> None:
    wrong = np.flatnonzero(~_is_distribution(answers))
    if len(wrong):
        first = int(wrong[0])
        row = answers[first]
        below = f", the lowest of them {row.min():.6g}" if row.min() < 0 else ""
        raise DataError(
            f"probabilities of {len(wrong)} of {len(answers)} records do not sum to 1; the first "
            f"is {name_row(first)}, with a sum of {row.sum():.6g}{below}",
            hint="give a probability for every label; where they are logits, write 'answers: "
            "logits'",
            field=field,
        )


def _number_labels(
    labels: Sequence[str], names: Sequence[str], name_row: Callable[[int], str], field: Field
) -> tuple[Tensor, tuple[str, ...]]:
    """Return labels as numbers of outputs, and a note where they were numbers already."""
    if twice := next((name for name in names if list(names).count(name) > 1), None):
        raise DataError(
            f"two outputs are called {twice!r}", hint="name each of them once", field=("labels",)
        )
    shared = by_value((*labels, *names))
    places = {shared[name]: place for place, name in enumerate(names)}
    note: tuple[str, ...] = ()
    if not any(shared[text] in places for text in labels):
        # Only where no label is a name: a mixture of both would be ambiguous.
        shared = by_value((*labels, *map(str, range(len(names)))))
        places = {shared[str(number)]: number for number in range(len(names))}
        note = ("labels are taken as the numbers of the model's outputs, from 0",)
    for row, text in enumerate(labels):
        if shared[text] not in places:
            shown = ", ".join(names[:MOST_SHOWN])
            more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
            raise DataError(
                f"the label of {name_row(row)}, {text!r}, is none of the model's: {shown}{more}",
                hint="correct it, or name the labels of the outputs, in their order, as 'labels'",
                field=field,
            )
    return torch.tensor([places[shared[text]] for text in labels], dtype=torch.int64), note
