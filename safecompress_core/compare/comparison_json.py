"""Record of a comparison, ``comparison.json``, and the files derived from it."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.compare.comparison_table import FinishedVariant, build_table
from safecompress_core.compare.learning_curves import learning_curves
from safecompress_core.compare.runner import Failure
from safecompress_core.compare.training_cost import budget_notes
from safecompress_core.errors import RunDirectoryError
from safecompress_core.report.comparison.variants_page import render
from safecompress_core.report.comparison.variants_text import as_csv, as_latex, as_markdown
from safecompress_core.results.command_line import Invocation
from safecompress_core.results.directory import read_json, write_json
from safecompress_core.results.schema import COMPARISON_VERSION, ComparisonResults, FailureRecord
from safecompress_core.specfile.models.comparison import Comparison

__all__ = ["comparison_document", "first_invocation", "spec_hash", "write_record"]


def spec_hash(comparison: Comparison) -> str:
    """SHA-256 over the resolved specs of all runs: the same for the same comparison."""
    # The resolved specs, so that a changed default is another comparison.
    resolved = [entry.loaded.resolved for entry in comparison.entries]
    return hashlib.sha256(json.dumps(resolved, sort_keys=True).encode()).hexdigest()


def comparison_document(
    comparison: Comparison,
    done: Sequence[FinishedVariant],
    failures: Sequence[Failure],
    *,
    invoked: Invocation | None,
    environment: Path,
) -> ComparisonResults:
    """The content of ``comparison.json``.

    Args:
        comparison: what was asked for.
        done: its finished runs.
        failures: those that could not be finished.
        invoked: the command line that it was made with; None where Python code asked for it.
        environment: the ``environment.json`` of one of the runs.

    Raises:
        RunDirectoryError: if no run was finished, or runs of one seed are of different data.
    """
    # Without any run there is no uncompressed model, so no table either.
    if not done:
        reasons = "; ".join(f"{failure.label}: {failure.reason}" for failure in failures)
        raise RunDirectoryError(f"no run of the comparison could be finished: {reasons}")
    spec = comparison.spec
    return ComparisonResults(
        version=COMPARISON_VERSION,
        name=spec.name,
        command=None if invoked is None else invoked.line,
        directory=None if invoked is None else invoked.directory,
        sha256=spec_hash(comparison),
        seeds=tuple(spec.seeds),
        densities=tuple(spec.densities),
        budgets=tuple(spec.budgets),
        mia=spec.mia,
        environment=read_json(environment),
        variants=build_table(done, mia=spec.mia),
        courses=learning_curves(done),
        notes=tuple(budget_notes(comparison.entries)),
        failures=tuple(
            FailureRecord(label=failed.label, reason=failed.reason) for failed in failures
        ),
    )


def first_invocation(comparison: Comparison, folder: Path) -> Invocation | None:
    """The command line that the same comparison was first finished with; None if none was."""
    place = folder / "comparison.json"
    document = read_json(place) if place.exists() else {}
    # A record of another comparison says nothing of this one's command, and Python code has none.
    if document.get("sha256") != spec_hash(comparison) or document["command"] is None:
        return None
    return Invocation(line=document["command"], directory=document["directory"])


def write_record(folder: Path, content: ComparisonResults) -> None:
    """Write ``comparison.json`` and its renderings as CSV, Markdown, LaTeX and one HTML page."""
    # JSON first: the other files can be rendered from it again.
    write_json(folder / "comparison.json", content.to_json())
    for suffix, rendered in (
        ("csv", as_csv),
        ("md", as_markdown),
        ("tex", as_latex),
        ("html", render),
    ):
        write_bytes(folder / f"comparison.{suffix}", rendered(content).encode())
