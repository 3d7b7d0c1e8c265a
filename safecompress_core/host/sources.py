"""Sources of plugins: installed distributions and single files."""

import hashlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from types import ModuleType

from safecompress_core.errors import SafeCompressError

__all__ = [
    "FILE_MODULE",
    "GROUP",
    "OWN_DISTRIBUTION",
    "Origin",
    "PluginSource",
    "Selection",
    "SkippedPlugin",
    "files_in",
    "find_installed",
    "format_error",
    "normalise_name",
]

GROUP = "safecompress"
# A prefix, so that a file called 'torch.py' never hides a package.
FILE_MODULE = "safecompress_file_"
"""What the module of a single-file plugin is called, before the file's own name."""
OWN_DISTRIBUTION = "safecompress"

FILE_VERSION = "sha256:"
"""Beginning of the version of a single-file plugin."""

ALLOW = "SAFECOMPRESS_PLUGINS"
BLOCK = "SAFECOMPRESS_BLOCK_PLUGINS"
STRICT = "SAFECOMPRESS_STRICT_PLUGINS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Plugin, distribution and version of a component.

    Attributes:
        plugin: the entry point's name, or the file name of a single-file plugin.
        distribution: the package it came with, or the folder of a single-file plugin.
        version: the package's version, or a hash of the file.
    """

    plugin: str
    distribution: str
    version: str

    @property
    def is_built_in(self) -> bool:
        """Return whether it is part of SafeCompress itself, whose tests cover it."""
        return normalise_name(self.distribution) == OWN_DISTRIBUTION

    @property
    def is_file(self) -> bool:
        """Return whether it is a single-file plugin."""
        return self.version.startswith(FILE_VERSION)

    @property
    def name(self) -> str:
        """Return the name under which the plugin is registered."""
        return f"{self.distribution}:{self.plugin}"

    @property
    def package(self) -> str:
        """Distribution and version, as errors show them."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedPlugin:
    """A plugin that was found and is not used.

    Attributes:
        origin: which one.
        reason: why, in one line.
        is_broken: False where the user asked for it to be left out.
    """

    origin: Origin
    reason: str
    is_broken: bool = True

    def __str__(self) -> str:
        return f"{self.origin.package}: {self.origin.plugin} ({self.reason})"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginSource:
    """A plugin that can be loaded; ``load`` runs its code and may raise anything."""

    origin: Origin
    load: Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Distributions that may be loaded, and whether a broken one is an error.

    Attributes:
        allowed: the only third-party distributions to load; None for all of them. SafeCompress's
            own distribution needs no allowance, since nothing runs without it.
        blocked: distributions not to load, even if allowed.
        is_strict: whether any breakage ends the program.
    """

    allowed: frozenset[str] | None
    blocked: frozenset[str]
    is_strict: bool

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Selection":
        """Read ``SAFECOMPRESS_PLUGINS``, ``_BLOCK_PLUGINS`` and ``_STRICT_PLUGINS``.

        An empty ``SAFECOMPRESS_PLUGINS`` allows no third party; an unset one allows all.

        Raises:
            SafeCompressError: if ``SAFECOMPRESS_STRICT_PLUGINS`` is neither 0 nor 1.
        """
        strict = environ.get(STRICT, "")
        if strict not in {"", "0", "1"}:
            raise SafeCompressError(f"{STRICT} is {strict!r}; write 1 or 0")
        allowed = environ.get(ALLOW)
        return cls(
            allowed=None if allowed is None else _names(allowed),
            blocked=_names(environ.get(BLOCK, "")),
            is_strict=strict == "1",
        )

    def refusal(self, distribution: str) -> str | None:
        """Return the reason to leave out a distribution, or None."""
        name = normalise_name(distribution)
        if name in self.blocked:
            return f"blocked by {BLOCK}"
        # Our own distribution needs no listing, or every list would have to repeat it.
        if self.allowed is not None and name not in {*self.allowed, OWN_DISTRIBUTION}:
            return f"not listed in {ALLOW}"
        return None


def normalise_name(distribution: str) -> str:
    """A distribution's name as package indexes compare it (PEP 503).

    >>> normalise_name("Acme_Attacks")
    'acme-attacks'
    """
    return re.sub(r"[-_.]+", "-", distribution).lower()


def format_error(error: BaseException) -> str:
    """An error in one line, with its type."""
    # Several lines would break the tables that show it.
    return f"{type(error).__name__}: {' '.join(str(error).split())}".removesuffix(": ")


def find_installed(selection: Selection) -> Iterator[PluginSource | SkippedPlugin]:
    """Every entry point of the group, of each distribution on ``sys.path``, in name order.

    What the selection leaves out is not loaded, and is reported as skipped.
    Distributions are read one by one: a damaged ``entry_points.txt``, which makes
    ``importlib.metadata.entry_points`` raise for everyone, costs only its own plugins.
    """
    seen: set[str] = set()
    sources: list[PluginSource | SkippedPlugin] = []
    for distribution in distributions():
        # Read as text first: parsing the entry points of every distribution is slow.
        if f"[{GROUP}]" not in (distribution.read_text("entry_points.txt") or ""):
            continue
        origin = _origin(distribution)
        if normalise_name(origin.distribution) in seen:
            continue  # hidden by the same distribution earlier on the path, as for any import
        seen.add(normalise_name(origin.distribution))
        refusal = selection.refusal(origin.distribution)
        points = _entry_points(distribution, origin)
        sources += [_left_out(point.origin, refusal) for point in points] if refusal else points
    # By name rather than by sys.path, so that reports are the same on every machine.
    yield from sorted(sources, key=lambda source: source.origin.name)


def files_in(folder: Path, *, name: str | None = None) -> Iterator[PluginSource]:
    """Every ``*.py`` of a folder but those that start with an underscore, in name order.

    The file becomes a module of its own name behind ``safecompress_file_``; as a target it writes
    ``f"{__name__}:Class"``.

    Args:
        folder: where the files are.
        name: what records call the folder, where these files are copies from it.

    Raises:
        SafeCompressError: if the folder does not exist.
    """
    # glob() of a missing folder is empty, which would hide a typing error.
    if not folder.is_dir():
        raise SafeCompressError(f"--plugins-dir: there is no folder {str(folder)!r}")
    for path in sorted(folder.glob("*.py")):
        if not path.name.startswith("_"):
            # A file has no version, so its content is one.
            digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
            origin = Origin(
                plugin=path.name,
                distribution=name or str(folder),
                version=f"{FILE_VERSION}{digest}",
            )
            # A default argument binds the path of this iteration.
            yield PluginSource(origin=origin, load=lambda path=path: _module_of(path))  # type: ignore[misc]


def _names(text: str) -> frozenset[str]:
    return frozenset(normalise_name(name.strip()) for name in text.split(",") if name.strip())


def _origin(distribution: Distribution) -> Origin:
    try:
        name, version = distribution.metadata["Name"], distribution.version
    except Exception:  # METADATA is gone or unreadable: any of a dozen errors, by Python version
        name, version = None, None
    return Origin(
        plugin="entry_points.txt",
        distribution=name or "a distribution without a name",
        version=version or "of unknown version",
    )


def _entry_points(distribution: Distribution, origin: Origin) -> list[PluginSource | SkippedPlugin]:
    try:
        points = list(distribution.entry_points.select(group=GROUP))
    except Exception as error:
        # A broken distribution is reported like a broken plugin.
        return [SkippedPlugin(origin=origin, reason=format_error(error))]
    return [_source(point, origin) for point in points]


def _left_out(origin: Origin, refusal: str) -> SkippedPlugin:
    return SkippedPlugin(origin=origin, reason=refusal, is_broken=False)


def _source(point: EntryPoint, origin: Origin) -> PluginSource:
    return PluginSource(origin=replace(origin, plugin=point.name), load=point.load)


def _module_of(path: Path) -> ModuleType:
    name = f"{FILE_MODULE}{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, so that pydantic finds the names it refers to
    try:
        spec.loader.exec_module(module)
    # BaseException: a module that failed must not stay importable, whatever ended it.
    except BaseException:
        del sys.modules[name]
        raise
    return module
