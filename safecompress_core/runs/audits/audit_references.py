"""Reference models of an audit: trained by the owner's function, or there already.

- The samples are assigned to reference models as those of a run are: label by label, without a look
  at who is a member. The function trains on those of a model, and is asked about every sample.
- What is kept is each model's logits, under a key of everything that they depend on, so that
  attackers share them and an audit that was stopped trains only what is missing.
- A model that knows other samples than its own is refused, by `audit.reference_checks`.
"""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.api import Kind
from safecompress_core.attacks.reference_answers import ReferenceAnswers, assign_folds
from safecompress_core.audit.reference_checks import require_different
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.data.dataset import Dataset, DataSource
from safecompress_core.data.predictions import check_answers, logits_of
from safecompress_core.errors import DataError, ModelError, SafeCompressError
from safecompress_core.host.named_code import import_function
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.saved_models.model_format import PREDICTIONS
from safecompress_core.saved_models.objects.answering import ask, is_array
from safecompress_core.saved_models.rebuild import component
from safecompress_core.seeding import Seed
from safecompress_core.specfile.component_files import ExternalCode, ExternalFiles
from safecompress_core.specfile.models.audit_spec import ReadyReferences, TrainFunction

__all__ = ["ReadyModels", "ReferenceSource", "Train", "TrainedModels", "reference_source"]

# R reference models · N samples · L samples as they were loaded · C labels

Train: TypeAlias = Callable[[NDArray[np.int64], int], Any]
"""Trains a model on the samples at some positions, with a seed."""


class ReferenceSource(ABC):
    """Where reference models of a finished model come from."""

    method: ClassVar[Literal["train", "given"]]

    @abstractmethod
    def identity(self) -> Mapping[str, str]:
        """Return hashes of what decides the models' answers, by name."""

    @abstractmethod
    def answers(
        self, audit_context: AuditContext, count: int, checkpoints: Checkpoints, events: EventLog
    ) -> ReferenceAnswers:
        """Return the answers of so many reference models to the audit's samples.

        Raises:
            ModelError: if a model cannot be had, or was not trained as was asked.
            DataError: if files of models do not fit the samples.
        """


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedModels(ReferenceSource):
    """Models that the owner's function trains.

    Attributes:
        train: the function.
        answer: asks what it returns about the samples as they were loaded; takes it and the labels,
            returns logits, shape (L, C).
        digests: hashes of the function's code, by name.
    """

    method = "train"

    train: Train
    answer: Callable[[Any, Sequence[str]], Tensor]
    digests: Mapping[str, str]

    def identity(self) -> Mapping[str, str]:
        """Return hashes of the function's code."""
        return self.digests

    def answers(
        self, audit_context: AuditContext, count: int, checkpoints: Checkpoints, events: EventLog
    ) -> ReferenceAnswers:
        """Train what is not there yet."""
        dataset = audit_context.dataset
        assigned = assign_folds(
            dataset.labels,
            members=len(audit_context.pools.members),
            count=count,
            generator=audit_context.seed.child("reference", "deal").torch(),
            groups=dataset.groups,
        )
        logits = []
        for index, is_in in enumerate(assigned):
            seed = audit_context.seed.child("reference", index)
            logits.append(
                self.logits(
                    audit_context, is_in, seed, checkpoints, name=f"reference model {index + 1}"
                )
            )
            events.advance()
            events.emit("reference_trained", model="audited", reference=index + 1)
        references = ReferenceAnswers(
            logits=torch.stack(logits), is_in=assigned, labels=dataset.labels
        )
        require_different(references)
        return references

    def logits(
        self,
        audit_context: AuditContext,
        is_in: Tensor,
        seed: Seed,
        checkpoints: Checkpoints,
        *,
        name: str,
    ) -> Tensor:
        """Return the answers of a model that is trained on some samples, shape (N, C).

        Args:
            audit_context: the audit.
            is_in: the samples, shape (N,), bool.
            seed: of the training.
            checkpoints: where answers are kept.
            name: what messages call the model.

        Raises:
            ModelError: if the function fails, or returns no model with an answer to each sample.
        """
        rows, data = audit_context.samples.rows, audit_context.dataset
        indices = rows[is_in].sort().values
        # 32 bits, since NumPy's old generators take no more.
        number = seed.number % 2**32
        content = [dict(audit_context.data_identity), dict(self.digests), indices.tolist(), number]
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
        kept = checkpoints.load(key)
        if kept is not None:
            return kept[1][0]["logits"]
        try:
            returned = self.train(indices.numpy(), number)
            logits = self.answer(returned, data.classes)
        except ModelError as error:
            raise ModelError(f"{name}: {error.message}", hint=error.hint) from error
        except SafeCompressError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            message = f"{name}: the function that trains it failed ({reason})"
            raise ModelError(message, hint="correct it") from error
        count = audit_context.samples.source_size
        if len(logits) != count:
            raise ModelError(
                f"{name} has {len(logits)} answers, and there are {count} samples",
                hint="return an answer to every sample of the data, not only to 'indices'",
            )
        logits = logits[rows]
        checkpoints.save(key, {"model": name}, [{"logits": logits}])
        return logits


