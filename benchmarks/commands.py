"""CPU time of short commands, as multiples of a bare ``python -c ''``.

Run ``python benchmarks/commands.py [--turns N]`` from the root of the repository. All commands take
turns, so that the ratios hold on a busy machine as well; each time is user and system time of the
process, the least of all turns. A first turn, which does not count, writes the bytecode; with
``--no-bytecode`` nothing is written, as under ``PYTHONDONTWRITEBYTECODE``, and what has none yet is
compiled in each turn.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from resource import RUSAGE_CHILDREN, getrusage

BARE = "python -c ''"
PROGRAM = (sys.executable, "-c", "from safecompress_core.cli import main; main()")
COMMANDS: Mapping[str, tuple[str, ...]] = {
    BARE: (sys.executable, "-c", ""),
    "--help": (*PROGRAM, "--help"),
    "--version": (*PROGRAM, "--version"),
    "plugins list": (*PROGRAM, "plugins", "list"),
    "validate": (*PROGRAM, "validate", "specs/multi_attack.yaml"),
    "schema": (*PROGRAM, "schema"),
}
VARIABLE = "PYTHONDONTWRITEBYTECODE"


def cpu_seconds(command: tuple[str, ...], environment: Mapping[str, str]) -> float:
    """Run a command and return its user and system time."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, capture_output=True, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def least_seconds(environment: Mapping[str, str], *, turns: int) -> dict[str, float]:
    """Return the least of several turns of each command; the commands alternate."""
    seconds = dict.fromkeys(COMMANDS, float("inf"))
    for turn in range(turns + 1):
        for name, command in COMMANDS.items():
            took = cpu_seconds(command, environment)
            if turn > 0:
                seconds[name] = min(seconds[name], took)
    return seconds


def main() -> None:
    """Print milliseconds and ratios to a bare Python as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--no-bytecode", action="store_true")
    asked = parser.parse_args()

    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if asked.no_bytecode:
        environment[VARIABLE] = "1"
    seconds = least_seconds(environment, turns=asked.turns)
    document = {
        "python": sys.version.split()[0],
        "turns": asked.turns,
        "milliseconds": {name: round(1000 * value, 1) for name, value in seconds.items()},
        "times_a_bare_python": {
            name: round(value / seconds[BARE], 1) for name, value in seconds.items()
        },
    }
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
