"""Two workers of one thread against one worker of two threads, and what Ray adds to a unit.

Each pair is measured one right after the other, so that what else the machine does meets both.
Ratios of seconds mean something on a quiet machine alone, so the load is printed; processor seconds
are those of all processes of a command, whatever else runs. The schedules of larger fields are
simulated.

    python benchmarks/executors.py --pairs 2
    python benchmarks/executors.py --only ray
"""

import argparse
import ctypes
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from safecompress_core.execution.schedule import Stage, simulate
from safecompress_core.execution.settings import Execution, open_executor
from safecompress_core.execution.units import Unit
from safecompress_core.execution.worker_plan import OVERHEAD, START

TASK: dict[str, Any] = {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [256]}}
GROW = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
BASE: dict[str, Any] = {"version": 1, "name": "work", "device": "cpu", "task": TASK}
THRESHOLD = [{"type": "loss-threshold"}]
PARTS = ("comparison", "references", "race", "check", "ray", "schedules")


def race(epochs: int) -> dict[str, Any]:
    """Six lineages with twins, 24 lineages in all its rounds."""
    strategy = {**GROW, "set": {"density": [0.2, 0.1], "learning_rate": [0.5, 0.25]}}
    method = {"type": "test-driven", "density": 0.3, "strategies": [strategy]}
    return {
        **BASE,
        "training": {"epochs": epochs, "batch_size": 32},
        "method": method,
        "attackers": [{"type": "counterfactual"}],
        "audit": {"attackers": THRESHOLD},
    }


def references(epochs: int) -> dict[str, Any]:
    """Sixteen reference models: eight as the uncompressed one, eight as the compressed one."""
    return {
        **BASE,
        "training": {"epochs": epochs, "batch_size": 32},
        "method": {"type": "prune", "density": 0.5},
        "audit": {"attackers": [{"type": "calibrated", "references": 8}]},
    }


