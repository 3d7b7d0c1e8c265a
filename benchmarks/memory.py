"""Time and peak memory of whole runs against the number of samples and of parameters.

    OMP_NUM_THREADS=1 python benchmarks/memory.py --samples 1000 10000 200000 --references 4
    OMP_NUM_THREADS=1 python benchmarks/memory.py --samples 2000 --hidden 16 160 1600 9000

Each row is one `safecompress run` of made-up data in a process of its own: one epoch of dense and
one of sparse training, a test, an audit, and reference models if asked for. Memory is the largest
resident set that the operating system has recorded for the process (`resource`, ru_maxrss), and
processor seconds are those of the process, whatever else the machine does.
"""

import argparse
import os
import subprocess
import sys
import time
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML

KIB_A_GIB = 2**20  # ru_maxrss is in KiB on Linux

CHILD = """
import json, resource, sys
from pathlib import Path
from safecompress_core.host import load_plugins
from safecompress_core.runs.run import run_spec
from safecompress_core.specfile.load import load_spec
registry = load_plugins().registry
loaded = load_spec(Path(sys.argv[1]), registry=registry)
run_spec(loaded, registry, runs=Path(sys.argv[2]), observers=lambda _: None)
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def spec(samples: int, features: int, classes: int, hidden: int, references: int) -> dict[str, Any]:
    """Return the spec of one run; with references RMIA asks for them."""
    audit: list[dict[str, Any]] = [{"type": "modified-entropy"}]
    if references:
        audit.append({"type": "rmia", "references": references})
    return {
        "version": 1,
        "name": "memory",
        "device": "cpu",
        "task": {
            "data": {
                "type": "made-up",
                "samples": samples,
                "classes": classes,
                "shape": [features],
            },
            "model": {"type": "mlp", "hidden": [hidden]},
        },
        "training": {"epochs": 1, "batch_size": min(1024, samples // 8)},
        "method": {"type": "rigl", "density": 0.2, "update_every": 1},
        "attackers": [{"type": "loss-threshold"}],
        "audit": {"attackers": audit},
    }


def measure(content: dict[str, Any]) -> tuple[float, float, float]:
    """Return seconds, processor seconds and peak GiB of a run, the start of Python included."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        YAML().dump(content, path)
        began = time.perf_counter()
        command = [sys.executable, "-c", CHILD, str(path), str(Path(folder) / "runs")]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        seconds = time.perf_counter() - began
        processor, peak = map(float, done.stdout.split()[-2:])
        return seconds, processor, peak / KIB_A_GIB


def main() -> None:
    """Print a row for each combination."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--samples", type=int, nargs="+", default=[1000, 10_000, 200_000])
    parser.add_argument("--features", type=int, default=600)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--hidden", type=int, nargs="+", default=[128])
    parser.add_argument("--references", type=int, default=0)
    given = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("samples  parameters  references  seconds  processor  GiB")
    for samples, hidden in product(given.samples, given.hidden):
        parameters = hidden * (given.features + 1) + given.classes * (hidden + 1)
        content = spec(samples, given.features, given.classes, hidden, given.references)
        seconds, processor, peak = measure(content)
        print(
            f"{samples:7d}  {parameters:10d}  {given.references:10d}  {seconds:7.1f}  "
            f"{processor:9.1f}  {peak:.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
