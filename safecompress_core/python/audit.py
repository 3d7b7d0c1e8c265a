"""``safecompress.audit``: attacks on a model that is a Python object."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from safecompress_core.api import Access, Kind, Need
from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.outcome import display_of, write_page
from safecompress_core.data.in_memory import holding
from safecompress_core.errors import DataError, ExecutionError
from safecompress_core.execution.settings import Execution
from safecompress_core.first_spec.audit_draft import draft_audit
from safecompress_core.host import Registry
from safecompress_core.python.arguments import GivenPath, is_watched, optional_path
from safecompress_core.python.objects import AuditedObjects, read_objects, train_by
from safecompress_core.python.result import Result
from safecompress_core.runs.audit_model import audit_model
from safecompress_core.runs.audits.audit_references import ReadyModels
from safecompress_core.runs.audits.reference_source import ReferenceSource
from safecompress_core.runs.audits.training_function import Train
from safecompress_core.saved_models.model_format import Format
from safecompress_core.saved_models.objects.answering import ask
from safecompress_core.specfile.load import compose_spec, load_audit_spec
from safecompress_core.specfile.yaml.overrides import Overrides

__all__ = ["audit"]

GivenAttacker: TypeAlias = str | Mapping[str, Any]
"""The name of an attacker, or its parameters with ``type``."""
GivenReferences: TypeAlias = GivenPath | tuple[Sequence[Any], Any]
"""A folder of files of predictions; or the answers of each model to all samples, R of shape (N, C),
and which samples each was trained on, shape (R, N)."""

IN_MEMORY = {"type": "in-memory"}


def audit(
    model: Any,
    *,
    members: Any,
    non_members: Any,
    attackers: Sequence[GivenAttacker] | None = None,
    train: Train | str | None = None,
    references: GivenReferences | None = None,
    gate: Sequence[Mapping[str, Any]] = (),
    labels: Sequence[str] = (),
    name: str = "audit",
    seed: int = 0,
    overrides: Overrides = (),
    runs_dir: GivenPath = "runs",
    workers: int = 1,
    plugins_dir: GivenPath | None = None,
    progress: bool | None = None,
) -> Result:
    """Attack a model that is there already, and state what its members risk.

    The same as ``safecompress audit``, with the same directory: an audit of the same model, samples
    and settings is only read again, and one that was stopped goes on. Models and samples are known
    by a fingerprint of their content; records call them ``in-memory``.

    Args:
        model: a ``torch.nn.Module``, a pair of a text classifier of transformers and its
            tokenizer, a fitted scikit-learn classifier, a function of the inputs that returns
            probabilities, or predictions: an array (N, C) with an answer to each member and then
            to each non-member, or a pair of two such arrays.
        members: inputs and labels of the samples that trained the model: a pair of arrays,
            tensors, data frames or lists, or a ``torch.utils.data.Dataset``; of predictions the
            labels alone will do.
        non_members: likewise of samples that the model never saw.
        attackers: names, or parameters with their ``type``; by default every attack on membership
            that needs no more than answers and, where there are any, reference models.
        train: ``train(indices, seed)`` trains a model as the audited one was, on the samples at
            these positions (members first, then non-members), and returns a model of any of the
            forms above, or an answer to every sample. It makes reference models for ``lira``,
            ``rmia``, ``base`` and ``calibrated``, and the swap test. A function is called in this
            process, one training after the other. Its name, ``"module:function"``, has workers
            import it, from the working directory or from what is installed.
        references: reference models that are there already, instead of ``train``.
        gate: bounds that the model must keep, as a spec writes them.
        labels: names of the model's outputs, in their order; by default those that a classifier
            states, else numbers from 0.
        name: of the audit.
        seed: every random choice follows from it.
        overrides: further fields of the [audit's spec](auditing.md#the-spec-of-an-audit).
        runs_dir: where the audit's directory is made.
        workers: how many reference models are trained at once; results do not depend on it. More
            than one need the name of ``train``, and an answer to every sample from it.
        plugins_dir: a folder of single-file plugins that are loaded as well.
        progress: whether it is shown; by default in a notebook, and where standard error is a
            terminal.

    Raises:
        SpecError: with every problem of the settings.
        DataError: if samples do not fit each other or the model.
        ModelError: if the model cannot be asked, or a reference model was not trained as was asked.
        PoolError: if there are too few samples.
        ExecutionError: if workers would have to call a function that only this process has.
    """
    execution = Execution(workers=workers)
    if workers > 1 and callable(train):
        raise ExecutionError(
            "train: a function in memory is called in this process, and cannot be brought to "
            "workers; use one worker, or give its name ('module:function'), which they import"
        )
    host = discover_plugins(optional_path(plugins_dir))
    objects = read_objects(model, members, non_members, labels=labels)
    source = _source(train, references, objects)
    with holding(objects.dataset) as fingerprint:
        draft = _draft(host.registry, objects, name=name, fingerprint=fingerprint, source=source)
        draft["seed"] = seed
        draft["gate"] = list(gate)
        if attackers is not None:
            draft["audit"]["attackers"] = [
                {"type": one} if isinstance(one, str) else dict(one) for one in attackers
            ]
        if isinstance(references, str | PathLike):
            draft["audit"]["references"] = {"type": "folder", "path": str(references)}
        loaded = load_audit_spec(
            compose_spec(draft, overrides), registry=host.registry, skipped=host.skipped
        )
        with ExitStack() as shown:
            if is_watched(progress):
                display = shown.enter_context(display_of(loaded.spec))
                host.add_observer("terminal display", display)
            finished = audit_model(
                objects.model,
                loaded,
                host.registry,
                runs=Path(runs_dir),
                observers=host.notify,
                execution=execution,
                plugins_dir=optional_path(plugins_dir),
                references=source,
            )
    write_page(finished)
    return Result(path=finished.path, results=finished.results, registry=host.registry)


def _source(
    train: Train | str | None, references: GivenReferences | None, objects: AuditedObjects
) -> ReferenceSource | None:
    """Return where reference models come from; None for nowhere, or a folder."""
    if train is not None and references is not None:
        raise DataError("train and references are both given", hint="give one of them")
    if train is not None:
        return train_by(train, objects)
    if references is None or isinstance(references, str | PathLike):
        return None
    answers, is_in = references
    masks = torch.as_tensor(np.asarray(is_in), dtype=torch.bool)
    classes, count = objects.dataset.classes, len(objects.dataset)
    logits = [ask(one, None).to_logits(classes) for one in answers]
    if masks.shape != (len(logits), count) or any(len(one) != count for one in logits):
        raise DataError(
            f"references have {len(logits)} models, masks of shape {tuple(masks.shape)}, and there "
            f"are {count} samples",
            hint="give an answer of each model to every sample, and a mask for each model",
        )
    stacked = torch.stack(logits)
    digest = hashlib.sha256(stacked.numpy().tobytes() + masks.numpy().tobytes()).hexdigest()
    return ReadyModels(logits=stacked, is_in=masks, digests={"the reference models": digest})


def _draft(
    registry: Registry,
    objects: AuditedObjects,
    *,
    name: str,
    fingerprint: str,
    source: ReferenceSource | None,
) -> dict[str, Any]:
    """Return the spec of the audit with its defaults."""
    references = frozenset({Need.REFERENCES}) if source is not None else frozenset()
    data = {**IN_MEMORY, "fingerprint": fingerprint}
    draft = draft_audit(name, data, registry, given=Access.BLACK_BOX.needs | references)
    if objects.model.format is Format.MODULE:
        # Its inputs are there, so that copies can be found.
        draft["pools"] = {"duplicates": "remove"}
    if source is not None:
        known = hashlib.sha256(repr(sorted(source.identity().items())).encode()).hexdigest()
        draft["audit"]["references"] = {**IN_MEMORY, "fingerprint": known}
    if isinstance(source, ReadyModels):
        _limit(draft["audit"]["attackers"], registry, len(source.logits))
    return draft


def _limit(attackers: list[dict[str, Any]], registry: Registry, count: int) -> None:
    """Have attackers compare with as many reference models as there are."""
    definitions = registry.definitions(Kind.ATTACKER)
    for attacker in attackers:
        if Need.REFERENCES in definitions[attacker["type"]].needs:
            attacker["references"] = count