def comparison(epochs: int, folder: Path) -> dict[str, Any]:
    """Eight runs: two variants with four seeds."""
    base = {
        **BASE,
        "training": {"epochs": epochs, "batch_size": 32},
        "method": {"type": "prune", "density": 0.5},
        "audit": {"attackers": THRESHOLD},
    }
    (folder / "base.json").write_text(json.dumps(base))
    variants = [
        {"name": f"prune-{percent}", "method": {"density": percent / 100}} for percent in (50, 20)
    ]
    return {
        "version": 1, "name": "work", "base": str(folder / "base.json"), "seeds": [1, 2, 3, 4],
        "variants": variants,
    }  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Time that a command has taken.

    Attributes:
        seconds: of the command, or of one phase of its run.
        processor: seconds that all its processes computed.
    """

    seconds: float
    processor: float

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s (processor {self.processor:.1f} s)"


def adopt_orphans() -> None:
    """Have processes whose parent has ended become children of this one, to count their time."""
    if sys.platform == "linux":
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def processor_seconds() -> float:
    """Processor seconds of all processes that have ended below this one; waits for the others."""
    with suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(
    spec: dict[str, Any],
    folder: Path,
    *,
    workers: int,
    phase: str | None,
    threads: int | None = None,
) -> Taken:
    """Time of a command; of one phase of a run, where it has a name in the results.

    Args:
        spec: of a run or of a comparison.
        folder: for files.
        workers: that the command has.
        phase: of the run; None for the whole command.
        threads: of each worker; by default two among all.
    """
    file = folder / "spec.json"
    file.write_text(json.dumps(spec))
    is_comparison = "base" in spec
    field = "changes.training.threads" if is_comparison else "training.threads"
    with TemporaryDirectory(dir=folder) as place:
        command = ["compare" if is_comparison else "run", str(file), "--workers", str(workers)]
        command += ["--into" if is_comparison else "--runs-dir", place]
        command += ["--set", f"{field}={threads or 2 // workers}"]
        before, begun = processor_seconds(), time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "safecompress", *command],
            check=True,
            capture_output=True,
            env={**os.environ, "OMP_NUM_THREADS": "2"},
        )
        seconds = time.perf_counter() - begun
        if phase is not None:
            [results] = Path(place).glob("*/results.json")
            seconds = float(json.loads(results.read_text())["seconds"][phase])
        return Taken(seconds=seconds, processor=processor_seconds() - before)


def measure(name: str, spec: dict[str, Any], folder: Path, pairs: int, phase: str | None) -> None:
    """Print the ratios of some pairs."""
    for _ in range(pairs):
        load = os.getloadavg()[0]
        one = timed(spec, folder, workers=1, phase=phase)
        two = timed(spec, folder, workers=2, phase=phase)
        print(
            f"{name}: 1 x 2 threads {one}, 2 x 1 thread {two}, ratio "
            f"{one.seconds / two.seconds:.2f} (load {load:.1f})",
            flush=True,
        )


@dataclass(frozen=True, kw_only=True)
class Nothing(Unit):
    """A unit without work."""

    number: int

    @property
    def mark(self) -> str:
        """Return its one file."""
        return f"{self.number}"

    def work(self) -> None:
        """Write a byte."""
        (self.folder / self.mark).write_text("x")


def measure_ray(folder: Path, count: int) -> None:
    """Print the time of a unit without work, after the first ones have started the workers."""
    # By the module's name, as workers import it.
    import executors  # noqa: PLC0415

    units = [executors.Nothing(label=str(n), folder=folder, number=n) for n in range(count)]
    with open_executor(Execution(executor="ray", workers=1)) as executor:
        list(executor.do(units[:3]))
        seconds = []
        for unit in units[3:]:
            begun = time.perf_counter()
            list(executor.do([unit]))
            seconds.append(time.perf_counter() - begun)
    print(
        f"ray: {1000 * statistics.median(seconds):.1f} ms a unit, median of {len(seconds)} "
        f"(90th percentile {1000 * statistics.quantiles(seconds, n=10)[-1]:.1f} ms, load "
        f"{os.getloadavg()[0]:.1f})",
        flush=True,
    )


def check_schedule(folder: Path, epochs: int, pairs: int) -> None:
    """Print how long 16 references take on two workers, and what the simulation makes of one's."""
    spec = references(epochs)
    for _ in range(pairs):
        load = os.getloadavg()[0]
        alone = timed(spec, folder, workers=1, phase="references", threads=1).seconds
        measured = timed(spec, folder, workers=2, phase="references").seconds
        stage = Stage(name="references", seconds=(alone / 16,) * 16)
        schedule = simulate([stage], 2, start=START["processes"], overhead=OVERHEAD)
        print(
            f"16 references, one after the other {alone:.1f} s; on two workers {measured:.1f} s, "
            f"simulated {schedule.seconds:.1f} s (load {load:.1f})",
            flush=True,
        )


def print_schedules() -> None:
    """Print what 256 references and a field of 64 lineages come to, in units of one length."""
    shrinking = [64, 64, 39, 24, 14, 9, 5, 3]
    fields = [
        Stage(name=str(number), seconds=(1.0,) * count) for number, count in enumerate(shrinking)
    ]
    for name, stages in (
        ("256 references", [Stage(name="references", seconds=(1.0,) * 256)]),
        ("a field of 64 lineages, 8 rounds", fields),
    ):
        for workers in (1, 2, 8, 64):
            schedule = simulate(stages, workers)
            print(
                f"{name}, {workers} workers: {schedule.seconds:g} units long, speed-up "
                f"{schedule.speed_up:.1f}, utilisation {schedule.utilisation:.0%}, critical path "
                f"{schedule.critical:g}"
            )


def main() -> None:
    """Print everything, or one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--only", choices=PARTS)
    options = parser.parse_args()
    adopt_orphans()

    def is_wanted(name: str) -> bool:
        return options.only in (None, name)

    with TemporaryDirectory() as place:
        folder, epochs = Path(place), options.epochs
        if is_wanted("comparison"):
            spec = comparison(epochs, folder)
            measure("comparison of 8 runs", spec, folder, options.pairs, None)
        if is_wanted("references"):
            measure("16 references", references(epochs), folder, options.pairs, "references")
        if is_wanted("race"):
            measure("lineages of a race", race(epochs), folder, options.pairs, "compress")
        if is_wanted("check"):
            check_schedule(folder, epochs, options.pairs)
        if is_wanted("ray"):
            measure_ray(folder, 60)
    if is_wanted("schedules"):
        print_schedules()


if __name__ == "__main__":
    main()
