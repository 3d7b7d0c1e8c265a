"""Results of a run or an audit: the content of ``results.json``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from safecompress_core.api import Need, Params, component_id
from safecompress_core.atomic_writing import write_bytes
from safecompress_core.audit.record_risks import describe_risks
from safecompress_core.audit.selection_gap import selection_gap
from safecompress_core.context.reference_context import count_references
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.errors import SafeCompressError
from safecompress_core.games.records import record_games
from safecompress_core.methods.lineages.params import LineageParams
from safecompress_core.methods.method import MethodOutcome
from safecompress_core.report.verdict import void_causes
from safecompress_core.results.checksums import sha256
from safecompress_core.results.directory import RunDirectory, write_json
from safecompress_core.results.events import EventLog
from safecompress_core.results.gates import gate_verdicts
from safecompress_core.results.schema import (
    VERSION,
    AnyAttackRecord,
    ArchiveRecord,
    BehaviourRecord,
    BlindBaselineRecord,
    ControlsRecord,
    ModelAuditRecord,
    ModelRecord,
    OriginRecord,
    Record,
    ReferencesRecord,
    Results,
    RoundRecord,
    SelectingAttackerRecord,
    SelectionRecord,
    format_errors,
)
from safecompress_core.results.score_file import (
    AUDITED,
    CHOSEN,
    SCORES,
    ScoredRecords,
    scores_file,
)
from safecompress_core.runs.relative_gates import ComparedResults, compare_with_earlier
from safecompress_core.specfile.checks.measure_checks import measure_weights
from safecompress_core.specfile.checks.spec_checks import gate_measures
from safecompress_core.training.training_state import TrainingState

__all__ = [
    "AuditedModels",
    "MethodWork",
    "build_results",
    "describe_model",
    "parse_rounds",
    "write_results",
]

Kind = TypeVar("Kind", bound=Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedModels:
    """Audit of all models that results are about.

    Attributes:
        chosen: the chosen model, or the one that is audited by itself.
        baseline: the uncompressed model; None where a model is audited by itself.
        controls: of the attacks on ``chosen``.
        blind_baseline: of the pool *audit*.
        archive: the non-dominated models.
        unfinished: the chosen model before its finishers; None where it has none.
        scores: of the audit pool's records, by each attack on each of these models.
        retrained: uncompressed models of other seeds.
        swap_test: the model compared with its swap twin; None without one.
        behaviours: what compression changed; None where a model is audited by itself.
    """

    chosen: ModelAuditRecord
    baseline: ModelAuditRecord | None
    controls: ControlsRecord
    blind_baseline: BlindBaselineRecord
    archive: tuple[ArchiveRecord, ...] = ()
    unfinished: ModelAuditRecord | None = None
    scores: tuple[ScoredRecords, ...] = ()

    @property
    def scores_of_chosen(self) -> tuple[ScoredRecords, ...]:
        """Return the scores of the attacks on ``chosen``."""
        return tuple(one for one in self.scores if one.model in (AUDITED, CHOSEN))

    retrained: tuple[ModelAuditRecord, ...] = ()
    swap_test: AnyAttackRecord | None = None
    behaviours: tuple[BehaviourRecord, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodWork:
    """Method, outcome and duration behind the chosen model of a run.

    Attributes:
        params: of the method.
        outcome: what the method has returned.
        stages: type and facts of each finisher.
        rounds: the rounds of the outcome.
        also_audit: ids in the audit of attackers that selected as well.
        directory: of the run, with its model files.
    """

    params: Params
    outcome: MethodOutcome
    stages: tuple[dict[str, Any], ...]
    rounds: tuple[RoundRecord, ...]
    also_audit: Iterable[str]
    directory: Path

    @property
    def tested(self) -> Mapping[str, AnyAttackRecord]:
        """Attacks on the chosen candidate in its round; none where nothing was chosen."""
        candidates = (candidate for round_ in self.rounds for candidate in round_.candidates)
        # The id is unique over rounds; ``next`` has a default for methods that choose nothing.
        chosen = (
            candidate.attacks for candidate in candidates if candidate.id == self.outcome.chosen_id
        )
        return next(chosen, {})


def build_results(
    prepared: SpecContext,
    audited: AuditedModels,
    *,
    data: Mapping[str, Any],
    defences: Mapping[str, Any],
    seconds: Mapping[str, float],
    cpu_seconds: Mapping[str, float] = MappingProxyType({}),
    work: MethodWork | None = None,
    origin: OriginRecord | None = None,
    references: ReferencesRecord | None = None,
) -> Results:
    """Return the results of a run or of an audit.

    Args:
        prepared: the run or the audit.
        audited: its models.
        data: the data card.
        defences: facts that the chosen model's defences report, by id.
        seconds: duration of each phase.
        cpu_seconds: CPU time of phases.
        work: of a run.
        origin: of an audit: the model that it is about.
        references: of an audit: its reference models, if it has some.

    Raises:
        SafeCompressError: if a component reports what JSON cannot hold.
    """
    spec, chosen = prepared.spec, audited.chosen
    rounds = work.rounds if work else ()
    attacks = (*prepared.attacks, *prepared.audit_attacks)
    pools = prepared.describe_pools()
    content: dict[str, Any] = {
        "version": VERSION,
        "name": spec.name,
        "seed": spec.seed,
        "model": chosen.model,
        "metrics": chosen.metrics,
        "audit": chosen.audit,
        "baseline": audited.baseline,
        "controls": audited.controls,
        "blind_baseline": audited.blind_baseline,
        "archive": audited.archive,
        "method": work and _describe_method(work),
        "defences": defences,
        "rounds": rounds,
        "selection": _describe_selection(prepared, work),
        "attacks": {attack.definition.name: attack.definition.summary for attack in attacks},
        "selection_gap": selection_gap(_attacked(prepared, work), chosen.audit),
        "gate": gate_verdicts(
            spec.gate,
            compressed=chosen,
            baseline=audited.baseline,
            earlier=compare_with_earlier(
                spec.gate,
                ComparedResults(
                    part=chosen,
                    scores=audited.scores_of_chosen,
                    pool=pools["audit"]["fingerprint"],
                ),
                higher_is_better=gate_measures(spec),
            ),
        ),
        "data": data,
        "pools": pools,
        "files": _hash_models(work.directory) if work else {},
        # Summed here, so that the total agrees with the phases in every file.
        "seconds": {
            **seconds,
            **{f"{phase}_cpu": time for phase, time in cpu_seconds.items()},
            "total": sum(seconds.values()),
        },
    }
    risks = describe_risks(audited.scores_of_chosen, prepared.dataset, min_risk=spec.audit.min_risk)
    if risks is not None:
        content["records"] = risks
    # Only games of plugins; core's own are known to every reader.
    if games := record_games(attack.game.definition for attack in attacks):
        content["games"] = games
    if work:
        references = _describe_references(prepared, work.outcome)
    if references is not None:
        content["references"] = references
    if origin is not None:
        content["origin"] = origin
    optional = {
        "details": chosen.details,
        "unfinished": audited.unfinished,
        "swap_test": audited.swap_test,
        "retrained": audited.retrained or None,
        "behaviours": audited.behaviours,
    }
    content |= {key: part for key, part in optional.items() if part is not None}
    return _validate(Results, content)


def write_results(
    directory: RunDirectory,
    results: Results,
    events: EventLog,
    *,
    scores: Sequence[ScoredRecords],
) -> None:
    """Write ``scores.parquet`` and ``results.json``, and emit the event of the run's end."""
    content = results.to_json()
    write_bytes(directory.path / SCORES, scores_file(scores))
    # Before ``run_finished``, so that observers of that event find the file.
    write_json(directory.results, content)
    parts = {key: content[key] for key in ("gate", "controls", "seconds")}
    events.emit("run_finished", **parts, void=void_causes(results))


