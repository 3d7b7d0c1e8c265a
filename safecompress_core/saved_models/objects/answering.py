"""Answers of a model that is a Python object: a network, an estimator, a function, or predictions.

This is the one way from such an object to answers, for a model that is audited and for its
reference models alike.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from safecompress_core.data.predictions import check_answers, logits_of
from safecompress_core.data.spellings import by_value
from safecompress_core.errors import DataError, ModelError
from safecompress_core.networks.classifier import in_eval_mode
from safecompress_core.networks.redraw import require_weights

__all__ = ["Answers", "ask", "is_array", "tensor_of"]

# N samples · C labels

BATCH = 1024

FORMS = (
    "a torch.nn.Module, a fitted scikit-learn classifier, a function that returns probabilities, "
    "or an array of predictions"
)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Answers of a model to some samples.

    Attributes:
        values: probabilities or logits, shape (N, C), float64.
        names: of its outputs; empty where it has none.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...] = ()

    def to_logits(self, classes: Sequence[str]) -> Tensor:
        """Return logits in the order of some labels, shape (N, C), float32.

        Raises:
            ModelError: if the outputs are not these labels, or no finite answers.
        """
        values = self._order(classes) if self.names else self.values
        if values.shape[1] != len(classes):
            raise ModelError(
                f"the model has {values.shape[1]} outputs, and the data have {len(classes)} labels",
                hint="return an answer for each label",
            )
        try:
            kind = check_answers(values, None)
        except DataError as error:
            raise ModelError(error.message, hint=error.hint) from error
        return logits_of(values, kind)

    def _order(self, classes: Sequence[str]) -> NDArray[np.float64]:
        """Return the columns in the order of labels; 0 for one that the model never saw."""
        shared = by_value((*self.names, *classes))
        places = {shared[name]: place for place, name in enumerate(classes)}
        if unknown := [name for name in self.names if shared[name] not in places]:
            raise ModelError(
                f"the model has an output {unknown[0]!r}, and the data have no such label",
                hint=f"the labels are: {', '.join(classes)}",
            )
        values = np.zeros((len(self.values), len(classes)))
        values[:, [places[shared[name]] for name in self.names]] = self.values
        return values


def ask(model: Any, inputs: Any) -> Answers:
    """Return the answers of a model to all samples.

    Args:
        model: a network (asked in eval mode, on its device), a fitted estimator with
            ``predict_proba``, a function of the inputs, or the answers themselves.
        inputs: of all samples, as the model takes them.

    Raises:
        ModelError: if it is nothing of the kind, is not fitted, or does not answer with a matrix.
    """
    if isinstance(model, nn.Module):
        return Answers(_matrix(_ask_module(model, tensor_of(inputs)), "the network"))
    if is_array(model):
        return Answers(_matrix(model, "the array"))
    if hasattr(model, "predict_proba"):
        names = tuple(map(str, np.asarray(getattr(model, "classes_", ()))))
        return Answers(_matrix(_ask_estimator(model, inputs), type(model).__name__), names)
    if hasattr(model, "predict"):
        raise ModelError(
            f"{type(model).__name__} has no predict_proba, so it answers with labels alone",
            hint="use a classifier with probabilities: probability=True, or CalibratedClassifierCV",
        )
    if callable(model):
        return Answers(_matrix(model(inputs), getattr(model, "__name__", "the function")))
    raise ModelError(f"an object of type {type(model).__name__} is no model", hint=f"give {FORMS}")


def is_array(value: Any) -> bool:
    """Return whether a value holds numbers, row by row: an array, a tensor, a data frame, lists."""
    if isinstance(value, nn.Module):
        return False
    return isinstance(value, np.ndarray | Tensor | list) or hasattr(value, "iloc")


def tensor_of(inputs: Any) -> Tensor:
    """Return inputs as one tensor: whole numbers of tokens stay whole, all others are float32.

    Raises:
        DataError: if they hold what is no number.
    """
    if isinstance(inputs, Tensor):
        tensor = inputs.detach().cpu()
    else:
        if isinstance(inputs, list | tuple) and inputs and isinstance(inputs[0], Tensor):
            return tensor_of(torch.stack(list(inputs)))
        values = np.asarray(inputs)
        if values.dtype.kind not in "biuf":
            raise DataError(
                f"the inputs are {values.dtype}, and a network takes numbers",
                hint="encode them as the network takes them",
            )
        tensor = torch.from_numpy(np.ascontiguousarray(values))
    return tensor if tensor.dtype == torch.int64 and tensor.ndim == 2 else tensor.float()


def _ask_module(module: nn.Module, inputs: Tensor) -> Tensor:
    require_weights(module)
    parameter = next(module.parameters(), None)
    device = torch.device("cpu") if parameter is None else parameter.device
    with torch.no_grad(), in_eval_mode(module):
        return torch.cat([_logits(module(batch.to(device))) for batch in inputs.split(BATCH)])


def _logits(output: Any) -> Tensor:
    """Return the logits of a forward pass; models of transformers wrap them."""
    logits = output["logits"] if isinstance(output, Mapping) else output
    if not isinstance(logits, Tensor):
        raise ModelError(
            f"the network answers with a {type(output).__name__}, and with no tensor",
            hint="give one that returns logits or probabilities, shape (N, C)",
        )
    return logits.detach().float().cpu()


def _ask_estimator(model: Any, inputs: Any) -> Any:
    from sklearn.exceptions import NotFittedError  # noqa: PLC0415  only for estimators

    try:
        return model.predict_proba(inputs)
    except NotFittedError as error:
        raise ModelError(
            f"{type(model).__name__} is not fitted", hint="call its fit on the members first"
        ) from error


def _matrix(values: Any, what: str) -> NDArray[np.float64]:
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    elif isinstance(values, Iterable) and not hasattr(values, "__len__"):
        raise ModelError(
            f"{what} is a generator, which can be read once only", hint="give an array: list(...)"
        )
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.dtype.kind not in "biuf":
        raise ModelError(
            f"{what} answers with {matrix.dtype} of shape {matrix.shape}",
            hint="give a probability or logit for each label, shape (N, C)",
        )
    return matrix.astype(np.float64)
