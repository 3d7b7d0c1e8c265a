"""Plan of a run on several workers: time, memory, bytes moved and worker hours, from one step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safecompress_core.execution.schedule import Stage, simulate
from safecompress_core.execution.settings import Execution, ExecutorName

__all__ = ["WorkerPlan", "plan_workers"]

START: Mapping[ExecutorName, float] = {"local": 0.0, "processes": 0.5, "ray": 5.0}
"""Seconds until a worker begins its first unit: on Ray it imports torch, as a process it is forked
from one that has."""
OVERHEAD = 0.05
"""Seconds that a unit takes to come and go."""
STATE = 16
"""Bytes a parameter that a model in training is kept with: weight, two moments, mask."""
FLOAT = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPlan:
    """Plan of a run's training on workers; attacks are not in it.

    Attributes:
        executor: by name.
        workers: how many units are done at once.
        units: how many there are.
        seconds: from the first step to the last.
        alone: the same on one worker.
        critical: what no number of workers goes below.
        utilisation: share of the workers' time that is work.
        worker_hours: time that all workers are held for, which a provider charges.
        bytes_a_worker: memory of a worker; of each, where several are on one machine.
        bytes_moved: to the workers and back, on a cluster; 0 elsewhere.
    """

    executor: str
    workers: int
    units: int
    seconds: float
    alone: float
    critical: float
    utilisation: float
    worker_hours: float
    bytes_a_worker: int
    bytes_moved: int


def plan_workers(document: Mapping[str, Any], execution: Execution) -> WorkerPlan | None:
    """Plan the training of a run.

    Args:
        document: the plan of the run with a measured step, as ``plan --measure --json`` prints it.
        execution: the executor and its workers.

    Returns:
        None where the method does not state its epochs, or only the data determine the steps.
    """
    stages = tuple(_stages(document))
    if document["steps"] is None or document["epochs"] is None:
        return None
    epoch = document["steps"] * document["measured"]["step_seconds"]
    timed = [
        Stage(
            name=stage.name,
            seconds=tuple(epochs * epoch for epochs in stage.seconds),
            is_spread=stage.is_spread,
        )
        for stage in stages
    ]
    schedule = simulate(
        timed,
        execution.workers,
        start=START[execution.name],
        overhead=0.0 if execution.name == "local" else OVERHEAD,
    )
    spread = [stage for stage in timed if stage.is_spread]
    return WorkerPlan(
        executor=execution.name,
        workers=execution.workers,
        units=sum(len(stage.seconds) for stage in spread),
        seconds=schedule.seconds,
        alone=schedule.work,
        critical=schedule.critical,
        utilisation=schedule.utilisation,
        worker_hours=schedule.seconds * execution.workers / 3600,
        bytes_a_worker=document["measured"]["peak_bytes"],
        bytes_moved=_moved(document) if execution.name == "ray" else 0,
    )


def _stages(document: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield the stages of a run, in epochs; jobs that train nothing have none."""
    for job in document["jobs"]:
        epochs = job["epochs"]
        if not epochs:
            continue
        if job["field"]:
            yield from _trials(job) if job["abreast"] else _rounds(job)
            continue
        is_reference = job["name"].startswith("reference models")
        count = job["models"] if is_reference else 1
        yield Stage(name=job["name"], seconds=(epochs / count,) * count, is_spread=is_reference)


def _rounds(job: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield the rounds of a race, each as long as the others: a unit is a lineage with its twin."""
    field = job["field"]
    a_lineage = job["epochs"] / sum(field)
    for number, lineages in enumerate(field, 1):
        yield Stage(
            name=f"round {number}",
            seconds=(a_lineage,) * lineages,
            # Those that derive candidates are done by the command, and so is a single lineage.
            is_spread=lineages > 1 and job["candidates"][number - 1] == lineages,
        )


def _trials(job: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield the trials of a search, those that are proposed together as one stage."""
    trials, abreast = job["field"][0], job["abreast"]
    for first in range(0, trials, abreast):
        count = min(abreast, trials - first)
        yield Stage(
            name=f"trials {first + 1} to {first + count}",
            seconds=(job["epochs"] / trials,) * count,
            is_spread=count > 1,
        )


def _moved(document: Mapping[str, Any]) -> int:
    """Return the bytes of lineages there and back, and of reference models' answers."""
    parameters, moved = document["measured"]["parameters"], 0
    samples = document["samples"] or document["measured"]["samples"] or 0
    # Where classes are not known before the data are read, two: the least there can be.
    classes = document["classes"] or 2
    for job in document["jobs"]:
        if job["field"]:
            models = 2 if job["twins"] else 1
            moved += 2 * STATE * parameters * models * sum(job["field"])
        elif job["name"].startswith("reference models"):
            moved += job["models"] * samples * (classes * FLOAT + 1)
    return moved
