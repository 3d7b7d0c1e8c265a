"""Runs of a comparison as units of work: each is an ordinary run with a directory of its own."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.context.run_context import build_run_context
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import SafeCompressError
from safecompress_core.execution.units import Unit
from safecompress_core.host import Registry, load_plugins
from safecompress_core.results.command_line import Invocation
from safecompress_core.runs.run import run_spec
from safecompress_core.runs.spec_unit import UnitSpec, load_unit_spec, require_identity
from safecompress_core.specfile.models.comparison import ComparisonRun

__all__ = ["Event", "RunDisplay", "RunUnit", "failure_of", "forget_failure", "noting_failure"]

Event: TypeAlias = Mapping[str, Any]

RunDisplay: TypeAlias = Callable[[ComparisonRun], AbstractContextManager[Callable[[Event], None]]]
"""Shows one run: what it yields receives the run's events."""


@dataclass(frozen=True, kw_only=True)
class RunUnit(Unit):
    """Description of one run; its folder is that of the comparison.

    Attributes:
        index: of the run in the comparison.
        directory: the name of its own directory.
        asked: variant, density, budget and seed, as `ComparisonRun` has them.
        spec: of the run.
        invoked: the command line that it records as its own.
        watch: shows it, in whatever process: a function of a module.
    """

    index: int
    directory: str
    asked: Mapping[str, Any]
    spec: UnitSpec
    invoked: Invocation | None
    watch: RunDisplay

    @property
    def mark(self) -> str:
        """Return the record of all files of a finished run."""
        return f"runs/{self.directory}/SHA256SUMS"

    @property
    def reads(self) -> tuple[str, ...]:
        """Return what an earlier attempt has left, and what runs share."""
        return f"runs/{self.directory}/**/*", "shared/**/*"

    def work(self) -> None:
        """Do the run, in a process that has to load everything first."""
        with noting_failure(self.folder, self.index):
            registry = _load_registry(self.plugins_dir, self.plugins_name)
            loaded, cache = load_unit_spec(self.spec, registry), _datasets()
            run_context = build_run_context(loaded, registry, dataset_cache=cache)
            require_identity(self.spec.hashes, run_context)
            with self.watch(ComparisonRun(**self.asked, loaded=loaded)) as shown:
                run_spec(
                    loaded,
                    registry,
                    runs=self.folder / "runs",
                    observers=shown,
                    shared=self.folder / "shared",
                    dataset_cache=cache,
                    invoked=self.invoked,
                )


@lru_cache(maxsize=1)
def _load_registry(plugins_dir: Path | None, plugins_name: str | None) -> Registry:
    return load_plugins(plugins_dir=plugins_dir, plugins_name=plugins_name).registry


@lru_cache(maxsize=1)
def _datasets() -> dict[str, Dataset]:
    """Return the data that this process has loaded for earlier units."""
    return {}


@contextmanager
def noting_failure(folder: Path, index: int) -> Iterator[None]:
    """Write down what stops a run within, instead of stopping the others."""
    try:
        yield
    # Only errors meant for the user; a defect of the program stops the comparison.
    except SafeCompressError as error:
        write_bytes(_note(folder, index), str(error).encode())


def failure_of(folder: Path, index: int) -> str | None:
    """Return what has stopped a run; None for nothing."""
    note = _note(folder, index)
    return note.read_text(encoding="utf-8") if note.exists() else None


def forget_failure(folder: Path, index: int) -> None:
    """Remove the reason of an earlier attempt, which must not outlive a successful one."""
    _note(folder, index).unlink(missing_ok=True)


def _note(folder: Path, index: int) -> Path:
    return folder / "failed" / f"{index}.txt"
