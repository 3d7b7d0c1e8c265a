"""Python objects as samples, models and training functions of an audit.

A network is audited as it is, with white-box access. Of any other model the answers to all samples
are all that an audit sees, so they are asked for once.
"""

import copy
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.predictions import dataset_of_predictions
from safecompress_core.errors import DataError, ModelError, TopologyError
from safecompress_core.networks.classifier import logits_layer
from safecompress_core.networks.code_digest import digest_of
from safecompress_core.networks.pretrained import TextClassifier, is_text_model, token_ids
from safecompress_core.python.samples import asked_samples
from safecompress_core.python.sides import join_rows, read_side
from safecompress_core.runs.audits.trained_models import TrainedModels
from safecompress_core.runs.audits.training_function import NamedFunction, Train
from safecompress_core.saved_models.model_format import Format
from safecompress_core.saved_models.objects.answering import Answers, ask, is_array, tensor_of
from safecompress_core.saved_models.objects.memory_model import MemoryModel
from safecompress_core.specfile.component_files import ExternalCode

__all__ = ["AuditedObjects", "read_objects", "train_by"]

# N samples · C labels


def _same(returned: Any) -> Any:
    return returned


@dataclass(frozen=True, slots=True, eq=False)
class AuditedObjects:
    """A model and its samples, as an audit takes them.

    Attributes:
        model: the model.
        dataset: the samples, members first.
        inputs: of all samples, as the model takes them; None where they are not known.
        wrap: makes a network of what a training function returns, where that takes more.
    """

    model: MemoryModel
    dataset: Dataset
    inputs: Any = None
    wrap: Callable[[Any], Any] = _same


@dataclass(frozen=True, slots=True, eq=False)
class _Samples:
    """True labels of all samples, shape (N,), their membership, and names of outputs, if any."""

    truth: NDArray[Any]
    is_member: Tensor
    labels: Sequence[str]

    def dataset(self, answers: Answers) -> Dataset:
        """Return the samples with a model's answers as their inputs."""
        count, outputs = answers.values.shape
        if count != len(self.truth):
            raise DataError(
                f"there are {count} answers, and {len(self.truth)} members and non-members",
                hint="give an answer to each member and then to each non-member",
            )
        names = tuple(self.labels) or answers.names or tuple(map(str, range(outputs)))
        if len(names) != outputs:
            raise DataError(
                f"{len(names)} labels are named, and the model has {outputs} outputs",
                hint="name the label of each output, in their order",
            )
        return dataset_of_predictions(
            answers.values,
            [str(label) for label in self.truth.tolist()],
            names,
            is_member=self.is_member,
            name_row=partial(_name_sample, members=int(self.is_member.sum())),
            outputs=(),
            label=(),
        )


def read_objects(
    model: Any, members: Any, non_members: Any, *, labels: Sequence[str] = ()
) -> AuditedObjects:
    """Return a model and samples in one of the forms that an audit takes.

    Args:
        model: a network, a pair of a text classifier and its tokenizer, a fitted estimator, a
            function of the inputs that returns probabilities, an array with an answer to each
            member and then to each non-member, or a pair of two such arrays.
        members: inputs and labels of the samples that trained the model: a pair, or a
            ``torch.utils.data.Dataset``; for predictions labels alone will do.
        non_members: likewise of others.
        labels: names of the model's outputs, in their order.

    Raises:
        DataError: if samples do not fit each other or the model.
        ModelError: if the model is of no known form, or cannot be asked.
    """
    needs_inputs = not (is_array(model) or _is_pair_of_arrays(model))
    sides = [
        read_side(side, name, needs_inputs=needs_inputs)
        for side, name in ((members, "members"), (non_members, "non_members"))
    ]
    truth = np.concatenate([side[1] for side in sides])
    is_member = torch.arange(len(truth)) < len(sides[0][1])
    samples = _Samples(truth, is_member, labels)
    if not needs_inputs:
        answers = model if is_array(model) else join_rows([*model])
        return _closed_model(Format.ARRAY, ask(answers, None), samples)
    inputs = join_rows([side[0] for side in sides])
    if is_text_model(model):
        network, tokenizer = model
        _warn_of_train_mode(network)
        ids = token_ids(tokenizer, [str(text) for text in inputs])
        objects = _network(TextClassifier.around(network), ids, samples)
        return replace(objects, wrap=_unwrap_text)
    if isinstance(model, nn.Module):
        _warn_of_train_mode(model)
        return _network(model, inputs, samples)
    form = Format.ESTIMATOR if hasattr(model, "predict_proba") else Format.FUNCTION
    return _closed_model(form, ask(model, inputs), samples, inputs=inputs)