@dataclass(frozen=True, eq=False, kw_only=True)
class ReadyModels(ReferenceSource):
    """Models whose predictions are there already.

    Attributes:
        logits: of each model for the samples as they were loaded, shape (R, L, C).
        is_in: what each was trained on, shape (R, L), bool.
        digests: hashes of the files, by name.
    """

    method = "given"

    logits: Tensor
    is_in: Tensor
    digests: Mapping[str, str]

    def identity(self) -> Mapping[str, str]:
        """Return hashes of the files."""
        return self.digests

    def answers(
        self, audit_context: AuditContext, count: int, checkpoints: Checkpoints, events: EventLog
    ) -> ReferenceAnswers:
        """Return the first so many models."""
        del checkpoints, events  # nothing is trained
        if len(self.logits) < count:
            raise ModelError(
                f"there are {len(self.logits)} reference models, and an attacker asks for {count}",
                hint=f"write 'references: {len(self.logits)}' of each attacker that compares",
            )
        rows = audit_context.samples.rows
        references = ReferenceAnswers(
            logits=self.logits[:count, rows],
            is_in=self.is_in[:count, rows],
            labels=audit_context.dataset.labels,
        )
        require_different(references)
        return references


def reference_source(audit_context: AuditContext) -> ReferenceSource | None:
    """Return where the spec of an audit takes reference models from; None for nowhere.

    Raises:
        ModelError: if the function cannot be imported.
        DataError: if files of models do not fit the samples.
    """
    judges = audit_context.spec.audit
    if judges.train is not None:
        return _train_by_spec(judges.train, audit_context)
    if judges.references is not None:
        return _read_models(judges.references, audit_context)
    return None


def _train_by_spec(declared: TrainFunction, audit_context: AuditContext) -> TrainedModels:
    code = ExternalCode(name=declared.function, folder=declared.folder)
    digests = {f"{name} (audit.train)": digest for name, digest in code.digests()}

    def train(indices: NDArray[np.int64], seed: int) -> Any:
        # Imported when first called, so that a finished audit is shown without running it.
        return import_function(code)(indices=indices, seed=seed, **declared.arguments)

    return TrainedModels(
        train=train, answer=partial(_answer, audit_context.samples.source), digests=digests
    )


def _answer(data: Dataset, returned: Any, classes: Sequence[str]) -> Tensor:
    """Ask what a function has returned about samples of a data set."""
    if data.holds_answers and not is_array(returned):
        raise ModelError(
            f"a {type(returned).__name__} cannot be asked, since the inputs of predictions are "
            "unknown",
            hint="return an answer to every record of the file, shape (N, C)",
        )
    inputs = None
    if not is_array(returned):
        every = torch.arange(len(data))
        inputs = data.inputs if isinstance(data.inputs, Tensor) else data.inputs[every]
    return ask(returned, inputs).to_logits(classes)


def _read_models(declared: ReadyReferences, audit_context: AuditContext) -> ReadyModels:
    if declared.path is None:
        raise DataError(
            "the reference models were given as Python objects, and are not in this process",
            hint="call the function from Python again, with the same objects",
        )
    folder = ExternalFiles(path=declared.path)
    paths = [path for path in folder.files() if path.suffix in PREDICTIONS]
    if not paths:
        raise DataError(
            f"{declared.path!r} holds no files of predictions",
            hint=f"name a folder with a file ({', '.join(PREDICTIONS)}) for each reference model",
        )
    data = audit_context.samples.source
    models = [_read_model(path, data, audit_context) for path in paths]
    return ReadyModels(
        logits=torch.stack([logits for logits, _ in models]),
        is_in=torch.stack([is_in for _, is_in in models]),
        digests={f"{name} (audit.references)": digest for name, digest in folder.digests()},
    )


def _read_model(path: Path, data: Dataset, audit_context: AuditContext) -> tuple[Tensor, Tensor]:
    """Read the logits of a model, (L, C), and the samples that it was trained on, (L,)."""
    written = {"type": "predictions"}
    declared = audit_context.loaded.resolved["task"]["data"]
    # Files of one form: columns are called as in the predictions that are audited.
    written |= declared if declared["type"] == "predictions" else {}
    params = component(
        audit_context.registry, Kind.DATA, {**written, "path": str(path)}, allow_code=False
    )
    source: DataSource = audit_context.registry.create(params)
    try:
        model = source.load()
    except DataError as error:
        raise DataError(f"{path}: {error.message}", hint=error.hint) from error
    _require_same_samples(path, model, data)
    answers = np.asarray(model.inputs, dtype=np.float64)
    assert model.is_member is not None  # a file of predictions has a column of it
    return logits_of(answers, check_answers(answers, None)), model.is_member


def _require_same_samples(path: Path, model: Dataset, data: Dataset) -> None:
    """Refuse predictions of other samples, or of the same in another order."""
    if len(model) != len(data):
        raise DataError(
            f"{path} has {len(model)} rows, and there are {len(data)} samples",
            hint="write a row for each sample of the data, in their order",
        )
    if len(model.classes) != len(data.classes):
        raise DataError(
            f"{path} has {len(model.classes)} outputs, and the data have {len(data.classes)} "
            "labels",
            hint="write an output for each label of the data, in their order",
        )
    differ = (model.labels != data.labels).nonzero()[:, 0]
    if len(differ):
        first = int(differ[0])
        raise DataError(
            f"{path}: row {first + 1} has the label {model.classes[model.labels[first]]!r}, and "
            f"the sample has {data.classes[data.labels[first]]!r}",
            hint="write a row for each sample of the data, in their order",
        )
