"""One page that holds a run: the verdict first, then its evidence, then how to run it again.

The page is a function of the run directory's ``results.json``, ``spec.resolved.yaml``,
``environment.json`` and ``scores.parquet``, and of nothing else: no clock, no path. It needs no
other file and no network; without its script the figures are static, and all else is the same.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from ruamel.yaml import YAML

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.report import audit_only as alone
from safecompress_core.report import contents, summary, verdict, worst_cases
from safecompress_core.report import formatting as words
from safecompress_core.report.audit_only import swap_findings
from safecompress_core.report.behaviours import changes
from safecompress_core.report.behaviours.change_figures import change_figures
from safecompress_core.report.data_card_text import card_lines
from safecompress_core.report.details_table import membership_details_table
from safecompress_core.report.figures import figure_data as panels
from safecompress_core.report.figures.layer_densities import layer_densities
from safecompress_core.report.figures.score_data import score_figures
from safecompress_core.report.figures.score_figures import static_figures
from safecompress_core.report.figures.soft_tree import soft_tree
from safecompress_core.report.interactive.page_script import (
    charts_json,
    library_script,
    page_charts,
)
from safecompress_core.report.objectives import attack_figure
from safecompress_core.report.race import history
from safecompress_core.report.selection import selection_findings
from safecompress_core.report.summary import ResultTable
from safecompress_core.report.validity.shift import find_shift
from safecompress_core.results.checksums import read_recorded, record_files
from safecompress_core.results.directory import require_inside
from safecompress_core.results.reading import read_results
from safecompress_core.results.schema import Results
from safecompress_core.results.score_file import ScoredRecords, read_scores

__all__ = ["page_of", "page_template", "render", "write_report"]

TEMPLATE = PAGE = "report.html"


def write_report(run_directory: Path, *, exports: ResultTable | None = None) -> Path:
    """Write ``report.html`` into a finished run's directory, whole or not at all, and record it.

    Args:
        run_directory: of the run.
        exports: figures of files that were exported from it; None without any.

    Returns:
        The page's path.

    Raises:
        RunDirectoryError: if one of the files it is made from is not there, cannot be read, or is
            not what the run has recorded.
        WriteError: if it cannot be written.
    """
    require_inside(run_directory)
    page = run_directory / PAGE
    write_bytes(page, page_of(run_directory, exports=exports).encode())
    record_files(run_directory, [PAGE])
    return page


def page_of(run_directory: Path, *, exports: ResultTable | None = None) -> str:
    """Return the page of a finished run.

    Args:
        run_directory: of the run.
        exports: figures of files that were exported from it; None without any.

    Raises:
        RunDirectoryError: if one of the files it is made from is not there, cannot be read, or is
            not what the run has recorded.
    """
    results = read_results(run_directory)
    return render(
        results=results,
        # Results of before have no scores of single records.
        scored=()
        if results.records is None
        else read_scores(read_recorded(run_directory, results.records.file)),
        spec=read_recorded(run_directory, "spec.resolved.yaml").decode(),
        environment=json.loads(read_recorded(run_directory, "environment.json")),
        exports=exports,
    )


def render(
    *,
    results: Results,
    spec: str,
    environment: dict[str, Any],
    exports: ResultTable | None = None,
    scored: Sequence[ScoredRecords] = (),
) -> str:
    """The page.

    Args:
        results: the content of ``results.json``.
        spec: the text of ``spec.resolved.yaml``.
        environment: the content of ``environment.json``.
        exports: figures of exported files.
        scored: the content of ``scores.parquet``; without it there are no figures of records.
    """
    scores = score_figures(results, scored)
    charts = page_charts(results, scores)
    resolved = YAML(typ="safe", pure=True).load(spec)
    top = alone if results.baseline is None else contents
    return page_template(TEMPLATE).render(
        results=results,
        spec=spec,
        resolved=resolved,
        environment=environment,
        headline=top.headline(results),
        verdict=verdict.verdict(results),
        defences=verdict.defences(results),
        gates=verdict.gates(results),
        controls=verdict.controls(results),
        failed_controls=verdict.find_failed_controls(results.controls),
        is_void=verdict.is_void(results),
        shift=find_shift(results),
        selectors=verdict.selectors(results),
        cautions=(*swap_findings(results), *worst_cases.cautions(results)),
        unimproved_points=worst_cases.find_unimproved_points(results),
        inverted=verdict.inverted_findings(results),
        gaps=verdict.gaps(results),
        findings=selection_findings(results),
        tiles=top.tiles(results),
        models=summary.columns_of(results),
        comparison=summary.comparison(results),
        phases=summary.phases(results),
        tree=soft_tree(results),
        layers=layer_densities(results),
        finishing=summary.finishing(results),
        exports=exports,
        card=list(card_lines(results.data)),
        exposure=membership_details_table(results),
        attackers=contents.attackers(results, resolved),
        rounds=contents.rounds(results),
        lineages=history.lineages(results),
        departures={entry.last.id: entry.end for entry in history.lineages(results)},
        cost=contents.cost_of_race(results, resolved),
        noun=history.noun_of_models(results),
        noun_of_lineages=history.noun_of_lineages(results),
        chosen=history.chosen_model(results) if results.rounds else None,
        aucs=[
            name
            for name in results.selection.attackers
            if attack_figure(results, name) != "advantage"
        ],
        ends=summary.ends_of(results),
        curves=static_figures(scores),
        charts=charts_json(charts) if charts else "",
        library=library_script() if charts else "",
        forests=panels.forests(results),
        trade_offs=panels.trade_offs(results),
        behaviours=changes.changes(results),
        behaviours_summary=changes.summary(results),
        behaviours_left_out=changes.left_out(results),
        behaviour_figures=change_figures(results),
        flips=changes.flips(results),
        courses=panels.learning_figures(results),
        noises=panels.noises(results),
    )


def page_template(name: str) -> Template:
    """A template in which everything is escaped, and a name that is missing is an error."""
    environment = Environment(
        loader=PackageLoader("safecompress_core", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "duration": words.duration,
        "number": words.format_number,
        "size": words.size,
        "span": lambda ends: words.format_interval(*ends),
    }
    return environment.get_template(name)
