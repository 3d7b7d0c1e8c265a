"""Objects of the calling process that a spec names by a fingerprint, while a call lasts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

__all__ = ["HeldObjects"]

Held = TypeVar("Held")


class HeldObjects(Generic[Held]):
    """Objects of one kind by their fingerprints."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}

    def get(self, fingerprint: str) -> Held | None:
        """Return the object of a fingerprint; None where it is not held."""
        return self._held.get(fingerprint)

    @contextmanager
    def hold(self, fingerprint: str, value: Held) -> Iterator[None]:
        """Hold an object for a while; calls within each other may hold equal ones."""
        before = self._held.get(fingerprint)
        self._held[fingerprint] = value
        try:
            yield
        finally:
            if before is None:
                del self._held[fingerprint]
            else:
                self._held[fingerprint] = before
