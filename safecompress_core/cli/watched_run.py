"""A run from a loaded spec to its directory, watched by a display if there is one."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from safecompress_core.errors import TrainingDivergedError
from safecompress_core.specfile.load import LoadedSpec

if TYPE_CHECKING:
    from safecompress_core.cli.display.observer import Display
    from safecompress_core.execution.settings import Execution
    from safecompress_core.host import PluginHost
    from safecompress_core.results.command_line import Invocation
    from safecompress_core.runs.run import FinishedRun

__all__ = ["watched_run"]


def watched_run(
    loaded: LoadedSpec,
    host: "PluginHost",
    *,
    runs: Path,
    display: "Display | None",
    execution: "Execution | None" = None,
    plugins_dir: Path | None = None,
    invoked: "Invocation | None" = None,
) -> "FinishedRun":
    """Do what a spec says, as `safecompress_core.runs.run.run_spec` does.

    Args:
        loaded: a valid spec.
        host: what its components are made of, and who receives events.
        runs: where run directories are made.
        display: shows the progress; None for nothing.
        execution: what does units of work; this process by default.
        plugins_dir: where single-file plugins are, for other processes to load.
        invoked: the command line that asks for it; None where Python code does.

    Raises:
        TrainingDivergedError: if a loss is no longer a number; it names the last finished round.
    """
    with display or nullcontext():
        # Imported inside, so that the display is up while torch loads.
        from safecompress_core.execution.settings import HERE, begin_to_start

        begin_to_start(execution or HERE)
        from safecompress_core.runs.run import run_directory, run_spec  # slow: torch
        from safecompress_core.training.data_parallel import join_group

        if display is not None:
            host.add_observer("terminal display", display)
        try:
            with join_group(loaded.spec.device):
                return run_spec(
                    loaded,
                    host.registry,
                    runs=runs,
                    observers=host.notify,
                    execution=execution or HERE,
                    plugins_dir=plugins_dir,
                    invoked=invoked,
                )
        except TrainingDivergedError as error:
            checkpoint = _describe_checkpoint(run_directory(loaded, host.registry, runs))
            raise TrainingDivergedError(f"{error}\n{checkpoint}") from error


def _describe_checkpoint(directory: Path) -> str:
    """Return what an interrupted run has kept, and its path."""
    checkpoints = {
        # Numeric: round-10 follows round-9.
        int(record.parent.name.removeprefix("round-")): record.parent
        for record in (directory / "checkpoints").rglob("round-*/record.json")
    }
    if not checkpoints:
        return f"no round was finished; what there is lies in {directory}"
    last = max(checkpoints)
    return f"the last finished round, {last}, is kept in {checkpoints[last]}"
