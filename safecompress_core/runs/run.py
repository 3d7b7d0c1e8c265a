"""A run from spec to results: prepares everything, lets the method work, audits, writes it down."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from safecompress_core.context.cache_keys import content_key, trains_plainly
from safecompress_core.context.reference_context import count_references
from safecompress_core.context.run_context import PartsElsewhere, RunContext, build_run_context
from safecompress_core.data.data_card import describe_data
from safecompress_core.data.dataset import Dataset
from safecompress_core.execution.executor import Executor
from safecompress_core.execution.settings import HERE, Execution, open_executor
from safecompress_core.host import Registry
from safecompress_core.methods.finisher import FinishedModel
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.networks.classifier import Classifier
from safecompress_core.plan import PLAIN, make_plan
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.preflight.shift_warning import with_shift_warning
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.checksums import is_finished
from safecompress_core.results.command_line import Invocation
from safecompress_core.results.directory import (
    RunDirectory,
    write_json,
    write_yaml,
)
from safecompress_core.results.environment import environment, reproducible
from safecompress_core.results.events import EventLog, Listener
from safecompress_core.results.identity import require_same_identity
from safecompress_core.results.reading import read_results
from safecompress_core.results.run_id import directory_name, plugin_records
from safecompress_core.results.schema import Results
from safecompress_core.results.score_file import BASELINE, CHOSEN, RETRAINED
from safecompress_core.runs.build_results import (
    MethodWork,
    build_results,
    parse_rounds,
    write_results,
)
from safecompress_core.runs.failure_attribution import naming_code
from safecompress_core.runs.part_unit import DENSE, METHOD, parts_elsewhere
from safecompress_core.runs.rank_directory import open_rank_directory
from safecompress_core.runs.reference_models import ReferenceTraining, count_trainings
from safecompress_core.runs.retraining import Retraining
from safecompress_core.runs.run_audit import RunAudit
from safecompress_core.runs.spec_unit import needed_distributions
from safecompress_core.specfile.checks.spec_checks import auditing_selectors
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.placing import locating_components
from safecompress_core.training.data_parallel import current_group
from safecompress_core.training.training_state import TrainingState

__all__ = ["FinishedRun", "directory_name", "plugin_records", "run_directory", "run_spec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedRun:
    """Finished run: its directory and its results.

    Attributes:
        path: the run directory.
        results: the content of its ``results.json``.
        is_new: whether this call did the work; False where it was done already.
    """

    path: Path
    results: Results
    is_new: bool


def run_directory(loaded: LoadedSpec, registry: Registry, runs: Path) -> Path:
    """``<runs>/<name>-<hash>``: the same for the same resolved spec and components of it."""
    return runs / directory_name(loaded.resolved, plugin_records(loaded.resolved, registry))


@locating_components
@naming_code
def run_spec(
    loaded: LoadedSpec,
    registry: Registry,
    *,
    runs: Path,
    observers: Listener,
    execution: Execution = HERE,
    plugins_dir: Path | None = None,
    shared: Path | None = None,
    dataset_cache: dict[str, Dataset] | None = None,
    invoked: Invocation | None = None,
) -> FinishedRun:
    """Do what a spec says; go on where an earlier run of the same spec was stopped.

    Args:
        loaded: a valid spec.
        registry: what its components are made of.
        runs: where run directories are made.
        observers: receives every event.
        execution: what does units of work; results do not depend on it.
        plugins_dir: where single-file plugins are, for other processes to load.
        shared: where several runs keep what they have in common: the uncompressed model and the
            reference models of the same data, pools, training and seed. None to keep it here.
        dataset_cache: data that other runs of this process have loaded already, and get to use of
        this one.
        invoked: the command line that asks for it, which the run directory records.

    Raises:
        SpecError: an error of the spec that only the data or the model show.
        RunInUseError: if another process is at it.
        RunDirectoryError: if samples, files or code have changed since an earlier attempt.
        TrainingDivergedError: if a loss is no longer a number; the last finished round is kept.
        DataParallelError: if another process that torchrun has started with this one has ended.
    """
    run_context = build_run_context(loaded, registry, dataset_cache=dataset_cache)
    require_feasible(run_context)
    place, group = run_directory(loaded, registry, runs), current_group()
    # A finished run is only shown, which needs no cluster.
    with (
        open_executor(HERE if is_finished(place) else execution) as executor,
        open_rank_directory(place, group) as directory,
    ):
        executor.require(needed_distributions(loaded.resolved, registry))
        # Before anything is written: a directory of other data must stay as it is.
        require_same_identity(run_context.identity(), directory)
        if directory.is_finished:
            return FinishedRun(path=place, results=read_results(directory.path), is_new=False)
        write_json(directory.path / "plugins.json", plugin_records(loaded.resolved, registry))
        write_yaml(directory.path / "spec.resolved.yaml", loaded.resolved)
        if "encoder" in run_context.model_metadata:
            write_json(directory.path / "preprocessing.json", run_context.model_metadata["encoder"])
        with reproducible(run_context.threads):
            # Inside, since threads and determinism settings are part of the record.
            record = environment(run_context.device, run_context.recipe.precision, invoked)
            write_json(directory.path / "environment.json", record)
            work = _RunUnits(
                run_context,
                directory,
                observers,
                executor=executor,
                plugins_dir=plugins_dir,
                shared=shared,
            )
            if not group.rank.is_leader:
                work.train_models()
                group.wait()
                return FinishedRun(path=place, results=read_results(place), is_new=True)
            results = work.results()
        # Last: with this record the run counts as finished.
        directory.record_all_files()
        group.wait()
        return FinishedRun(path=place, results=results, is_new=True)


class _RunUnits:
    """The units of one run, in their order."""

    def __init__(
        self,
        run_context: RunContext,
        directory: RunDirectory,
        observers: Listener,
        *,
        executor: Executor,
        plugins_dir: Path | None,
        shared: Path | None,
    ) -> None:
        self._prepared = run_context
        self._directory = directory
        self._executor = executor
        self._plugins_dir = plugins_dir
        self._shared = shared
        self._seconds: dict[str, float] = {}
        self._cpu_seconds: dict[str, float] = {}
        self._method = run_context.method
        self._baseline = Uncompressed(UncompressedParams())
        total = self._baseline.units() + self._method.units() + len((BASELINE, CHOSEN))
        # Each is trained, then audited.
        total += 2 * run_context.spec.baseline.models
        self._events = EventLog(directory.log, live=observers)
        self._dense = directory.checkpoints / DENSE
        if shared is not None:
            # By content, so that all variants of a comparison find the same model.
            self._dense = shared / BASELINE / content_key(run_context, method=PLAIN)
        plan = make_plan(run_context.loaded, run_context.registry)
        units = total + count_trainings(run_context)
        # Known before the first event, so that progress never exceeds its total.
        self._events.expect(units, epochs=plan.epochs, attacks=plan.tests)

    def train_models(self) -> None:
        """Train with the process that leads: all models of the run, and no audit."""
        baseline = self._train_uncompressed()
        trained, finished = self._run_method(baseline.chosen.network)
        self._retrain()
        self._train_references(replace(trained, chosen=finished.state))

    def results(self) -> Results:
        """Do the work and write down what came of it; what ``results.json`` holds."""
        run_context, spec = self._prepared, self._prepared.spec
        self._events.emit(
            "run_started",
            name=spec.name,
            path=str(self._directory.path),
            method=spec.method.type,  # type: ignore[attr-defined]
            attackers=[attack.id for attack in run_context.attacks],
            metric=run_context.performance[0],
            # Before the training, which a shift makes worthless for figures of membership.
            data=with_shift_warning(describe_data(run_context.original), run_context),
        )
        baseline = self._train_uncompressed()
        trained, finished = self._run_method(baseline.chosen.network)
        # From here on the chosen model is the finished one.
        outcome = replace(trained, chosen=finished.state)
        unfinished = trained.chosen if finished.stages else None
        rounds = parse_rounds(outcome)
        retrained = self._retrain()
        references = self._train_references(outcome)
        audit = RunAudit(
            run_context, self._directory, references, events=self._events, shared=self._shared
        )
        with self._time("audit"):
            audited = audit.of(
                baseline.chosen, outcome, rounds, unfinished=unfinished, retrained=retrained
            )
        results = build_results(
            run_context,
            audited,
            data=describe_data(run_context.original),
            defences=outcome.chosen.facts(),
            seconds=self._seconds,
            cpu_seconds=self._cpu_seconds,
            work=MethodWork(
                params=spec.method,
                outcome=outcome,
                stages=finished.stages,
                rounds=rounds,
                also_audit=auditing_selectors(spec),
                directory=self._directory.path,
            ),
        )
        write_results(self._directory, results, self._events, scores=audited.scores)
        return results

    def _train_uncompressed(self) -> MethodOutcome:
        """The model that compression starts from."""
        context = self._method_context("baseline", self._dense, big=None)
        outcome = self._baseline.run(context)
        # Includes earlier attempts, as checkpoints record their time.
        self._seconds["baseline"] = context.checkpoints.seconds
        self._cpu_seconds["baseline"] = context.checkpoints.cpu_seconds
        context.store(outcome.chosen, self._directory.baseline)
        return outcome

    def _run_method(self, big: Classifier) -> tuple[MethodOutcome, FinishedModel]:
        """Run the method, and finish what it has chosen.

        Dense training is neither repeated nor timed twice.
        """
        is_plain = trains_plainly(self._prepared)
        # The dense checkpoint: a plain method is the baseline itself.
        place = self._dense if is_plain else self._directory.checkpoints / METHOD
        context = self._method_context(
            "method",
            place,
            big=lambda: big,
            do_parts=None if is_plain else self._do_parts(),
        )
        outcome = self._method.run(context)
        self._seconds["compress"] = 0.0 if is_plain else context.checkpoints.seconds
        self._cpu_seconds["compress"] = 0.0 if is_plain else context.checkpoints.cpu_seconds
        finished = context.finish(outcome.chosen)
        # The method may ship another architecture than the spec's.
        context.store(finished.state, self._directory.model, model=outcome.model)
        if finished.stages:
            context.store(outcome.chosen, self._directory.unfinished, model=outcome.model)
        return outcome, finished

    def _retrain(self) -> tuple[TrainingState, ...]:
        """Train the uncompressed model again, as often as the spec asks for."""
        retraining = Retraining(
            self._prepared, self._directory, events=self._events, shared=self._shared
        )
        retrained = retraining.train()
        if retrained:
            self._seconds[RETRAINED] = retraining.seconds
        return retrained

    def _train_references(self, outcome: MethodOutcome) -> ReferenceTraining:
        """Train the audit's reference models, after the method whose lineage they may replay."""
        references = ReferenceTraining(
            self._prepared,
            self._directory.path,
            events=self._events,
            lineage=outcome.lineage,
            executor=self._executor,
            plugins_dir=self._plugins_dir,
            shared=self._shared,
        )
        if count_references(self._prepared):
            with self._time("references"):
                references.train()
        return references

    def _do_parts(self) -> PartsElsewhere | None:
        """Return what does parts of the method elsewhere; None where its models are shared."""
        if self._shared is not None:
            return None  # a run of a comparison is a unit itself
        return parts_elsewhere(
            self._prepared, self._directory.checkpoints, self._executor, self._plugins_dir
        )

    def _method_context(
        self,
        unit: str,
        place: Path,
        *,
        big: Callable[[], Classifier] | None,
        do_parts: PartsElsewhere | None = None,
    ) -> MethodContext:
        return self._prepared.method_context(
            unit,
            big=big,
            checkpoints=Checkpoints(place),
            archived=self._directory.archive_path,
            events=self._events,
            do_parts=do_parts,
        )

    @contextmanager
    def _time(self, phase: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._seconds[phase] = time.perf_counter() - start
