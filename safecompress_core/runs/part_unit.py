"""Parts of a method's work as units, whose worker makes the method's context again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from safecompress_core.context.run_context import PartsElsewhere, RunContext
from safecompress_core.execution.executor import Executor
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import MethodPart
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.runs.spec_unit import SpecUnit, UnitSpec, unit_settings

__all__ = ["DENSE", "METHOD", "PartUnit", "parts_elsewhere"]

DENSE, METHOD = "baseline", "method"
"""Folders of the checkpoints of the uncompressed model and of the method."""


@dataclass(frozen=True, kw_only=True)
class PartUnit(SpecUnit):
    """A part of the method's work; its folder is that of the run's checkpoints.

    Attributes:
        part: which one.
    """

    part: MethodPart

    @property
    def mark(self) -> str:
        """Return the record of its checkpoint."""
        return f"{METHOD}/{self.part.checkpoint}/record.json"

    @property
    def reads(self) -> tuple[str, ...]:
        """Return what it reads itself, and models that its method may start from or ask."""
        shared = (f"{DENSE}/**/*", f"{METHOD}/twin/**/*", f"{METHOD}/held-out-*/*")
        return (*(f"{METHOD}/{name}" for name in self.part.reads), *shared)

    def work(self) -> None:
        """Do it, in a process that has to load everything first."""
        with self.in_context() as run_context:

            @cache
            def big() -> Classifier:
                """Return the uncompressed network; it is trained already."""
                context = run_context.method_context(
                    "baseline",
                    big=None,
                    checkpoints=Checkpoints(self.folder / DENSE),
                    archived=lambda model: self.folder / model,
                    events=EventLog(),
                )
                return Uncompressed(UncompressedParams()).run(context).chosen.network

            context = run_context.method_context(
                "method",
                big=big,
                checkpoints=Checkpoints(self.folder / METHOD),
                archived=lambda model: self.folder / model,
                events=EventLog(),
            )
            run_context.method.do_part(context, self.part)


def parts_elsewhere(
    run_context: RunContext, checkpoints: Path, executor: Executor, plugins_dir: Path | None
) -> PartsElsewhere | None:
    """Return what does parts of a method by an executor; None for one that is this process.

    Args:
        run_context: of the run.
        checkpoints: the folder of its checkpoints.
        executor: does the parts.
        plugins_dir: where single-file plugins are.
    """
    if executor.is_local:
        return None

    @cache
    def spec() -> UnitSpec:
        # Samples are hashed for it, once for all parts.
        return UnitSpec.of(run_context)

    def do_parts(parts: Sequence[MethodPart]) -> Iterator[MethodPart]:
        units = [
            PartUnit(
                label=part.label,
                folder=checkpoints,
                plugins_dir=plugins_dir,
                spec=spec(),
                part=part,
                **unit_settings(run_context),
            )
            for part in parts
        ]
        for unit in executor.do(units):
            yield unit.part

    return do_parts
