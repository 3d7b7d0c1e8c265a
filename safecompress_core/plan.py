"""Plan of a run, made from its spec alone: no data, no network, no torch.

Counts are upper ends: a candidate whose hyperparameter is at its limit is left out of a real run.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from safecompress_core.api import DataCard, Workload, component_id, references_of
from safecompress_core.host import Registry
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.results.run_id import directory_name, plugin_records
from safecompress_core.specfile.checks.membership_checks import warn_of_unused_membership
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.models.run_spec import RunSpec

__all__ = ["PLAIN", "Job", "Plan", "chooses_by_tests", "make_plan", "reference_workload"]

PLAIN = {"type": "uncompressed", **UncompressedParams().model_dump()}
"""Dense training and nothing else, as a resolved spec has it: what any run does anyway."""
FILES = (
    "results.json",
    "SHA256SUMS",
    "model/model.safetensors",
    "baseline/model.safetensors",
    "archive/*.safetensors",
    "report.html",
    "spec.resolved.yaml",
    "identity.json",
    "preprocessing.json",
    "plugins.json",
    "environment.json",
    "events.jsonl",
    "checkpoints/",
)
RETRAINED = "retrained/*.safetensors"
"""What a run leaves as well where it trains the uncompressed model again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One part of a run's work, at most.

    Attributes:
        name: what it is.
        models: networks that are trained from their beginning.
        epochs: passes over the members; None if the method's definition does not state them.
        fits: how often an attacker is trained from scratch.
        tests: how often a model is asked for an attack; None as for ``epochs``.
        candidates: models that each round tests.
        field: lineages that each round of a race trains.
        abreast: of these, how many may be trained at the same time; 0 for all.
        trainings: cost of all rounds in trainings of one model; None without a race.
        twins: whether this includes a swap twin of each model.
    """

    name: str
    models: int = 0
    epochs: int | None = 0
    fits: int = 0
    tests: int | None = 0
    candidates: tuple[int, ...] = ()
    field: tuple[int, ...] = ()
    abreast: int = 0
    trainings: float | None = None
    twins: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run before it is one.

    Attributes:
        name: of the run.
        directory: the name of its directory, with the hash over spec and plugins.
        classes: of the task; None if only the data determine them.
        members: samples that are trained on; None if only the data determine it.
        samples: samples in all; None likewise.
        steps: optimizer steps of an epoch; None likewise.
        training: the spec's section.
        jobs: what is done, in this order.
        files: what is left behind.
        caveats: choices that cost byte-identity, and what else should be known.
        warnings: what of the spec is probably not meant.
    """

    name: str
    directory: str
    samples: int | None
    classes: int | None
    members: int | None
    steps: int | None
    training: dict[str, Any]
    jobs: tuple[Job, ...]
    files: tuple[str, ...] = FILES
    caveats: tuple[str, ...] = field(default_factory=tuple)
    warnings: tuple[str, ...] = ()

    @property
    def epochs(self) -> int | None:
        """Passes over the members in all; None if the method does not state them."""
        counts = [job.epochs for job in self.jobs]
        # Unknown plus a number is unknown; a partial sum would look complete.
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def tests(self) -> int | None:
        """Return the number of attacks on models in all, or None if it cannot be known."""
        counts = [job.tests for job in self.jobs]
        return None if None in counts else sum(count for count in counts if count is not None)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "epochs": self.epochs}


