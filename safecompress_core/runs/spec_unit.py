"""Units of work that start from a run's spec, which a worker loads and whose data it checks."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.errors import ExecutionError
from safecompress_core.execution.units import Unit
from safecompress_core.host import Registry, load_plugins
from safecompress_core.results.environment import reproducible
from safecompress_core.results.identity import identity_changes
from safecompress_core.results.run_id import find_definitions
from safecompress_core.runs.failure_attribution import naming_code_of
from safecompress_core.specfile.load import LoadedSpec, compose_spec, load_spec
from safecompress_core.specfile.placing import locating

__all__ = [
    "SpecUnit",
    "UnitSpec",
    "load_unit_spec",
    "needed_distributions",
    "require_identity",
    "unit_settings",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitSpec:
    """Spec of a unit as text, which other processes load to the same spec.

    Attributes:
        resolved: the resolved spec, as JSON.
        identity: hashes of samples, files and code that it names, as JSON.
        allow_code: whether it may import code that it names.
    """

    resolved: str
    identity: str
    allow_code: bool

    @property
    def hashes(self) -> dict[str, str]:
        """Return the identity."""
        hashes: dict[str, str] = json.loads(self.identity)
        return hashes

    @classmethod
    def of(cls, context: SpecContext) -> Self:
        """Return that of a run or an audit; its samples are hashed."""
        return cls(
            resolved=json.dumps(context.loaded.resolved),
            identity=json.dumps(context.identity()),
            allow_code=context.loaded.allow_code,
        )


@dataclass(frozen=True, kw_only=True)
class SpecUnit(Unit):
    """Unit of a run.

    Attributes:
        spec: of the run.
    """

    spec: UnitSpec

    @contextmanager
    def in_context(self) -> Iterator[RunContext]:
        """Yield the run's context; within, errors name components, and torch gives the same bytes.

        Raises:
            ExecutionError: if samples, files or code are not those of the driver.
        """
        run_context = _load(self.spec, self.plugins_dir, self.plugins_name)
        loaded, registry = run_context.loaded, run_context.registry
        with locating(loaded), naming_code_of(loaded, registry), reproducible(self.threads):
            yield run_context


@lru_cache(maxsize=1)
def _load(spec: UnitSpec, plugins_dir: Path | None, plugins_name: str | None) -> RunContext:
    """Return the context, of which a process keeps the last."""
    registry = load_plugins(plugins_dir=plugins_dir, plugins_name=plugins_name).registry
    run_context = build_run_context(load_unit_spec(spec, registry), registry)
    # Samples or code may have changed since the run began, or be others on this machine.
    require_identity(spec.hashes, run_context)
    return run_context


def load_unit_spec(spec: UnitSpec, registry: Registry) -> LoadedSpec:
    """Return the spec of a unit."""
    composed = compose_spec(json.loads(spec.resolved), ())
    return load_spec(composed, registry=registry, allow_code=spec.allow_code)


def require_identity(known: Mapping[str, str], context: SpecContext) -> None:
    """Check that samples, files and code are those that a unit was made with.

    Raises:
        ExecutionError: with what differs.
    """
    if changes := identity_changes(known, context.identity()):
        raise ExecutionError(
            f"a worker reads other data than this process: {', '.join(changes)}; the files of a "
            "spec must be the same at the same paths on each machine, and stay so meanwhile"
        )


def unit_settings(run_context: RunContext) -> dict[str, Any]:
    """Return threads and device of units of a run."""
    return {"threads": run_context.threads, "device": run_context.device.type}


def needed_distributions(
    resolved: Mapping[str, Any], registry: Registry
) -> tuple[tuple[str, str | None], ...]:
    """Return name and version of the distributions whose plugins a spec names.

    Single-file plugins are none: they are sent to workers.
    """
    origins = map(registry.origin, find_definitions(resolved, registry))
    needed = {origin.distribution: origin.version for origin in origins if not origin.is_file}
    return tuple(needed.items())
