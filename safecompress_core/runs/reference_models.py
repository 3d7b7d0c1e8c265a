"""Trains reference models: what an adversary trains itself, to compare the attacked model with.

- The adversary knows every sample of the data set and nothing of who is a member. All samples are
  split into new halves (`safecompress_core.attacks.reference_answers.assign_folds`), and each
  reference model is trained on one. So every sample that is attacked has models that knew it and
  models that did not: *online* attacks use both, *offline* ones only the latter.
- A reference model of the compressed model *replays* the training of the chosen one: its settings,
  round by round, on its own half, with another seed for everything that is drawn. Or it *re-runs*
  the whole method, its selection included, on pools that are cut from its own half and the rest.
  It is not audited, and has no reference models of its own.
- The uncompressed model is attacked with reference models that are trained as it was.
- What is kept is each model's logits for all samples, under a key of everything that they depend
  on, so that attackers share them and a run that was stopped trains only what is missing.
"""

import gc
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import Access
from safecompress_core.atomic_writing import partial_name
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.context.cache_keys import content_key, trains_plainly
from safecompress_core.context.reference_context import (
    build_reference_context,
    count_references,
    reference_members,
)
from safecompress_core.context.run_context import RunContext
from safecompress_core.execution.executor import Executor, LocalExecutor
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.networks.classifier import Classifier
from safecompress_core.plan import PLAIN, reference_workload
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.runs.spec_unit import SpecUnit, UnitSpec, unit_settings
from safecompress_core.training.training_state import TrainingState

__all__ = [
    "ReferenceJob",
    "ReferenceTraining",
    "ReferenceUnit",
    "count_trainings",
]

SELECTING = ("method", "attackers", "metrics", "choose")
"""The sections of a spec that a method depends on, next to those that all training does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceJob:
    """A reference model that is to be trained.

    Attributes:
        key: of all that its answers depend on.
        index: which one it is, from 0.
        is_dense: whether it is trained as the uncompressed model, or by the spec's method.
        lineage: what the method replays; None to run it as a whole.
    """

    key: str
    index: int
    is_dense: bool
    lineage: Mapping[str, Any] | None


def count_trainings(run_context: RunContext) -> int:
    """Return the number of reference models of both kinds, cached ones included."""
    # A plain method and the baseline share their reference models.
    kinds = 1 if trains_plainly(run_context) else 2
    return kinds * count_references(run_context)


class ReferenceTraining:
    """The reference models of one run.

    Args:
        run_context: the run.
        directory: of the run; it holds the resolved spec.
        events: receives each model.
        lineage: that of the method's outcome, which reference models replay unless the spec has
            them re-run the method; None where the method has not been run.
        executor: does what is missing.
        plugins_dir: where single-file plugins are, for its processes.
        shared: where several runs keep what they have in common; None to keep it with the run.
    """

    def __init__(
        self,
        run_context: RunContext,
        directory: Path,
        *,
        events: EventLog,
        lineage: Mapping[str, Any] | None = None,
        executor: Executor | None = None,
        plugins_dir: Path | None = None,
        shared: Path | None = None,
    ) -> None:
        self._prepared = run_context
        is_replay = run_context.spec.audit.references.method == "replay"
        self._lineage = lineage if is_replay else None
        self._folder = (shared or directory / "checkpoints") / "references"
        self._events = events
        self._executor = executor or LocalExecutor()
        self._plugins_dir = plugins_dir

    def train(self, *, kinds: Sequence[bool] = (True, False)) -> None:
        """Train every model that is not there yet.

        Args:
            kinds: values of ``is_dense`` that are wanted.
        """
        orders = {order.key: order for order in self._orders() if order.is_dense in kinds}
        checkpoints = Checkpoints(self._folder)
        # Loaded rather than looked up: a damaged checkpoint must fail before training starts.
        missing = [order for order in orders.values() if checkpoints.load(order.key) is None]
        self._events.advance(len(orders) - len(missing))
        for order in orders.values():
            if order not in missing:
                self._skip(order)
        began = time.perf_counter()
        for unit in self._executor.do(list(self._units(missing)), here=self._train_here):
            order = unit.job
            self._events.advance()
            if not self._executor.is_local:  # nothing is known of it but that it is done
                # Per model as it finishes, so the estimate follows the workers' real pace.
                epochs, now = self._skip(order, has_trained=True), time.perf_counter()
                self._events.add_epochs(epochs=epochs, seconds=now - began)
                began = now
            self._events.emit(
                "reference_trained",
                model="uncompressed" if order.is_dense else "compressed",
                reference=order.index + 1,
            )

    def _units(self, orders: Sequence[ReferenceJob]) -> "Iterator[ReferenceUnit]":
        if not orders:
            return
        spec, settings = UnitSpec.of(self._prepared), unit_settings(self._prepared)
        for order in orders:
            kind = "uncompressed" if order.is_dense else "compressed"
            yield ReferenceUnit(
                label=f"reference model {order.index + 1} for the {kind} model",
                folder=self._folder,
                plugins_dir=self._plugins_dir,
                spec=spec,
                job=order,
                **settings,
            )

    def _train_here(self, unit: "ReferenceUnit") -> None:
        # Events of training stay inside: a reference model is one unit of the run.
        _train(self._prepared, self._folder, unit.job, events=self._events.for_inner_work())

    def _skip(self, order: ReferenceJob, *, has_trained: bool = False) -> int:
        """Take off a model's attacks, and its epochs unless they were just trained."""
        spec = self._prepared.spec
        work = None if order.is_dense else reference_workload(spec)
        epochs = work.epochs if work else spec.training.epochs
        attacks = work.tests * len(spec.attackers) if work else 0
        self._events.skip(epochs=0 if has_trained else epochs, attacks=attacks)
        return epochs

    def of(self, *, is_dense: bool) -> ReferenceAnswers | None:
        """Return the models' outputs for all samples, or None if no attack needs them."""
        orders = [order for order in self._orders() if order.is_dense == is_dense]
        if not orders:
            return None
        checkpoints = Checkpoints(self._folder)
        stored = [checkpoints.load(order.key) for order in orders]
        # A run that was stopped may lack some models; those that exist are used.
        answers = [models[0] for _, models in filter(None, stored)]
        inside = [answer["inside"] for answer in answers if "inside" in answer]
        return ReferenceAnswers(
            logits=torch.stack([answer["logits"] for answer in answers]),
            is_in=torch.stack([answer["is_in"] for answer in answers]),
            # All samples, since references answer for members and non-members.
            labels=self._prepared.dataset.labels,
            inside=torch.stack(inside) if inside else None,
        )

    def _orders(self) -> Iterator[ReferenceJob]:
        for is_dense in (True, False):
            for index in range(count_references(self._prepared)):
                yield ReferenceJob(
                    key=self._key(index, is_dense=is_dense),
                    index=index,
                    is_dense=is_dense,
                    lineage=None if is_dense else self._lineage,
                )

    def _key(self, index: int, *, is_dense: bool) -> str:
        """The same for a method that is dense training and nothing else as for the baseline."""
        resolved = self._prepared.loaded.resolved
        if is_dense or trains_plainly(self._prepared):
            # PLAIN as the method, whatever the run's own method is.
            return content_key(self._prepared, index=index, method=PLAIN)
        if self._lineage:
            # Neither attackers nor metrics: models of one lineage serve whatever tested it.
            return content_key(
                self._prepared, index=index, method=resolved["method"], lineage=self._lineage
            )
        sections = {name: resolved[name] for name in SELECTING}
        return content_key(self._prepared, index=index, **sections)


