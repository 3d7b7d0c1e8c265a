"""The audit of what a run has made: the chosen model, the uncompressed one, some of the archive."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from safecompress_core.api import Need
from safecompress_core.atomic_writing import write_bytes
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.audit.auditor import Auditor
from safecompress_core.audit.behaviours import compare_behaviours
from safecompress_core.audit.measurement import ModelAudit, find_exposed
from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.context.cache_keys import content_key
from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodOutcome
from safecompress_core.networks.classifier import Classifier
from safecompress_core.plan import PLAIN
from safecompress_core.results.directory import RunDirectory, read_json, write_json
from safecompress_core.results.events import EventLog
from safecompress_core.results.schema import (
    ArchiveRecord,
    AuditRecord,
    ModelAuditRecord,
    ModelRecord,
    RoundRecord,
)
from safecompress_core.results.score_file import (
    BASELINE,
    CHOSEN,
    RETRAINED,
    UNFINISHED,
    ScoredRecords,
    read_scores,
    scores_file,
)
from safecompress_core.runs.build_results import AuditedModels, describe_model
from safecompress_core.runs.reference_models import ReferenceTraining
from safecompress_core.training.training_state import TrainingState

__all__ = ["RunAudit"]


class RunAudit:
    """Judges the models of one run.

    Args:
        run_context: the run.
        directory: where its models have been written.
        references: its reference models, trained where there are any.
        events: receives each attack.
        shared: where several runs keep what they have in common; None for a run by itself.
    """

    def __init__(
        self,
        run_context: RunContext,
        directory: RunDirectory,
        references: ReferenceTraining,
        *,
        events: EventLog,
        shared: Path | None,
    ) -> None:
        self._prepared = run_context
        self._directory = directory
        self._references = references
        self._events = events
        self._shared = shared

    def of(
        self,
        baseline: TrainingState,
        outcome: MethodOutcome,
        rounds: tuple[RoundRecord, ...],
        *,
        unfinished: TrainingState | None,
        retrained: Sequence[TrainingState] = (),
    ) -> AuditedModels:
        """Audit the chosen, the uncompressed and some archived models.

        Args:
            baseline: the uncompressed model.
            outcome: of the method, with the finished model.
            rounds: the rounds of the outcome.
            unfinished: the chosen model before its finishers; None where it has none.
            retrained: uncompressed models of other seeds.
        """
        # One auditor for all models, so that they are attacked with the same seeds.
        auditor = self._prepared.auditor(
            self._events, uncompressed=baseline.shipped, versions=self._versions(outcome)
        )
        models = {BASELINE: MethodOutcome(chosen=baseline)}
        again = [f"{RETRAINED}-{index}" for index in range(len(retrained))]
        models |= {
            name: MethodOutcome(chosen=state) for name, state in zip(again, retrained, strict=True)
        }
        models[CHOSEN] = outcome
        if unfinished is not None:
            models[UNFINISHED] = replace(outcome, chosen=unfinished)
        parts: dict[str, ModelAuditRecord] = {}
        audits: dict[str, ModelAudit] = {}
        for name, method_outcome in models.items():
            described = self._describe(name, method_outcome, baseline)
            # The uncompressed model is the first, and decides which members are exposed.
            exposed = audits[BASELINE].exposed if audits else None
            audits[name] = self._audit_model(auditor, name, method_outcome, exposed)
            parts[name] = ModelAuditRecord.of(described, audits[name].record)
            self._events.advance()
        scores = [scored for audit in audits.values() for scored in audit.scores]
        chosen, version = outcome.chosen.shipped, outcome.chosen_id
        # References of the compressed model also serve the controls and the archive.
        references = self._references.of(is_dense=False)
        return AuditedModels(
            chosen=parts[CHOSEN],
            baseline=parts[BASELINE],
            unfinished=parts.get(UNFINISHED),
            retrained=tuple(parts[name] for name in again),
            behaviours=compare_behaviours(
                auditor.measurement,
                self._prepared.metric_definitions,
                before=audits[BASELINE],
                after=audits[CHOSEN],
                retrained=[audits[name] for name in again],
            ),
            blind_baseline=self._prepared.blind_baseline,
            controls=auditor.controls.of(chosen, references=references, version=version),
            archive=tuple(self._archive(auditor, outcome, rounds, references, scores)),
            # After the archive, which adds its own.
            scores=tuple(scores),
        )

    def _describe(self, name: str, outcome: MethodOutcome, baseline: TrainingState) -> ModelRecord:
        """A model's size next to the uncompressed one's."""
        model = outcome.model or self._prepared.spec.task.model
        return describe_model(
            outcome.chosen,
            uncompressed=baseline,
            architecture=model.model_dump(mode="json"),
            file_bytes=self._file_bytes(name),
            dense_bytes=self._file_bytes(BASELINE),
        )

    def _audit_model(
        self, auditor: Auditor, name: str, outcome: MethodOutcome, exposed: Tensor | None
    ) -> ModelAudit:
        """Metrics and attacks of a model; attacks on a dense one once for all that share it."""
        is_dense = name == BASELINE or name.startswith(RETRAINED)
        network, file_bytes = outcome.chosen.shipped, self._file_bytes(name)
        cache_path = self._cached_audit_path(name) if is_dense else None
        if cache_path is not None and cache_path.exists():
            # Shared by all runs of a seed, whose uncompressed models are the same.
            record = AuditRecord.model_validate(read_json(cache_path))
            scores = read_scores(cache_path.with_suffix(".parquet").read_bytes())
            if exposed is None:
                exposed = find_exposed(record.audit, scores)
            measured = auditor.measure(network, file_bytes=file_bytes, exposed=exposed)
            return ModelAudit(record=record, scores=scores, measured=measured)
        judged = auditor.audit(
            network,
            name=name,
            file_bytes=file_bytes,
            references=self._references.of(is_dense=is_dense),
            version=None if is_dense else outcome.chosen_id,
            exposed=exposed,
        )
        if cache_path is not None:
            # The record last: where it exists, the scores do.
            write_bytes(cache_path.with_suffix(".parquet"), scores_file(judged.scores))
            write_json(cache_path, judged.record.to_json())
        return judged

    def _file_bytes(self, name: str) -> int:
        paths = {
            BASELINE: self._directory.baseline,
            CHOSEN: self._directory.model,
            UNFINISHED: self._directory.unfinished,
        }
        if name.startswith(RETRAINED):
            paths[name] = self._directory.path_of_retrained(int(name.rpartition("-")[2]))
        return paths[name].stat().st_size

    def _cached_audit_path(self, name: str) -> Path | None:
        """Return the cached audit of an uncompressed model that several runs share."""
        if self._shared is None:
            return None
        resolved = self._prepared.loaded.resolved
        # Attackers and metrics are part of the key, since they decide what is measured.
        asked = {section: resolved[section] for section in ("audit", "metrics")}
        if name != BASELINE:
            asked["retrained"] = name
        key = content_key(self._prepared, method=PLAIN, **asked)
        return self._shared / "audits" / f"{key}.json"

    def _archive(
        self,
        auditor: Auditor,
        outcome: MethodOutcome,
        rounds: tuple[RoundRecord, ...],
        references: ReferenceAnswers | None,
        scores: list[ScoredRecords],
    ) -> Iterator[ArchiveRecord]:
        """Yield the non-dominated models; those that the spec wants audited, with their audit.

        Scores of the audited ones are added to ``scores``.
        """
        if outcome.archive is None or not outcome.archive.entries:
            return
        front = outcome.archive
        wanted = self._select_front(front)
        candidates = {
            candidate.id: candidate for round_ in rounds for candidate in round_.candidates
        }
        win_shares = self._win_shares(front)
        for entry, win_share in zip(front.entries, win_shares, strict=True):
            path, candidate = self._directory.archive_path(entry.id), candidates[entry.id]
            file_bytes = path.stat().st_size
            audit: dict[str, Any] = {}
            if entry in wanted:
                judged = auditor.audit(
                    self._load_archived(entry),
                    name=entry.id,
                    file_bytes=file_bytes,
                    references=references,
                    version=entry.id,
                )
                audit = {"metrics": judged.record.metrics, "audit": judged.record.audit}
                scores += judged.scores
            yield ArchiveRecord(
                id=entry.id,
                strategy=candidate.strategy,
                settings=candidate.settings,
                objectives=candidate.objectives,
                defences=candidate.defences,
                chosen=entry.id == outcome.chosen_id,
                # Relative, so that a run directory can be moved.
                file=str(path.relative_to(self._directory.path)),
                file_bytes=file_bytes,
                win_share=win_share,
                **audit,
            )

    def _win_shares(self, front: Archive) -> list[float] | list[None]:
        """Return how often each entry wins, where the weights of attacks are uncertain."""
        aggregator: Aggregator = self._prepared.registry.create(self._prepared.spec.choose)
        attacks = self._prepared.attacks
        objectives = front.objectives(
            attackers=tuple(attack.id for attack in attacks),
            games=tuple(attack.game.name for attack in attacks),
        )
        shares = aggregator.win_shares(objectives)
        return [None] * len(front.entries) if shares is None else shares.tolist()

    def _versions(self, outcome: MethodOutcome) -> dict[str, Classifier]:
        """The models of the archive that ``audit.front`` keeps, where an attack sees several."""
        wanted = any(Need.VERSIONS in attack.needs for attack in self._prepared.audit_attacks)
        if not wanted or outcome.archive is None or not outcome.archive.entries:
            return {}
        return {
            entry.id: self._load_archived(entry) for entry in self._select_front(outcome.archive)
        }

    def _select_front(self, front: Archive) -> tuple[ArchiveEntry, ...]:
        """The entries that ``audit.front`` keeps, the ends first."""
        selected = {
            "chosen": (),
            "ends": front.ends,
            "all": (*front.ends, *front.entries),
        }[self._prepared.spec.audit.front]
        # Without duplicates, in order: an end may be both safest and best.
        return tuple(dict.fromkeys(selected))

    def _load_archived(self, entry: ArchiveEntry) -> Classifier:
        return self._prepared.load_network(self._directory.archive_path(entry.id))
