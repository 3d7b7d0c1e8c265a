"""Export of a finished model: the file is written, asked, attacked, described, and then named."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from safecompress_core.api import ExporterDef, ExporterParams
from safecompress_core.atomic_writing import write_bytes
from safecompress_core.attacks.observed_pool import ObservedPool, observe_pool
from safecompress_core.errors import ExportCheckError, ExportError, TrainingDivergedError
from safecompress_core.export.answering_model import AnsweringModel, missing_needs
from safecompress_core.export.comparison import (
    DRAWS,
    compare_answers,
    compare_attacks,
    compare_performance,
)
from safecompress_core.export.model_card import model_card
from safecompress_core.export.new_folder import new_folder
from safecompress_core.export.run_model import RunModel
from safecompress_core.games.play import Attack
from safecompress_core.host import Registry
from safecompress_core.networks.cost import latency, macs
from safecompress_core.report.formatting import and_list
from safecompress_core.results.checksums import record_all_files, sha256
from safecompress_core.results.directory import write_json
from safecompress_core.results.environment import reproducible, threads_for
from safecompress_core.results.events import EventLog
from safecompress_core.results.schema import (
    EXPORT_VERSION,
    ExportLatencyRecord,
    ExportRecord,
)
from safecompress_core.saved_models.exporter import Exporter
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.stats.resampling import Resampling

__all__ = ["EXPORT", "FinishedExport", "export_model"]

EXPORT = "export.json"
CARD = "README.md"
BATCHES = (1, 32)
"""Sizes of the batches whose latency is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedExport:
    """Finished export: its directory and its record."""

    path: Path
    record: ExportRecord


def export_model(
    model: RunModel, params: ExporterParams, registry: Registry, *, output: Path
) -> FinishedExport:
    """Write a model in another format, and measure the written file.

    Args:
        model: of a finished run.
        params: the exporter's.
        registry: what it is made of.
        output: the directory of the export, which must not exist; it appears when everything in it
            is complete.

    Raises:
        ExportError: if the output exists, or the format cannot hold the model.
        ExportCheckError: if the file differs from the model by more than the parameters accept;
            nothing is left of it.
        MissingExtraError: if the exporter needs a package that is not installed.
        WriteError: if the directory cannot be written.
    """
    definition: ExporterDef = definition_of(params)
    if os.path.lexists(output):
        raise ExportError(f"{output}: exists; remove it, or name another directory with --output")
    if not definition.holds_graph:
        _require_weights_alone(model, definition.name)
    exporter: Exporter = registry.create(params)
    source = model.source()
    threads = threads_for(model.shipped.module, model.run_context.sample)
    with new_folder(output) as place, reproducible(threads):
        file = place / definition.file if definition.file else place
        exporter.write(source, file)
        _make_readable(place)
        files = {
            path.relative_to(place).as_posix(): sha256(path)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }
        measurement = _Measurement(
            model=model,
            params=params,
            definition=definition,
            answers=exporter.load(file, source).eval(),
        )
        record = measurement.record(files, file_bytes=_size(place))
        _require_passed(record)
        write_json(place / EXPORT, record.to_json())
        card = model_card(record, usage=definition.usage)
        write_bytes(place / CARD, card.encode())
        record_all_files(place)
    return FinishedExport(path=output, record=record)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measurement:
    """Measurement of one file next to the model that it was written from."""

    model: RunModel
    params: ExporterParams
    definition: ExporterDef
    answers: nn.Module

    def record(self, files: Mapping[str, str], *, file_bytes: int) -> ExportRecord:
        """Measure everything; attacks only where the answers agree."""
        context, model = self.model.run_context, self.model
        audited = context.pools.audit
        compressed, exported = (
            AnsweringModel(network) for network in (model.network, self.answers)
        )
        seen = self._observe(compressed, "model")
        seen_in_file = self._observe(exported, f"{self.definition.name} file")
        resampling = Resampling.draw_stratified(
            audited.is_member.numpy(),
            draws=DRAWS,
            generator=context.seed.child("export", "resampling").numpy(),
        )
        agreement = compare_answers(seen[1].seen.logits, seen_in_file[1].seen.logits, self.params)
        attacks, others = _split_attacks(context.audit_attacks)
        if not agreement.passed:
            attacks = ()
        auditor = context.auditor(EventLog())
        metric_name, metric = context.performance
        sample = context.sample
        return ExportRecord(
            version=EXPORT_VERSION,
            name=model.results.name,
            run=model.run.resolve().name,
            model=model.name,
            model_sha256=sha256(model.file),
            format=self.definition.name,
            parameters=self.params.model_dump(mode="json", exclude={"type"}),
            packages=_versions(self.definition),
            input_shape=tuple(sample.shape[1:]),
            input_dtype=str(sample.dtype).removeprefix("torch."),
            classes=model.shipped.classes,
            guard=model.guard or None,
            files=files,
            file_bytes=file_bytes,
            compressed_bytes=model.file.stat().st_size,
            agreement=agreement,
            metric=metric_name,
            performance=compare_performance(
                seen[1], seen_in_file[1], metric, resampling=resampling
            ),
            attacks=compare_attacks(
                auditor.attack_results(attacks, *seen),
                auditor.attack_results(attacks, *seen_in_file),
                resampling=resampling,
            ),
            not_repeated=others,
            blind_baseline=model.results.blind_baseline,
            macs=macs(model.shipped.module, sample),
            threads=torch.get_num_threads(),
            processor=_processor(),
            latency=self._latency(self.answers),
            torch_latency=self._latency(model.network),
        )

    def _observe(self, network: AnsweringModel, what: str) -> tuple[ObservedPool, ObservedPool]:
        """Observe attack-train and the audit pool.

        Raises:
            ExportCheckError: if an answer is NaN or infinite.
        """
        context = self.model.run_context
        try:
            known, asked = (
                observe_pool(network, context.dataset, pool)
                for pool in (context.pools.attack_train, context.pools.audit)
            )
        except TrainingDivergedError as error:
            message = f"the {what} answers with NaN or infinity: {error}; nothing was kept"
            raise ExportCheckError(message) from error
        return known, asked

    def _latency(self, network: nn.Module) -> tuple[ExportLatencyRecord, ...]:
        """Time calls with real samples, batch after batch."""
        records = []
        with torch.no_grad():
            for batch in BATCHES:
                inputs = self.model.inputs(self.model.run_context.pools.audit, batch)
                measured = latency(network, inputs)
                records.append(
                    ExportLatencyRecord(batch=batch, median=measured.median, p95=measured.p95)
                )
        return tuple(records)


