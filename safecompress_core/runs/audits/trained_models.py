"""Reference models of an audit that the owner's function trains, and the swap twin.

- The samples are assigned to reference models as those of a run are: label by label, without a look
  at who is a member. The function trains on those of a model, and is asked about every sample.
- Each model is a unit of work: an executor's processes import the function by its name. A function
  that only this process has is called here, one training after the other.
- What is kept is each model's logits, under a key of everything that they depend on, so that
  attackers share them and an audit that was stopped trains only what is missing.
- A model that knows other samples than its own is refused, by `audit.reference_checks`.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from safecompress_core.attacks.reference_answers import ReferenceAnswers, assign_folds
from safecompress_core.audit.reference_checks import require_different
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.data.manifest import InMemoryParams
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.runs.audits.reference_source import ReferenceSource, ReferenceWork
from safecompress_core.runs.audits.training_function import (
    Answer,
    NamedFunction,
    Train,
    TrainingJob,
)
from safecompress_core.runs.audits.training_unit import TrainingUnit
from safecompress_core.runs.spec_unit import UnitSpec
from safecompress_core.seeding import Seed

__all__ = ["TrainedModels"]

# N samples · C labels


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainedModels(ReferenceSource):
    """Models that the owner's function trains.

    Attributes:
        train: the function.
        answer: asks what it returns about the samples as they were loaded.
        digests: hashes of the function's code, by name.
    """

    method = "train"

    train: Train
    answer: Answer
    digests: Mapping[str, str]

    def identity(self) -> Mapping[str, str]:
        """Return hashes of the function's code."""
        return self.digests

    def answers(
        self, audit_context: AuditContext, count: int, work: ReferenceWork
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
        jobs = [
            self._job(
                audit_context,
                is_in,
                audit_context.seed.child("reference", index),
                name=f"reference model {index + 1}",
            )
            for index, is_in in enumerate(assigned)
        ]
        numbers = {job.key: index + 1 for index, job in enumerate(jobs)}
        for job in self._train(audit_context, jobs, work):
            work.events.advance()
            work.events.emit("reference_trained", model="audited", reference=numbers[job.key])
        logits = [_read(job, audit_context, work) for job in jobs]
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
        work: ReferenceWork,
        *,
        name: str,
    ) -> Tensor:
        """Return the answers of a model that is trained on some samples, shape (N, C).

        Args:
            audit_context: the audit.
            is_in: the samples, shape (N,), bool.
            seed: of the training.
            work: how it is trained, and where answers are kept.
            name: what messages call the model.

        Raises:
            ModelError: if the function fails, or returns no model with an answer to each sample.
        """
        job = self._job(audit_context, is_in, seed, name=name)
        for _ in self._train(audit_context, [job], work):
            pass
        return _read(job, audit_context, work)

    def _job(
        self, audit_context: AuditContext, is_in: Tensor, seed: Seed, *, name: str
    ) -> TrainingJob:
        indices = audit_context.samples.rows[is_in].sort().values.tolist()
        # 32 bits, since NumPy's old generators take no more.
        number = seed.number % 2**32
        content = [dict(audit_context.data_identity), dict(self.digests), indices, number]
        return TrainingJob(
            name=name,
            key=hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16],
            indices=tuple(indices),
            seed=number,
            classes=tuple(audit_context.dataset.classes),
            count=audit_context.samples.source_size,
        )

    def _train(
        self, audit_context: AuditContext, jobs: Sequence[TrainingJob], work: ReferenceWork
    ) -> Iterator[TrainingJob]:
        """Train what is missing, and yield every model whose answers are there."""
        checkpoints = Checkpoints(work.folder)
        missing = []
        for job in jobs:
            # Loaded rather than looked up: a damaged checkpoint must fail before training starts.
            if checkpoints.load(job.key) is None:
                missing.append(job)
            else:
                yield job
        units = list(self._units(audit_context, missing, work))
        for unit in work.executor.do(units, here=self._train_here):
            yield unit.job

    def _units(
        self, audit_context: AuditContext, jobs: Sequence[TrainingJob], work: ReferenceWork
    ) -> Iterator[TrainingUnit]:
        if not jobs:
            return
        function = self.train if isinstance(self.train, NamedFunction) else None
        # Samples are hashed for it, which only other processes need.
        spec = None if work.executor.is_local else _spec_of(audit_context)
        for job in jobs:
            yield TrainingUnit(
                label=job.name,
                folder=work.folder,
                threads=function.threads if function else 1,
                device=audit_context.device.type,
                plugins_dir=work.plugins_dir,
                job=job,
                function=function,
                spec=spec,
            )

    def _train_here(self, unit: TrainingUnit) -> None:
        unit.job.do(self.train, self.answer, unit.folder)


def _read(job: TrainingJob, audit_context: AuditContext, work: ReferenceWork) -> Tensor:
    """Return the answers of a model to the audit's samples, shape (N, C)."""
    kept = Checkpoints(work.folder).load(job.key)
    assert kept is not None  # it was trained, or there
    return kept[1][0]["logits"][audit_context.samples.rows]


def _spec_of(audit_context: AuditContext) -> UnitSpec | None:
    """Return the spec by which other processes load the samples; None for samples in memory."""
    if isinstance(audit_context.spec.task.data, InMemoryParams):
        return None
    spec = UnitSpec.of(audit_context)
    resolved = json.loads(spec.resolved)
    # The model's file may name them, and workers do not read it.
    resolved["task"]["labels"] = resolved["task"]["labels"] or list(audit_context.given.labels)
    return replace(spec, resolved=json.dumps(resolved))
