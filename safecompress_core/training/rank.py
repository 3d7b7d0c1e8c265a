"""Rank of this process among those that a launcher (torchrun, accelerate) has started together.

Read from the environment variables that both set; no torch, so that the command line can ask.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Rank", "launched_rank"]

VARIABLES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """Place of a process among those of a data-parallel run.

    Attributes:
        number: from 0; the process with 0 leads: it alone writes and prints.
        size: number of processes.
        local: number on this machine, from 0, which is the number of its GPU.
    """

    number: int = 0
    size: int = 1
    local: int = 0

    @property
    def is_leader(self) -> bool:
        """Return whether this process writes and prints."""
        return self.number == 0


def launched_rank(environment: Mapping[str, str] | None = None) -> Rank:
    """Return this process's rank; that of a single process where no launcher is at work.

    Args:
        environment: variables by name; those of this process by default.
    """
    variables = os.environ if environment is None else environment
    if not all(name in variables for name in VARIABLES):
        return Rank()
    return Rank(
        number=int(variables["RANK"]),
        size=int(variables["WORLD_SIZE"]),
        local=int(variables.get("LOCAL_RANK", 0)),
    )
