"""An audit from a finished model to results: the same attacks, controls, gates and report as a run.

There is no uncompressed model to stand next to it, so ``baseline`` is None in the results.
"""

import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from safecompress_core.api import Access
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.audit.auditor import Auditor
from safecompress_core.audit.reference_checks import require_told
from safecompress_core.context.audit_context import AuditContext, build_audit_context
from safecompress_core.context.reference_context import count_references
from safecompress_core.data.data_card import describe_data
from safecompress_core.execution.executor import Executor
from safecompress_core.execution.settings import HERE, Execution, open_executor
from safecompress_core.host import Registry
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.audit_checks import check_audit_feasible
from safecompress_core.preflight.shift_warning import with_shift_warning
from safecompress_core.results.command_line import Invocation
from safecompress_core.results.directory import (
    RunDirectory,
    write_json,
    write_yaml,
)
from safecompress_core.results.environment import environment, reproducible, threads_for
from safecompress_core.results.events import EventLog, Listener
from safecompress_core.results.identity import require_same_identity
from safecompress_core.results.reading import read_results
from safecompress_core.results.run_id import directory_name, plugin_records
from safecompress_core.results.schema import (
    AnyAttackRecord,
    ModelAuditRecord,
    ModelRecord,
    OriginRecord,
    ReferencesRecord,
    Results,
)
from safecompress_core.results.score_file import AUDITED
from safecompress_core.runs.audits.audit_references import reference_source
from safecompress_core.runs.audits.reference_source import ReferenceSource, ReferenceWork
from safecompress_core.runs.audits.swap_test import run_swap_test
from safecompress_core.runs.audits.trained_models import TrainedModels
from safecompress_core.runs.build_results import AuditedModels, build_results, write_results
from safecompress_core.runs.failure_attribution import naming_code
from safecompress_core.runs.run import FinishedRun
from safecompress_core.runs.spec_unit import needed_distributions
from safecompress_core.saved_models.load import LoadedModel
from safecompress_core.saved_models.model_format import Format, GivenModel
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.audit_spec import AuditSpec
from safecompress_core.specfile.placing import locating_components

__all__ = ["audit_model"]


@locating_components
@naming_code
def audit_model(
    given: GivenModel,
    loaded: LoadedSpec[AuditSpec],
    registry: Registry,
    *,
    runs: Path,
    observers: Listener,
    execution: Execution = HERE,
    plugins_dir: Path | None = None,
    invoked: Invocation | None = None,
    references: ReferenceSource | None = None,
) -> FinishedRun:
    """Attack a finished model, as a spec says.

    Args:
        given: the model.
        loaded: a valid spec of an audit.
        registry: what its components are made of.
        runs: where the directory is made; its name follows from spec, plugins and model.
        observers: receives every event.
        execution: what trains reference models; results do not depend on it.
        plugins_dir: where single-file plugins are, for other processes to load.
        invoked: the command line that asks for it, which the directory records.
        references: where reference models come from; None for where the spec says.

    Raises:
        SpecError: an error of the spec that only the model or the data show.
        StorageError: if the model's file is damaged, or holds what is never loaded.
        ModelError: if the model does not fit the samples, or answers with what is not finite; or a
            reference model cannot be had, or was not trained as was asked.
        RunInUseError: if another process is at it.
        RunDirectoryError: if samples, files or code have changed since an earlier attempt.
    """
    audit_context = build_audit_context(loaded, registry, given)
    # Before the directory is made: an audit that cannot work leaves nothing behind.
    finished, network = check_audit_feasible(audit_context)
    references = references or reference_source(audit_context)
    fingerprint = given.fingerprint()
    records = plugin_records(loaded.resolved, registry)
    name = directory_name(loaded.resolved, records, model=fingerprint)
    with RunDirectory(runs / name) as directory:
        identity = {**audit_context.identity(), **(references.identity() if references else {})}
        require_same_identity(identity, directory)
        if directory.is_finished:
            return FinishedRun(
                path=directory.path, results=read_results(directory.path), is_new=False
            )
        write_json(directory.path / "plugins.json", records)
        write_yaml(directory.path / "spec.resolved.yaml", loaded.resolved)
        threads = _threads(audit_context, network)
        with reproducible(threads), open_executor(execution) as executor:
            executor.require(needed_distributions(loaded.resolved, registry))
            record = _environment(audit_context, finished, invoked)
            write_json(directory.path / "environment.json", record)
            work = _AuditUnits(
                audit_context=audit_context,
                finished=finished,
                network=network,
                fingerprint=fingerprint,
                directory=directory,
                observers=observers,
                references=references,
                executor=executor,
                plugins_dir=plugins_dir,
            )
            results = work.results()
        directory.record_all_files()
        return FinishedRun(path=directory.path, results=results, is_new=True)


def _threads(audit_context: AuditContext, network: Classifier) -> int:
    """Return the number of torch threads; the cost of a black-box model is unknown."""
    if network.access is Access.WHITE_BOX:
        return threads_for(network, audit_context.sample)
    # An exported program counts no operations, so torch's own number is kept.
    return torch.get_num_threads()