def parse_rounds(outcome: MethodOutcome) -> tuple[RoundRecord, ...]:
    """Return the rounds of an outcome as records.

    Raises:
        SafeCompressError: if a component reports what JSON cannot hold.
    """
    return tuple(_validate(RoundRecord, round_) for round_ in outcome.rounds)


def _validate(kind: type[Kind], content: Mapping[str, Any]) -> Kind:
    try:
        # Validated before writing: an hour of training must not end in an unreadable file.
        return kind.model_validate(content)
    except ValidationError as error:
        message = f"results.json cannot be written: {format_errors(error)}"
        raise SafeCompressError(message) from error


def describe_model(
    state: TrainingState,
    *,
    uncompressed: TrainingState,
    architecture: Mapping[str, Any],
    file_bytes: int,
    dense_bytes: int,
) -> ModelRecord:
    """Return architecture, shapes and sizes of a model.

    ``density`` is that of the sparsifiable weights, ``model_density`` that of all parameters; both
    are fractions of what the uncompressed model has, which may be wider. ``sparsifiable`` is the
    share of its parameters that may be sparse.
    """
    weights, total = _sizes(state)
    # A dense model has no topology: all its sparsifiable weights are active.
    active = state.topology.total_active if state.topology else weights
    all_weights, everything = _sizes(uncompressed)
    return ModelRecord(
        architecture=architecture,
        reshaping=state.network.layer_shapes.to_json(),
        # Over the uncompressed model, since channel removal makes the network itself smaller.
        density=active / all_weights,
        # Parameters outside sparsifiable layers are always kept.
        model_density=(active + total - weights) / everything,
        sparsifiable=all_weights / everything,
        parameters=total,
        active=active + total - weights,
        file_bytes=file_bytes,
        dense_bytes=dense_bytes,
    )


