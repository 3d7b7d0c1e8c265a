"""Checks of all runs of a comparison before the first begins."""

import json
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.compare.preflight_runs import changes_of_finished, require_all_feasible
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import SpecError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.runs.run import run_directory
from safecompress_core.specfile.models.comparison import Comparison, load_comparison

BASE = """\
version: 1
name: base
task: {data: {type: handwriting}, model: {type: mlp, hidden: [8]}}
training: {epochs: 2}
method: {type: prune, density: 0.5}
audit: {attackers: [{type: gap}]}
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    """What is built in."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def comparison(folder: Path, registry: Registry, *variants: dict[str, Any]) -> Comparison:
    """These variants with two seeds."""
    (folder / "base.yaml").write_text(BASE)
    content = {
        "version": 1,
        "name": "trial",
        "base": "base.yaml",
        "seeds": [1, 2],
        "variants": list(variants),
    }
    (folder / "trial.yaml").write_text(json.dumps(content))
    return load_comparison(folder / "trial.yaml", registry=registry)


PRUNE = {"name": "prune", "method": {"density": 0.4}}
EMPTY = {"name": "prune-empty", "method": {"density": 0.0005}}


def test_every_variant_is_checked_once_for_all_seeds(tmp_path: Path, registry: Registry) -> None:
    """Problems of one are told though others are fine; the data are loaded once."""
    cache: dict[str, Dataset] = {}

    with pytest.raises(SpecError) as refused:
        require_all_feasible(
            comparison(tmp_path, registry, PRUNE, EMPTY), registry, tmp_path, cache
        )

    [problem] = refused.value.problems
    assert problem.path == "method.density"
    assert len(cache) == 1


def test_what_is_finished_needs_no_check(tmp_path: Path, registry: Registry) -> None:
    """It has been done."""
    planned = comparison(tmp_path, registry, EMPTY, PRUNE)
    for entry in planned.entries:
        if entry.variant == "prune-empty":
            run = run_directory(entry.loaded, registry, tmp_path / "runs")
            run.mkdir(parents=True)
            (run / "results.json").touch()
            (run / "SHA256SUMS").touch()

    require_all_feasible(planned, registry, tmp_path, {})


def test_a_comparison_that_was_never_begun_has_no_stale_run(
    tmp_path: Path, registry: Registry
) -> None:
    """And nothing is loaded to find that out."""
    cache: dict[str, Dataset] = {}

    assert (
        changes_of_finished(comparison(tmp_path, registry, PRUNE), registry, tmp_path, cache) == {}
    )
    assert cache == {}