def make_plan(loaded: LoadedSpec, registry: Registry) -> Plan:
    """Plan a run of this spec."""
    spec = loaded.spec
    card = _card(spec)
    members = _members(spec, card)
    size = spec.training.batch_size
    return Plan(
        name=spec.name,
        directory=directory_name(loaded.resolved, plugin_records(loaded.resolved, registry)),
        samples=card.samples if card is not None else None,
        classes=card.classes if card is not None else None,
        members=members,
        # Ceiling division: the last batch may be smaller.
        steps=None if members is None else -(-members // size),
        training=loaded.resolved["training"],
        jobs=tuple(_jobs(spec)),
        files=(*FILES, *([RETRAINED] if spec.baseline.models else ())),
        caveats=tuple(_caveats(spec)),
        warnings=tuple(filter(None, [warn_of_unused_membership(spec)])),
    )


def _card(spec: RunSpec) -> DataCard | None:
    card = definition_of(spec.task.data).card
    return card(spec.task.data) if card is not None else None


def _members(spec: RunSpec, card: DataCard | None) -> int | None:
    members = spec.pools.members
    if isinstance(members, int):
        return members
    # A string names a column of the data, which is not read here.
    if card is None or isinstance(members, str):
        return None
    return round(members * card.samples)


def _jobs(spec: RunSpec) -> Iterator[Job]:
    epochs, selecting = spec.training.epochs, len(spec.attackers)
    yield Job(name="uncompressed model", models=1, epochs=epochs)
    again = spec.baseline.models
    if again:
        yield Job(name="re-trained uncompressed models", models=again, epochs=again * epochs)
    yield from _held_out_jobs(spec, times=1, whom="the method")
    work = _workload(spec)
    # A method without a workload is planned as unknown, not as free.
    yield Job(
        name=f"method {component_id(spec.method)}",
        models=1,
        epochs=work.epochs if work else None,
        fits=work.fits * selecting if work else 0,
        tests=work.tests * selecting if work else None,
        candidates=work.candidates if work else (),
        field=work.field if work else (),
        abreast=work.abreast if work else 0,
        trainings=work.epochs / epochs if work and work.field else None,
        twins=work.has_twins if work else False,
    )
    yield from _references(spec)
    attackers = len(spec.audit.attackers)
    # the uncompressed and the chosen one, the two ends of the front; a whole front cannot be known
    models = {"chosen": 2, "ends": 4, "all": None}[spec.audit.front]
    models = models and models + again
    yield Job(name="audit", fits=attackers * (models or 0), tests=models and models * attackers)


def _held_out_jobs(spec: RunSpec, *, times: int, whom: str) -> Iterator[Job]:
    """Uncompressed models of parts of the members, which a defence has trained."""
    for params in spec.method.defences:
        asks = definition_of(params).held_out
        # Few defences ask for such models.
        if asks is None:
            continue
        asked = asks(params)
        yield Job(
            name=f"models for {component_id(params)} of {whom}",
            models=times * asked.models,
            # Each member is in all models but those that leave it out; passes are counted in
            # members.
            epochs=times * (asked.models - asked.left_out) * spec.training.epochs,
        )


def _references(spec: RunSpec) -> Iterator[Job]:
    """Reference models of both kinds, as many as the attacker that asks for most wants."""
    count = max(map(references_of, spec.audit.attackers), default=0)
    if not count:
        return
    yield Job(
        name="reference models, uncompressed", models=count, epochs=count * spec.training.epochs
    )
    # Dense training is the previous job already.
    if spec.method.model_dump() != PLAIN:
        yield from _held_out_jobs(spec, times=count, whom="reference models")
        selecting, work = len(spec.attackers), reference_workload(spec)
        yield Job(
            name="reference models, compressed",
            models=count,
            epochs=count * work.epochs if work else None,
            fits=count * work.fits * selecting if work else 0,
            tests=count * work.tests * selecting if work else None,
        )


def reference_workload(spec: RunSpec) -> Workload | None:
    """Return the work for one reference model of the compressed model; None if it is not known."""
    work = _workload(spec)
    # One training, without tests; what has no lineage is run again as a whole.
    if work and work.replay_epochs is not None and spec.audit.references.method == "replay":
        return Workload(epochs=work.replay_epochs)
    return work


def chooses_by_tests(spec: RunSpec) -> bool:
    """Return whether tests choose the method's model; also if its work is not known."""
    work = _workload(spec)
    return work is None or work.chooses


def _workload(spec: RunSpec) -> Workload | None:
    workload = definition_of(spec.method).workload
    return workload(spec.method, spec.training.epochs) if workload is not None else None


def _caveats(spec: RunSpec) -> Iterator[str]:
    """Everything that makes the same spec give other bytes."""
    training = spec.training
    if training.compile:
        yield (
            "training.compile: generated code rounds in its own way, and differs between versions "
            "of torch and of the compiler; the same machine may give other bytes"
        )
    if spec.device == "auto":
        yield "device: auto takes an accelerator where there is one; other devices round otherwise"
    if spec.device.partition(":")[0] in ("cuda", "mps"):
        yield (
            f"device: {spec.device} has operations without a deterministic form; torch warns where "
            "one is used, and then the bytes may differ from run to run"
        )
    if training.precision == "auto":
        yield (
            "training.precision: auto trains convolutions and tokens in bfloat16 where the device "
            "is made for it, and in float32 elsewhere: other bytes on other devices"
        )
    if training.precision in ("bfloat16", "float16"):
        yield (
            f"training.precision: {training.precision} rounds by the device's own rules; models "
            "are still observed, attacked and measured in float32"
        )
    if training.threads is None:
        yield (
            "a network beyond 500,000 multiplications a sample uses as many threads as torch has, "
            "and another number of threads may round otherwise (training.threads fixes it)"
        )
