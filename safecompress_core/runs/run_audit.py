"""The audit of what a run has made: the chosen model, the uncompressed one, some of the archive."""

from pathlib import Path
from typing import Any

from safecompress_core.attacks.reference_answers import References
from safecompress_core.audit.auditor import Auditor
from safecompress_core.choose.archive import Archive, Entry
from safecompress_core.context.cache_keys import content_key
from safecompress_core.context.run_context import Preparation
from safecompress_core.methods.method import Outcome
from safecompress_core.networks.classifier import Classifier
from safecompress_core.plan import PLAIN
from safecompress_core.results.directory import RunDirectory, read_json, write_json
from safecompress_core.results.events import Journal
from safecompress_core.runs.build_results import describe_model
from safecompress_core.runs.reference_models import ReferenceTraining
from safecompress_core.saved_models.storage import load_model
from safecompress_core.training.training_state import Learner

__all__ = ["BASELINE", "CHOSEN", "RunAudit"]

BASELINE, CHOSEN = "uncompressed", "compressed"


class RunAudit:
    """Judges the models of one run.

    Args:
        prepared: the run.
        directory: where its models have been written.
        references: its reference models, trained where there are any.
        journal: is told of each attack.
        shared: where several runs keep what they have in common; None for a run by itself.
    """

    def __init__(
        self,
        prepared: Preparation,
        directory: RunDirectory,
        references: ReferenceTraining,
        *,
        journal: Journal,
        shared: Path | None,
    ) -> None:
        self._prepared = prepared
        self._directory = directory
        self._references = references
        self._journal = journal
        self._shared = shared

    def of(self, baseline: Learner, outcome: Outcome) -> dict[str, Any]:
        """Models, metrics and attacks of the chosen, the uncompressed and some archived models."""
        auditor = self._prepared.auditor(
            self._journal, uncompressed=baseline.network, versions=self._versions(outcome)
        )
        dense = Outcome(chosen=baseline)
        parts = {}
        for name, found in ((BASELINE, dense), (CHOSEN, outcome)):
            described = self._described(found, baseline)
            parts[name] = {"model": described, **self._judged(auditor, name, found)}
            self._journal.advance()
        chosen, version = outcome.chosen.network, outcome.chosen_id
        own = self._references.of(is_dense=False)
        return {
            **parts[CHOSEN],
            "baseline": parts[BASELINE],
            "controls": {
                "null": auditor.null_control(chosen, references=own, version=version),
                "planted": auditor.planted_control(chosen, references=own, version=version),
            },
            "archive": self._archive(auditor, outcome, own),
        }

    def _described(self, found: Outcome, baseline: Learner) -> dict[str, Any]:
        """A model's size beside the uncompressed one's."""
        is_dense = found.chosen is baseline
        model = found.model or self._prepared.spec.task.model
        return describe_model(
            found.chosen,
            uncompressed=baseline,
            architecture=model.model_dump(mode="json"),
            file_bytes=self._file_bytes(is_dense=is_dense),
            dense_bytes=self._file_bytes(is_dense=True),
        )

    def _judged(self, auditor: Auditor, name: str, found: Outcome) -> dict[str, Any]:
        """Metrics and attacks of a model; of the uncompressed one once for all that share it."""
        is_dense = name == BASELINE
        kept = self._kept_audit() if is_dense else None
        if kept is not None and kept.exists():
            return dict(read_json(kept))
        judged = auditor.judge(
            found.chosen.network,
            name=name,
            file_bytes=self._file_bytes(is_dense=is_dense),
            references=self._references.of(is_dense=is_dense),
            version=None if is_dense else found.chosen_id,
        )
        if kept is not None:
            write_json(kept, judged)
        return judged

    def _file_bytes(self, *, is_dense: bool) -> int:
        path = self._directory.baseline if is_dense else self._directory.model
        return path.stat().st_size

    def _kept_audit(self) -> Path | None:
        """Where runs that share the uncompressed model find its audit."""
        if self._shared is None:
            return None
        resolved = self._prepared.loaded.resolved
        asked = {section: resolved[section] for section in ("audit", "metrics")}
        key = content_key(self._prepared, method=PLAIN, **asked)
        return self._shared / "audits" / f"{key}.json"

    def _archive(
        self, auditor: Auditor, outcome: Outcome, references: References | None
    ) -> list[dict[str, Any]]:
        """The non-dominated models; those that the spec wants audited, with their audit."""
        if outcome.archive is None or not outcome.archive.entries:
            return []
        front = outcome.archive
        wanted = self._kept(front)
        origins = {one["id"]: one for round_ in outcome.rounds for one in round_["candidates"]}
        listed = []
        for entry in front.entries:
            path = self._directory.archived(entry.id)
            origin = origins[entry.id]
            record = {
                "id": entry.id,
                "strategy": origin["strategy"],
                "settings": origin["settings"],
                "objectives": origin["objectives"],
                "defences": origin["defences"],
                "chosen": entry.id == outcome.chosen_id,
                "file": str(path.relative_to(self._directory.path)),
                "file_bytes": path.stat().st_size,
            }
            if entry in wanted:
                record |= auditor.judge(
                    self._archived(entry),
                    name=entry.id,
                    file_bytes=record["file_bytes"],
                    references=references,
                    version=entry.id,
                )
            listed.append(record)
        return listed

    def _versions(self, outcome: Outcome) -> dict[str, Classifier]:
        """The models of the archive that ``audit.front`` keeps, where an attack sees several."""
        wanted = any(attack.definition.sees_versions for attack in self._prepared.audit_attacks)
        if not wanted or outcome.archive is None or not outcome.archive.entries:
            return {}
        return {entry.id: self._archived(entry) for entry in self._kept(outcome.archive)}

    def _kept(self, front: Archive) -> tuple[Entry, ...]:
        """The entries that ``audit.front`` keeps, the ends first."""
        kept = {
            "chosen": (),
            "ends": front.ends,
            "all": (*front.ends, *front.entries),
        }[self._prepared.spec.audit.front]
        return tuple(dict.fromkeys(kept))

    def _archived(self, entry: Entry) -> Classifier:
        return self._prepared.filled(load_model(self._directory.archived(entry.id)))