def _environment(
    audit_context: AuditContext, finished: LoadedModel, invoked: Invocation | None
) -> dict[str, Any]:
    record = environment(finished.device, None, invoked)
    # Only the package that ran the model: others have no influence on the results.
    also = {
        Format.ONNX: ("onnxruntime",),
        Format.HUGGINGFACE: ("transformers",),
    }.get(audit_context.given.format, ())
    return {**record, "packages": record["packages"] | {name: version(name) for name in also}}


@dataclass(frozen=True, kw_only=True)
class _AuditUnits:
    """The one unit of an audit."""

    audit_context: AuditContext
    finished: LoadedModel
    network: Classifier
    fingerprint: str
    directory: RunDirectory
    observers: Listener
    references: ReferenceSource | None
    executor: Executor
    plugins_dir: Path | None

    @property
    def _count(self) -> int:
        """Return the number of reference models; 0 where nothing compares with any."""
        return 0 if self.references is None else count_references(self.audit_context)

    def results(self) -> Results:
        """Attack the model and write down what came of it; what ``results.json`` holds."""
        audit_context, spec, directory = self.audit_context, self.audit_context.spec, self.directory
        events = EventLog(directory.log, live=self.observers)
        # No epochs: an audit trains attackers only, and does not see what a function does.
        trained = self._count if isinstance(self.references, TrainedModels) else 0
        events.expect(1 + trained, epochs=0, attacks=len(audit_context.audit_attacks))
        events.emit(
            "run_started",
            name=spec.name,
            path=str(directory.path),
            method=None,
            attackers=[],
            metric=audit_context.performance[0],
            data=with_shift_warning(self._data(), audit_context),
        )
        start = time.perf_counter()
        answers = self._answers(events)
        between = time.perf_counter()
        audited = self._run_audit(events, answers)
        seconds = {"audit": time.perf_counter() - between}
        if answers is not None:
            seconds["references"] = between - start
        results = build_results(
            audit_context,
            audited,
            data=self._data(),
            defences=self._guarding(),
            seconds=seconds,
            origin=self._origin(),
            references=self._describe_references(),
        )
        write_results(directory, results, events, scores=audited.scores)
        return results

    def _data(self) -> dict[str, Any]:
        """The data card, with what is done to samples and answers on the model's account."""
        data = self.audit_context.original
        return describe_data(replace(data, notes=(*data.notes, *self.finished.notes)))

    def _origin(self) -> OriginRecord:
        """Return the model's format, and the access that it gives."""
        given = self.audit_context.given
        return OriginRecord(
            file=str(given.path),
            format=str(given.format),
            access=str(self.audit_context.access),
            answers="logits" if self.finished.total is None else "probabilities",
            sha256=self.fingerprint,
        )

    def _guarding(self) -> dict[str, Any]:
        """Return the record of the model's output guard; empty for models of other tools."""
        guarding, guard = (
            self.finished.guarding,
            self.audit_context.given.model_metadata.get("guard"),
        )
        return {} if guarding is None or guard is None else {guard["type"]: dict(guarding.facts())}

    def _work(self, events: EventLog) -> ReferenceWork:
        return ReferenceWork(
            folder=self.directory.path / "checkpoints" / "references",
            events=events,
            executor=self.executor,
            plugins_dir=self.plugins_dir,
        )

    def _answers(self, events: EventLog) -> ReferenceAnswers | None:
        """Return what reference models answer, checked; None where no attack asks for any."""
        if self.references is None or not self._count:
            return None
        context = self.audit_context
        answers = self.references.answers(context, self._count, self._work(events))
        data = context.dataset
        is_member = torch.zeros(len(data), dtype=torch.bool)
        is_member[context.pools.members] = True
        require_told(answers, observe(self.network, data.inputs, data.labels).logits, is_member)
        return answers

    def _describe_references(self) -> ReferencesRecord | None:
        if self.references is None or not self._count:
            return None
        return ReferencesRecord(models=self._count, method=self.references.method)

    def _swap_test(self, auditor: Auditor, events: EventLog) -> AnyAttackRecord | None:
        """Return the comparison with the swap twin; None where none can be trained, or shall be."""
        context, models = self.audit_context, self.references
        if not isinstance(models, TrainedModels) or not context.spec.audit.swap_test:
            return None
        return run_swap_test(context, auditor, self.network, models, self._work(events))

    def _run_audit(self, events: EventLog, references: ReferenceAnswers | None) -> AuditedModels:
        """Sizes, metrics, attacks and controls."""
        auditor, network = self.audit_context.auditor(events), self.network
        size = self.audit_context.given.file_bytes
        # There is no dense model to compare with, so both sizes are those of the file.
        sizes = {**self.finished.sizes, "file_bytes": size, "dense_bytes": size}
        audit = auditor.audit(network, name=AUDITED, file_bytes=size or 0, references=references)
        audited = AuditedModels(
            chosen=ModelAuditRecord.of(ModelRecord.model_validate(sizes), audit.record),
            baseline=None,
            blind_baseline=self.audit_context.blind_baseline,
            scores=audit.scores,
            controls=auditor.controls.of(network, references=references),
            swap_test=self._swap_test(auditor, events),
        )
        events.advance()
        return audited