def _warn_of_train_mode(module: nn.Module) -> None:
    if module.training:
        message = "the model is in train mode; a copy of it is audited in eval mode"
        warnings.warn(message, stacklevel=4)  # where audit was called


def train_by(train: Train | str, objects: AuditedObjects) -> TrainedModels:
    """Return reference models that a function trains.

    Args:
        train: takes positions of samples (members first, int64) and a seed, and returns a model or
            an answer to every sample; or ``module:function``, which is imported from the working
            directory or from what is installed.
        objects: what is audited.
    """
    if isinstance(train, str):
        code = ExternalCode(name=train, folder=".")
        digests = {f"{name} (train)": digest for name, digest in code.digests()}
        train = NamedFunction(code=code, arguments={}, threads=1)
    elif callable(train):
        name = getattr(train, "__qualname__", type(train).__name__)
        digests = {f"the function {name} (train)": digest_of(train)}
    else:
        raise ModelError(
            f"train is a {type(train).__name__}", hint="give a function train(indices, seed)"
        )

    def answer(returned: Any, classes: Sequence[str]) -> Tensor:
        if objects.inputs is None and not is_array(returned):
            raise ModelError(
                f"a {type(returned).__name__} cannot be asked, since members and non_members have "
                "no inputs",
                hint="give pairs (inputs, labels), or return an answer to every sample",
            )
        return ask(objects.wrap(returned), objects.inputs).to_logits(classes)

    return TrainedModels(train=train, answer=answer, digests=digests)


def _unwrap_text(returned: Any) -> Any:
    """Return a text classifier, with or without its tokenizer, as a network of token ids."""
    body = returned[0] if is_text_model(returned) else returned
    return TextClassifier.around(body) if isinstance(body, nn.Module) else returned


def _is_pair_of_arrays(model: Any) -> bool:
    return isinstance(model, tuple) and len(model) == 2 and all(map(is_array, model))


def _network(module: nn.Module, inputs: Any, samples: _Samples) -> AuditedObjects:
    """Return a network with white-box access, or, where its last layer shows no logits, answers."""
    tensor = tensor_of(inputs)
    answers = ask(module, tensor)
    try:
        logits_layer(copy.deepcopy(module).cpu(), tensor[:1])
    except TopologyError as error:
        objects = _closed_model(Format.FUNCTION, answers, samples, inputs=tensor)
        note = f"the network is audited by its answers alone: {error}"
        return replace(
            objects, dataset=replace(objects.dataset, notes=(*objects.dataset.notes, note))
        )
    dataset = replace(samples.dataset(answers), inputs=tensor, holds_answers=False, notes=())
    return AuditedObjects(MemoryModel.of(Format.MODULE, module=module), dataset, inputs=tensor)


def _closed_model(
    form: Format, answers: Answers, samples: _Samples, *, inputs: Any = None
) -> AuditedObjects:
    """Return a model whose answers are its samples."""
    model = MemoryModel.of(form, answers=answers.values)
    dataset = samples.dataset(answers)
    asked = None if inputs is None else asked_samples(inputs, dataset)
    return AuditedObjects(model, replace(dataset, asked=asked), inputs=inputs)


def _name_sample(row: int, *, members: int) -> str:
    return f"members[{row}]" if row < members else f"non_members[{row - members}]"