def _train(
    run_context: RunContext, folder: Path, order: ReferenceJob, *, events: EventLog | None = None
) -> None:
    """Train one reference model and keep its answers; the model itself is not kept."""
    with _freeing_cycles():
        answers = _train_and_ask(run_context, folder, order, events=events or EventLog())
    Checkpoints(folder).save(order.key, {"index": order.index}, [answers])


@contextmanager
def _freeing_cycles() -> Iterator[None]:
    """Free what is made within and no longer used, although its parts refer to each other.

    A context is referred to by what it makes: without this its copy of the members would stay
    until Python happens to look for cycles, and memory would grow with every model.
    """
    # All that is there already is left out: looking through it takes longer than a small training.
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()


def _train_and_ask(
    run_context: RunContext, folder: Path, order: ReferenceJob, *, events: EventLog
) -> dict[str, Tensor]:
    """Train one reference model; return its logits for all samples, and which it was trained on."""
    context_of_reference = build_reference_context(run_context, order.index)
    working = folder / partial_name(order.key)
    try:
        state = _train_model(context_of_reference, working, order, events=events)
    finally:
        # Also after an error: a half-trained model must not be resumed with other code.
        shutil.rmtree(working, ignore_errors=True)
    seen = observe(
        state.shipped, context_of_reference.dataset.inputs, context_of_reference.dataset.labels
    )
    inside = seen.restrict(Access.WHITE_BOX).logits
    answers = {"logits": seen.logits, "is_in": reference_members(run_context, order.index)}
    # Stored only if a guard makes them differ, or each file would be twice as large.
    if inside is not seen.logits:
        answers["inside"] = inside
    return answers


def _train_model(
    reference: RunContext, working: Path, order: ReferenceJob, *, events: EventLog
) -> TrainingState:
    """Run or replay a method, which reports only its training and has no audit of its own."""

    @cache
    def big() -> Classifier:
        """Only for what starts from it, or asks it."""
        dense = replace(order, is_dense=True, lineage=None)
        return _train_model(reference, working / "big", dense, events=events).network

    context = reference.method_context(
        "method",
        big=big,
        checkpoints=Checkpoints(working / "checkpoints"),
        archived=lambda model: working / "archive" / f"{model}.safetensors",
        events=events,
    )
    if order.is_dense:
        return Uncompressed(UncompressedParams()).run(context).chosen
    if order.lineage is not None:
        trained = reference.method.replay(context, order.lineage)
    else:
        trained = reference.method.run(context).chosen
    # The adversary that knows the recipe knows its finishers as well.
    return context.finish(trained).state


@dataclass(frozen=True, kw_only=True)
class ReferenceUnit(SpecUnit):
    """Training of one reference model, in the folder of all of them.

    Attributes:
        job: which one.
    """

    job: ReferenceJob

    @property
    def mark(self) -> str:
        """Return the record of its checkpoint."""
        return f"{self.job.key}/record.json"

    def work(self) -> None:
        """Train it, in a process that has to load everything first."""
        with self.in_context() as run_context:
            _train(run_context, self.folder, self.job)
