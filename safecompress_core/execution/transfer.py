"""Files of a unit on their way to another machine and back, each by the SHA-256 of its content.

What a unit reads is sent once, however many units read it; what comes back are the files that it
has written or changed. The file that marks the unit as done is written last.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.execution.units import Unit

__all__ = ["Changes", "files_to_send", "find_changes", "plugin_files", "take_changes", "unpack"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Changes that a unit has made to its folder.

    Attributes:
        written: content of each new or changed file, by its path in the folder.
        removed: files that were sent and are gone.
    """

    written: Mapping[str, bytes]
    removed: tuple[str, ...]


def files_to_send(unit: Unit) -> Iterator[Path]:
    """Yield the files that a unit reads, in order; hidden ones and their folders are left out."""
    paths = {path for pattern in unit.reads for path in unit.folder.glob(pattern)}
    for path in sorted(paths):
        if path.is_file() and not _is_hidden(path, unit.folder):
            yield path


def plugin_files(unit: Unit) -> tuple[Path, ...]:
    """Return the single-file plugins of a unit."""
    return () if unit.plugins_dir is None else tuple(sorted(unit.plugins_dir.glob("*.py")))


def sha256_of(content: bytes) -> str:
    """Return the name of a content."""
    return hashlib.sha256(content).hexdigest()


def unpack(contents: Iterable[tuple[str, bytes]], folder: Path) -> dict[str, str]:
    """Write files into a folder, and return the SHA-256 of each by its path there."""
    digests: dict[str, str] = {}
    for name, content in contents:
        write_bytes(folder / name, content)
        digests[name] = sha256_of(content)
    return digests


def find_changes(folder: Path, sent: Mapping[str, str]) -> Changes:
    """Return the changes of a folder since these files were sent.

    Args:
        folder: where the unit was done.
        sent: the SHA-256 of each file that was sent, by its path in the folder.
    """
    names = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _is_hidden(path, folder)
    }
    contents = ((name, path.read_bytes()) for name, path in names.items())
    written = {name: content for name, content in contents if sent.get(name) != sha256_of(content)}
    return Changes(written=written, removed=tuple(sorted(set(sent) - set(names))))


def take_changes(
    changes: Changes, unit: Unit, *, write: Callable[[Path, bytes], None] = write_bytes
) -> None:
    """Make the changes of a unit in its folder here; with its mark, the last, the unit is done."""
    for name in changes.removed:
        (unit.folder / name).unlink(missing_ok=True)
    # False sorts before True.
    for name in sorted(changes.written, key=lambda name: (name == unit.mark, name)):
        write(unit.folder / name, changes.written[name])


def _is_hidden(path: Path, folder: Path) -> bool:
    """Return whether a path is of a lock, or of something that is not complete."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