def _sizes(state: TrainingState) -> tuple[int, int]:
    """Return the numbers of sparsifiable weights and of parameters of the dense network."""
    weights = sum(weight.numel() for weight in state.weights.values())
    return weights, sum(parameter.numel() for parameter in state.network.parameters())


def _describe_method(work: MethodWork) -> dict[str, Any]:
    return {
        "type": component_id(work.params),
        "epochs": work.outcome.chosen.epoch,
        "phases": work.outcome.phases,
        "facts": work.outcome.facts,
        "finish": work.stages,
    }


def _describe_references(prepared: SpecContext, outcome: MethodOutcome) -> ReferencesRecord | None:
    """Return number and training of reference models; None where no attack compares with any."""
    count = count_references(prepared)
    if not count:
        return None
    # A method that chooses and has no lineage is run again, whatever the spec asks for.
    has_replay = bool(outcome.lineage) or not outcome.rounds
    asked: Literal["replay", "rerun"] = prepared.spec.audit.references.method
    method = asked if has_replay else "rerun"
    return ReferencesRecord(models=count, method=method)


def _attacked(prepared: SpecContext, work: MethodWork | None) -> dict[str, AnyAttackRecord]:
    """Return the tests of the chosen model that an adversary could make, too.

    A test against a swap twin is far stronger than an audit, so their difference says nothing.
    """
    with_twin = {attack.id for attack in prepared.attacks if Need.TWIN in attack.needs}
    tested = work.tested if work else {}
    return {name: attack for name, attack in tested.items() if name not in with_twin}


def _describe_selection(prepared: SpecContext, work: MethodWork | None) -> SelectionRecord:
    """Return the meaning of the objectives of rounds and archive."""
    params = work.params if work and isinstance(work.params, LineageParams) else None
    return SelectionRecord(
        performance=prepared.performance[0],
        attackers={
            attack.id: SelectingAttackerRecord(
                game=attack.game.name,
                access=str(attack.definition.access),
                weight=attack.params.weight,
            )
            for attack in prepared.attacks
        },
        bound=params.bound if params else None,
        statistic=params.statistic if params else None,
        also_audit=tuple(work.also_audit) if work else (),
        measures=measure_weights(prepared.spec) if work else {},
    )


def _hash_models(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of every model file that ships, by its path in the run directory."""
    folders = ("model", "unfinished", "baseline", "retrained", "archive")
    # Sorted, since directories list files in no fixed order.
    paths = sorted(path for name in folders for path in (directory / name).glob("*.safetensors"))
    return {path.relative_to(directory).as_posix(): sha256(path) for path in paths}
