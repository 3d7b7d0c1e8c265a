"""Reference models of an audit: trained by the function that its spec names, or there already."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from safecompress_core.api import Kind
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.audit.reference_checks import require_different
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.data.dataset import Dataset, DataSource
from safecompress_core.data.predictions import check_answers, logits_of
from safecompress_core.errors import DataError, ModelError
from safecompress_core.runs.audits.reference_source import ReferenceSource, ReferenceWork
from safecompress_core.runs.audits.trained_models import TrainedModels
from safecompress_core.runs.audits.training_function import NamedFunction, answer_by_data
from safecompress_core.saved_models.model_format import PREDICTIONS
from safecompress_core.saved_models.rebuild import component
from safecompress_core.specfile.component_files import ExternalCode, ExternalFiles
from safecompress_core.specfile.models.audit_spec import ReadyReferences, TrainFunction

__all__ = ["ReadyModels", "reference_source"]

# R reference models · N samples · L samples as they were loaded · C labels


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
        self, audit_context: AuditContext, count: int, work: ReferenceWork
    ) -> ReferenceAnswers:
        """Return the first so many models."""
        del work  # nothing is trained
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
    return TrainedModels(
        train=NamedFunction(code=code, arguments=declared.arguments, threads=declared.threads),
        answer=answer_by_data(audit_context.samples.source),
        digests={f"{name} (audit.train)": digest for name, digest in code.digests()},
    )


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
