"""The output of a model that holds its answers, where it has several.

An output is identified by its name (``logits`` or ``probabilities``, as converters call them) or
by the spec; position decides nothing. A list of mappings from label to probability, as ONNX's
ZipMap writes it, is a matrix with a column for each label of the data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from safecompress_core.errors import ModelError
from safecompress_core.saved_models.output_labels import match_labels

__all__ = ["LABELS", "OutputReader", "require_same_labels"]

# N samples · C classes

NAMES = {
    "logits": {"logits"},
    "probabilities": {"probabilities", "probability", "probs", "output_probability"},
}
"""What exporters call the answers, by what ``task.answers`` says."""
LABELS = {"label", "output_label"}
"""What they call the most likely label."""

NEAR = 1e-4
"""Answers that are as close as this may be ordered either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReader:
    """Reader of a model's answers.

    Attributes:
        output: name or number of the output that holds them; None to choose by name.
        answers: ``logits``, ``probabilities``, or ``auto`` if either will do.
        classes: the labels of the data, as the model numbers them.
    """

    output: str | int | None
    answers: str
    classes: tuple[str, ...]

    def choose_output(self, names: Sequence[str], tables: Sequence[str] = ()) -> str:
        """Return the name of the output that holds the answers.

        Args:
            names: of all outputs.
            tables: of those that are mappings from label to probability.

        Raises:
            ModelError: if the spec names one that is not there, or no name decides.
        """
        if self.output is not None:
            # Compared as text: a spec may give the output's number.
            if str(self.output) in names:
                return str(self.output)
            self._ask(names, f"the model has no output {self.output!r}")
        # A single output needs no name.
        if len(names) == 1:
            return names[0]
        # Logits first where either will do, since they hold more.
        stated = "logits" if self.answers == "auto" else self.answers
        other = "probabilities" if stated == "logits" else "logits"
        # The kind that the spec states is preferred; the other is still identified by its name.
        for kind in (stated, other):
            outputs = [name for name in names if name.lower() in NAMES[kind]]
            # Two candidates are no answer: guessing could audit an auxiliary head.
            if len(outputs) == 1:
                return outputs[0]
        if len(tables) == 1:
            return tables[0]
        self._ask(names, f"the model has {len(names)} outputs, and no name identifies its answers")
        raise AssertionError

    def read(self, value: Any) -> Tensor:
        """Return what a model has put out as a matrix, float32 on the CPU.

        Args:
            value: a tensor, a tuple or list of several, or a mapping of several.

        Raises:
            ModelError: if it is nothing of the kind.
        """
        # Exporters wrap a single output in tuples, sometimes more than once.
        while isinstance(value, tuple | list) and len(value) == 1 and not _is_table(value):
            value = value[0]
        if _is_table(value):
            value = self._matrix(value)
        elif isinstance(value, Mapping) and value:
            value = self._select_named(dict(value))
        elif isinstance(value, tuple | list) and value:
            value = self._select_named({str(number): answer for number, answer in enumerate(value)})
        if not isinstance(value, Tensor):
            message = f"the model answers with a {type(value).__name__}, and with no tensor"
            raise ModelError(message, hint="export one that puts out logits or probabilities")
        # Detached: exported programs may track gradients.
        return value.detach().float().cpu()

    def _select_named(self, outputs: Mapping[str, Any]) -> Any:
        return outputs[self.choose_output(list(outputs))]

    def _matrix(self, rows: Sequence[Mapping[Any, float]]) -> Tensor:
        """Probabilities by label as a matrix (N, C)."""
        # Keys of the first row decide the order; ONNX writes the same keys in each row.
        keys = list(rows[0])
        places = match_labels(self.classes, [str(key) for key in keys])
        if None in places or len(keys) != len(self.classes):
            raise ModelError(
                f"the model gives probabilities of the labels {', '.join(map(str, keys))}, and the "
                f"data have {', '.join(self.classes)}",
                hint="name the model's labels, in their order, as task.labels",
            )
        order = [keys[place] for place in places if place is not None]
        return torch.tensor([[row[key] for key in order] for row in rows], dtype=torch.float32)

    @staticmethod
    def _ask(names: Sequence[str], message: str) -> None:
        raise ModelError(
            f"{message}; its outputs are {', '.join(map(repr, names))}",
            hint="write the one that holds logits or probabilities as task.output",
        )


def _is_table(value: Any) -> bool:
    """Return whether it has a row for each sample, with a probability by label."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(row, dict)
            and row
            and all(isinstance(probability, float) for probability in row.values())
            for row in value[:1]
        )
    )


def require_same_labels(answers: Tensor, named: Sequence[str], classes: tuple[str, ...]) -> None:
    """Refuse a model that names other labels than the order of its answers gives.

    Args:
        answers: of some samples, (N, C).
        named: the most likely label of each, as another output of the model names it.
        classes: the labels in the order in which the answers are read.

    Raises:
        ModelError: with the first label that differs.
    """
    # Wrong shapes are reported by the check of the answers, with a better message.
    if answers.ndim != 2 or answers.shape[1] != len(classes) or len(named) != len(answers):
        return  # reported by the check of the answers
    distinct = sorted(set(named))
    place = dict(zip(distinct, match_labels(distinct, classes), strict=True))
    if None in place.values():  # other names: numbers of its outputs, or nothing that is known
        place = {name: int(name) if name.isdecimal() else None for name in distinct}
    ordered = answers.sort(dim=1, descending=True)
    for name, values, order in zip(
        named, ordered.values.tolist(), ordered.indices.tolist(), strict=True
    ):
        # Rounding may order near-equal answers either way, which is no contradiction.
        is_tie = len(values) > 1 and values[0] - values[1] <= NEAR
        if not is_tie and place[name] != order[0]:
            raise ModelError(
                f"the model names the label {name!r} where its answers, read in the order "
                f"{', '.join(classes)}, give {classes[order[0]]!r}",
                hint="write the data's labels, in the order of the model's outputs, as task.labels",
            )
