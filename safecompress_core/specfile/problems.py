"""Problems of a spec: position, rule and hint."""

from dataclasses import dataclass

from safecompress_core.problems import SpecPath

__all__ = ["OVERRIDE", "LocatedProblem", "SpecPath", "dotted_path", "printable", "shorten"]

OVERRIDE = "--set "
"""What the file of a problem begins with if the problem stands in an override."""
OPTION = "--"
"""What it begins with if the problem stands on the command line: there, or in another option."""

LENGTH = 80
"""The longest text of a spec that a message repeats whole."""


def dotted_path(path: SpecPath) -> str:
    """Return a path as a spec's user writes it: ``attackers.1.type``."""
    return ".".join(shorten(str(step)) for step in path)


def shorten(text: str) -> str:
    """Return a text that fits into a message: its begin, if it is long.

    >>> shorten("x" * 200) == "x" * 77 + "..."
    True
    """
    return text if len(text) <= LENGTH else f"{text[: LENGTH - 3]}..."


def printable(text: str) -> str:
    r"""Return a text with escapes for what a terminal would obey or could not encode.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    if text.isprintable():
        return text
    return "".join(
        # ascii() escapes as Python does; the quotes around are cut off.
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1]
        for letter in text
    )


@dataclass(frozen=True, slots=True, order=True)
class LocatedProblem:
    """A problem at its position in a file, fit for a user; ordered by its position.

    Attributes:
        file: as the user named it; ``--set a.b=c`` for an override.
        line: from 1; 0 where the value stands in no text, but in a dictionary.
        column: from 1; likewise.
        path: the field, ``attackers.1.type``; empty where the file as a whole is meant.
        message: what is wrong.
        hint: what to write instead.
    """

    file: str
    line: int
    column: int
    path: str
    message: str
    hint: str

    @property
    def is_override(self) -> bool:
        """Return whether the position is on the command line rather than in a file."""
        return self.file.startswith(OPTION)

    def __str__(self) -> str:
        # A key may contain a line break, which would split the message.
        field = f"{self.path}: ".replace("\n", r"\n") if self.path else ""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return printable(f"{place}: {field}{self.message}; {self.hint}")