def _require_weights_alone(model: RunModel, form: str) -> None:
    """Refuse a model that is more than its weights.

    Raises:
        ExportError: if it has an output guard, or layers with rounded inputs.
    """
    hint = "export to a format that holds a graph, such as pt2"
    if model.guard:
        raise ExportError(
            f"{form} cannot carry the output guard of {model.guard!r}, and without it the model "
            f"leaks more than the run says; {hint}"
        )
    if model.rounded_layers:
        raise ExportError(
            f"{form} cannot carry the rounding of the inputs of {and_list(model.rounded_layers)}, "
            f"and without it the model is another one; {hint}"
        )


def _require_passed(record: ExportRecord) -> None:
    """Refuse a file whose answers are not the model's.

    Raises:
        ExportCheckError: with the figures.
    """
    agreement = record.agreement
    if agreement.passed:
        return
    failures = []
    if agreement.tolerance is not None and agreement.largest_difference > agreement.tolerance:
        failures.append(
            f"a logit differs by {agreement.largest_difference:.3g}, and tolerance is "
            f"{agreement.tolerance:g}"
        )
    if agreement.agreement < agreement.least_agreement:
        failures.append(
            f"{agreement.agreement:.3%} of {agreement.samples} labels agree, and agreement is "
            f"{agreement.least_agreement:g}"
        )
    raise ExportCheckError(
        f"the {record.format} file does not answer as the model does: {and_list(failures)}; "
        "nothing was kept. If such a file is good enough, say so with --set",
        record,
    )


def _split_attacks(attacks: tuple[Attack, ...]) -> tuple[tuple[Attack, ...], dict[str, str]]:
    """Return the attacks that answers suffice for, and what each other one needs, by its name."""
    missing = {attack.id: missing_needs(attack) for attack in attacks}
    repeated = tuple(attack for attack in attacks if not missing[attack.id])
    others = {name: and_list([need.value for need in needs]) for name, needs in missing.items()}
    return repeated, {name: text for name, text in others.items() if missing[name]}


def _versions(definition: ExporterDef) -> dict[str, str]:
    """Return the version of each distribution that takes part, the runtime's first."""
    versions: dict[str, Any] = {}
    for name in (definition.runtime, *definition.packages, "safecompress"):
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            # A runtime of another name than its distribution has no version here.
            continue
    return versions


def _make_readable(place: Path) -> None:
    """Give files the folder's mode: some libraries write private ones, and an export ships."""
    mode = place.stat().st_mode & 0o666
    for path in place.rglob("*"):
        if path.is_file():
            path.chmod(mode)


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in place.rglob("*") if path.is_file())


def _processor() -> str:
    """Return the processor's name; its architecture if the system does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
