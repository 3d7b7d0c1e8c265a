"""What is wrong with a spec, where, and what to write instead."""

from dataclasses import dataclass

__all__ = ["OVERRIDE", "Problem", "SpecPath", "dotted"]

OVERRIDE = "--set "
"""What the file of a problem begins with if the problem stands in an override."""
OPTION = "--"
"""What it begins with if the problem stands on the command line: there, or in another option."""

SpecPath = tuple[str | int, ...]


def dotted(path: SpecPath) -> str:
    """A path as a spec's user writes it: ``attackers.1.type``."""
    return ".".join(map(str, path))


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong, fit for a user; ordered by its position.

    Attributes:
        file: as the user named it; ``--set a.b=c`` for an override.
        line: from 1.
        column: from 1.
        path: the field, ``attackers.1.type``; empty where the file as a whole is meant.
        message: what is wrong.
        mend: what to write instead.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    mend: str

    @property
    def is_override(self) -> bool:
        """Whether it stands on the command line rather than in a file."""
        return self.file.startswith(OPTION)

    def __str__(self) -> str:
        field = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {field}{self.message}; {self.mend}"
