"""Files and Python sources that a component reads next to its parameters, and their SHA-256.

An implementation declares them with a static method ``reads(params)``; what it declares is hashed
into the identity of every run that names it, and the component itself hashes nothing. Without that
method, each of its path fields counts; of a data source none does, since its samples are hashed.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from safecompress_core.api import Definition, Kind, Params, PathMark
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.paths import local_path

__all__ = [
    "External",
    "ExternalCode",
    "ExternalFiles",
    "implementation",
    "list_externals",
    "list_pretrained_files",
    "package_digest",
    "sha256_of",
]

SOURCES = (".py", ".pyd", ".so")
FOREIGN = ("__pycache__", "node_modules", "site-packages")
"""Folders below a folder of sources that hold no source of its own."""
PRETRAINED = (
    "*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.spm", "*.codes", "*.vocab",
    "*.bpe", "*.tiktoken",
)  # fmt: skip
"""Weights, configuration and vocabulary in a folder that ``save_pretrained`` has written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalFiles:
    """A file or a folder whose content decides what a component does.

    Attributes:
        path: as a spec writes it, so ``~`` and ``${env:NAME}`` are expanded.
        patterns: of a folder, which of its files are read, as ``pathlib.Path.glob`` takes them;
            hidden files never are.
        name: what messages call it; by default the path.
    """

    path: str
    patterns: tuple[str, ...] = ("**/*",)
    name: str = ""

    def files(self) -> tuple[Path, ...]:
        """The files that are there, sorted."""
        place = local_path(self.path)
        # A single file needs no patterns.
        if place.is_file():
            return (place,)
        files = {file for pattern in self.patterns for file in place.glob(pattern)}
        return tuple(sorted(file for file in files if _is_visible(file, place) and file.is_file()))

    def digests(self) -> Iterator[tuple[str, str]]:
        """Return the name of each file and the SHA-256 of its content."""
        place, name = local_path(self.path), Path(self.name or self.path)
        # Relative names: a moved folder with equal content is the same input.
        for file in self.files():
            yield (name / file.relative_to(place)).as_posix(), sha256_of(file)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExternalCode:
    """Python code that a component imports by name.

    Attributes:
        name: ``module:attribute``.
        folder: where it is imported from, as a spec writes it: all sources in it count, since any
            may be imported from there. None for what is installed: then its whole package counts.
    """

    name: str
    folder: str | None = None

    @property
    def place(self) -> Path | None:
        """The folder, resolved."""
        return None if self.folder is None else local_path(self.folder)

    def files(self) -> tuple[Path, ...]:
        """All sources in the folder, sorted."""
        return () if self.place is None else tuple(_sources(self.place))

    def digests(self) -> Iterator[tuple[str, str]]:
        """Return the name of each source file or installed package, and its SHA-256."""
        # The top-level package: submodules import each other.
        top = self.name.partition(":")[0].partition(".")[0]
        is_inside, place = False, self.place
        if place is not None:
            for file in self.files():
                name = Path(str(self.folder)) / file.relative_to(place)
                yield name.as_posix(), sha256_of(file)
            # An installed package of the same name is not the one that is imported from the
            # folder.
            is_inside = PathFinder.find_spec(top, [str(place.resolve())]) is not None
        digest = None if is_inside else package_digest(top)
        if digest is not None:
            yield f"package {top}", digest


External = ExternalFiles | ExternalCode


def list_pretrained_files(path: str, *, name: str = "") -> ExternalFiles:
    """Files that transformers reads of a folder: weights, configuration, tokenizer; no pickles."""
    return ExternalFiles(path=path, patterns=PRETRAINED, name=name)


def implementation(definition: Definition) -> Any:
    """Import what implements a component, without arguments that its manifest has bound."""
    module, _, attribute = definition.target.partition(":")
    target: Any = getattr(import_module(module), attribute)
    # A target may bind arguments by functools.partial, which has no class attributes.
    return target.func if isinstance(target, partial) else target


def list_externals(definition: Definition, params: Params) -> Iterable[External]:
    """Everything that a component reads next to its parameters."""
    # A static method, so that nothing is built only to be hashed.
    reads = getattr(implementation(definition), "reads", None)
    if reads is not None:
        externals: Iterable[External] = reads(params)
        return externals
    # Samples themselves are part of a run's identity, wherever they were read from.
    if definition.kind is Kind.DATA:
        return ()
    return [ExternalFiles(path=text) for _, text in find_marked(params, PathMark)]


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file's content, 64 hexadecimal digits."""
    with file.open("rb") as opened:
        # file_digest reads in blocks; weights may be larger than memory.
        return hashlib.file_digest(opened, "sha256").hexdigest()


def package_digest(name: str) -> str | None:
    """A SHA-256 over the sources of a top-level package or module, which is not imported for it.

    None for the standard library, and for what cannot be found.
    """
    # The standard library changes with the Python version, which is recorded already.
    spec = None if name in sys.stdlib_module_names else _spec_of(name)
    if spec is None:
        return None
    digest = hashlib.sha256()
    for place in map(Path, spec.submodule_search_locations or ()):
        for file in _sources(place):
            # NUL separates name and digest, and can be in neither.
            digest.update(f"{file.relative_to(place).as_posix()}\0{sha256_of(file)}\0".encode())
    # A module of a single file has no search locations.
    if not spec.submodule_search_locations and spec.origin is not None:
        digest.update(sha256_of(Path(spec.origin)).encode())
    return digest.hexdigest()


def _spec_of(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a module that was put into sys.modules by hand
        return None


def _sources(folder: Path) -> Iterator[Path]:
    """All sources in a folder and below, in order; not those of environments in it."""
    for root, folders, names in os.walk(folder):
        # Changed in place, which makes os.walk skip the removed folders.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in FOREIGN
            # pyvenv.cfg marks a virtual environment, whatever it is called.
            and not (Path(root) / name / "pyvenv.cfg").exists()
        )
        yield from (Path(root) / name for name in sorted(names) if name.endswith(SOURCES))


def _is_visible(file: Path, folder: Path) -> bool:
    return not any(part.startswith(".") for part in file.relative_to(folder).parts)
