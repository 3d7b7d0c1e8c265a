"""Problem: what is wrong with a part of a spec, and what to write instead."""

from dataclasses import dataclass

__all__ = ["Problem", "SpecPath"]

SpecPath = tuple[str | int, ...]
"""The steps from a mapping to a value in it: ``("attackers", 1, "type")``."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, wherever it is written; a spec's reader adds file and line.

    Attributes:
        path: the value at fault. A component's own checks give it below the component:
            ``("density",)`` for a parameter, ``("type",)`` for the component as such.
        message: what is wrong.
        hint: what to write instead.
        at_key: whether the key is at fault, rather than the value.
    """

    path: SpecPath
    message: str
    hint: str
    at_key: bool = False

    def within(self, *path: str | int) -> "Problem":
        """Return the same problem as seen from above: its path continues ``path``."""
        # Prefixed by the caller, which knows where the part stands.
        return Problem((*path, *self.path), self.message, self.hint, self.at_key)
