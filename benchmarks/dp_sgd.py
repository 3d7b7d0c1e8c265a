"""Cost of a DP-SGD step: CPU time over a plain step, and the peak of memory.

``dp-sgd / plain step``: steps of the trainer with and without the defence, in turns within one
process, at a density of 1 and at ``--density``; the median over rounds of the ratio of CPU seconds,
with its quartiles.

``--memory`` trains some steps of each way in a process of its own, and prints by how much its
largest resident set exceeds that of the plain steps, next to what all per-sample gradients of the
batch would take.

    OMP_NUM_THREADS=1 python benchmarks/dp_sgd.py [--only mlp] [--rounds 30] [--memory]
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from resource import RUSAGE_SELF, getrusage

import torch
from loop import PERCEPTRON, Case, epochs_in_turns, report, trained_part, trainer_epochs, vgg16

from safecompress_core.api import Params
from safecompress_core.results.environment import reproducible
from safecompress_core.specfile.models.run_spec import Training
from safecompress_core.training.defence import Defence, DefenceInputs
from safecompress_core.training.trainer import Trainer
from safecompress_plugins.defences.training.dp_sgd import DpSgd
from safecompress_plugins.defences.training.manifest import DpSgdParams

MEGABYTE = 2**20
DP_SGD = DpSgdParams(noise=1.0)


CASES: Mapping[str, Case] = {
    "mlp 64-256-128-14": PERCEPTRON,
    "vgg16, a quarter as wide": Case(
        build=lambda: vgg16(0.25, "group"), shape=(3, 32, 32), members=64
    ),
    "vgg16": Case(build=lambda: vgg16(1, "group"), shape=(3, 32, 32), members=64),
}
"""Without batch normalisation, which mixes samples."""
TIMED = ("mlp 64-256-128-14", "vgg16, a quarter as wide")


def make_defence(params: Params, trainer: Trainer) -> Defence:
    """DP-SGD for the steps of a trainer."""
    assert isinstance(params, DpSgdParams)
    defence = DpSgd(params)
    defence.equip(DefenceInputs(schedule=trainer.schedule))
    return defence


def epochs_of(
    case: Case, params: Params | None, *, batch: int, density: float
) -> Callable[[int], None]:
    """Return a function that trains for so many epochs, with the defence or without."""
    # Whole batches, at least one.
    members = max(1, case.members // batch) * batch
    trained = trained_part(
        replace(case, members=members),
        Training(batch_size=batch),
        density=density,
        defences={} if params is None else {"dp-sgd": params},
        defence_of=make_defence,
    )
    return trainer_epochs(*trained)


def report_time(name: str, density: float, options: argparse.Namespace) -> None:
    """Print the ratio of both steps."""
    case = CASES[name]
    ways = {
        "plain": epochs_of(case, None, batch=options.batch, density=density),
        "dp-sgd": epochs_of(case, DP_SGD, batch=options.batch, density=density),
    }
    seconds = epochs_in_turns(ways, "plain", options)
    report(f"{name}, density {density:g}", seconds, "dp-sgd", "plain")


def peak(name: str, batch: int, density: float, *, is_private: bool) -> int:
    """Return the largest resident set of a fresh process after two steps, in bytes."""
    words = [name, str(batch), str(density), "private" if is_private else "plain"]
    # A fresh process: the peak of this one never falls.
    told = subprocess.run(
        [sys.executable, __file__, "--step", *words],
        capture_output=True,
        text=True,
        check=True,
        # Large tensors go back to the system once they are freed.
        env={**os.environ, "MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "0"},
    )
    return int(told.stdout)


def train_and_report(name: str, batch: str, density: str, way: str) -> None:
    """Train two epochs, and print the peak of this process."""
    params = DP_SGD if way == "private" else None
    train = epochs_of(CASES[name], params, batch=int(batch), density=float(density))
    with reproducible(1):
        train(2)
    print(getrusage(RUSAGE_SELF).ru_maxrss * 1024)


def report_memory(name: str, batch: int, density: float) -> None:
    """Print the additional memory of private steps."""
    plain, private = (peak(name, batch, density, is_private=one) for one in (False, True))
    parameters = sum(parameter.numel() for parameter in CASES[name].build().parameters())
    whole = 4 * batch * parameters / MEGABYTE
    more = (private - plain) / MEGABYTE
    print(
        f"{name:<26}batch {batch:<6}density {density:<5g}{more:>8.0f} MB more than "
        f"{plain / MEGABYTE:.0f} MB; all per-sample gradients: {whole:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--density", type=float, default=0.1)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=0.05, help="of a way in a round, at least")
    parser.add_argument("--only", default="", help="networks whose name begins so")
    parser.add_argument("--memory", action="store_true", help="memory instead of time")
    parser.add_argument("--step", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        train_and_report(*options.step)
        return
    names = [name for name in CASES if name.startswith(options.only)]
    if options.memory:
        for name in names:
            # A whole VGG takes minutes for more.
            for batch in (options.batch, 4 * options.batch)[: 2 if name in TIMED else 1]:
                report_memory(name, batch, options.density)
        return
    print(f"torch {torch.__version__}, {options.threads} threads, batches of {options.batch}")
    with reproducible(options.threads):
        for name in (name for name in names if name in TIMED):
            for density in (1.0, options.density):
                report_time(name, density, options)


if __name__ == "__main__":
    main()
