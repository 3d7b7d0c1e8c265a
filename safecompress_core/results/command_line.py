"""Command line that a run was started with, so that its report can say how to run it again."""

from dataclasses import dataclass

__all__ = ["Invocation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """A command line and the working directory that its relative paths, and a spec's, start from.

    Attributes:
        line: the whole command, quoted for a POSIX shell.
        directory: the working directory, absolute.
    """

    line: str
    directory: str

    def to_json(self) -> dict[str, str]:
        """Plain values."""
        return {"line": self.line, "directory": self.directory}
