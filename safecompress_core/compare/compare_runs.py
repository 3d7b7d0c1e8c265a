"""A comparison from its plan to its record: every run done, the folder held meanwhile."""

from collections.abc import Callable

from safecompress_core.compare.comparison_json import (
    comparison_document,
    first_invocation,
    write_record,
)
from safecompress_core.compare.comparison_plan import Pace, plan_comparison
from safecompress_core.compare.folder import lock_folder
from safecompress_core.compare.runner import ComparisonJob, run_comparison
from safecompress_core.data.dataset import Dataset
from safecompress_core.execution.settings import Execution
from safecompress_core.host import PluginHost
from safecompress_core.report.formatting import duration
from safecompress_core.results.schema import ComparisonResults
from safecompress_core.runs.run import run_directory
from safecompress_core.specfile.models.comparison import Comparison, ComparisonRun

__all__ = ["compare_runs"]


def compare_runs(
    comparison: Comparison,
    host: PluginHost,
    job: ComparisonJob,
    *,
    execution: Execution,
    dataset_cache: dict[str, Dataset],
    say: Callable[[str], None],
) -> ComparisonResults:
    """Do what is left of a comparison, and write down what came of it.

    One comparison per folder at a time; another waits, since it would train the same models.

    Args:
        comparison: what there is to do; `require_all_feasible` has accepted it.
        host: what its components are made of, and who receives events.
        job: how it is done, and where it goes.
        execution: what does the runs.
        dataset_cache: data that this process has loaded.
        say: receives a line for each finished run.

    Raises:
        RunDirectoryError: if no run could be finished.
    """
    folder = job.folder

    def say_waiting() -> None:
        say(f"{folder}: another comparison is at work here; waiting for it")

    with lock_folder(folder, waiting=say_waiting):
        done, failures = run_comparison(
            comparison,
            host.registry,
            job,
            execution=execution,
            report_run=_lines(comparison, host, job, say),
            observers=host.notify,
            dataset_cache=dataset_cache,
        )
        finished = (
            run_directory(entry.loaded, host.registry, folder / "runs") / "environment.json"
            for entry in comparison.entries
        )
        content = comparison_document(
            comparison,
            done,
            failures,
            invoked=first_invocation(comparison, folder) or job.invoked,
            # The environment of any finished run, since all ran in this one.
            environment=next(path for path in finished if path.exists() or not done),
        )
        write_record(folder, content)
        return content


def _lines(
    comparison: Comparison, host: PluginHost, job: ComparisonJob, say: Callable[[str], None]
) -> Callable[[ComparisonRun, str | None], None]:
    """Return what says a line for a run that has ended: which one, and the time left."""
    total, count_done = len(comparison.entries), [0]
    # The estimate is refined by each run that ends.
    pace = Pace(plan_comparison(comparison, host.registry, job.folder))

    def report_run(entry: ComparisonRun, reason: str | None) -> None:
        count_done[0] += 1
        pace.add_run(entry.label)
        outcome = f"could not be finished: {reason}" if reason else "done"
        left = "" if pace.left is None else f"; about {duration(pace.left)} left"
        place = f"{count_done[0]:{len(str(total))}}/{total}"
        say(f"[{place}] {entry.label}: {outcome}{left}")

    return report_run
