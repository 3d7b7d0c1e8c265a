"""What a comparison leaves behind."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.compare.comparison_json import (
    comparison_document,
    first_invocation,
    spec_hash,
    write_record,
)
from safecompress_core.compare.comparison_table import FinishedVariant
from safecompress_core.compare.runner import Failure
from safecompress_core.errors import RunDirectoryError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.results.command_line import Invocation
from safecompress_core.specfile.models.comparison import Comparison, load_comparison

BASE = """\
version: 1
name: base
task: {data: {type: handwriting}, model: {type: mlp, hidden: [8]}}
method: {type: prune, density: 0.5}
audit: {attackers: [{type: gap}]}
"""
INVOKED = Invocation(line="safecompress compare trial.yaml", directory="/work")


@pytest.fixture(scope="module")
def registry() -> Registry:
    """What is built in."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def comparison(folder: Path, registry: Registry, *, seed: int = 1) -> Comparison:
    """One variant with one seed."""
    (folder / "base.yaml").write_text(BASE)
    variants = [{"name": "prune", "method": {"density": 0.4}}]
    content = {"version": 1, "name": "trial", "base": "base.yaml", "seeds": [seed]}
    (folder / "trial.yaml").write_text(json.dumps({**content, "variants": variants}))
    return load_comparison(folder / "trial.yaml", registry=registry)


def test_a_comparison_is_known_by_the_resolved_specs_of_its_runs(
    tmp_path: Path, registry: Registry
) -> None:
    """However its file is written; another seed is another one."""
    one = spec_hash(comparison(tmp_path, registry))

    assert spec_hash(comparison(tmp_path, registry)) == one
    assert spec_hash(comparison(tmp_path, registry, seed=2)) != one
    assert len(one) == 64


def test_a_finished_comparison_is_written_in_every_format(
    tmp_path: Path, registry: Registry, done: Callable[..., FinishedVariant]
) -> None:
    """And the command line that it was first finished with is found again."""
    planned = comparison(tmp_path, registry)
    (tmp_path / "environment.json").write_text('{"packages": {"safecompress": "1", "torch": "2"}}')
    assert first_invocation(planned, tmp_path) is None

    document = comparison_document(
        planned,
        [done("prune", density=0.4)],
        [Failure(label="prune, seed 2", reason="the loss is no number")],
        invoked=INVOKED,
        environment=tmp_path / "environment.json",
    )
    write_record(tmp_path, document)

    assert json.loads((tmp_path / "comparison.json").read_text()) == document.to_json()
    assert document.environment == {"packages": {"safecompress": "1", "torch": "2"}}
    assert [variant.name for variant in document.variants] == ["uncompressed", "prune"]
    for suffix in ("csv", "md", "tex", "html"):
        assert "prune" in (tmp_path / f"comparison.{suffix}").read_text()
    assert first_invocation(planned, tmp_path) == INVOKED
    assert first_invocation(comparison(tmp_path, registry, seed=2), tmp_path) is None


def test_a_comparison_without_a_finished_run_is_none(tmp_path: Path, registry: Registry) -> None:
    """The reasons are told instead."""
    failures = [Failure(label="prune, seed 1", reason="no memory")]

    with pytest.raises(RunDirectoryError, match="could be finished: prune, seed 1: no memory"):
        comparison_document(
            comparison(tmp_path, registry), [], failures, invoked=INVOKED, environment=tmp_path
        )
