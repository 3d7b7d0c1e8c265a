"""Result of a run."""

import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
import torch

from safecompress_core.errors import RunDirectoryError
from safecompress_core.host import load_plugins
from safecompress_core.python.result import Result
from safecompress_core.results.reading import read_results


@pytest.fixture
def result(finished_run: Path) -> Result:
    """The result of a small run."""
    registry = load_plugins().registry
    return Result(path=finished_run, results=read_results(finished_run), registry=registry)


def test_gates_and_their_outcome_are_those_of_the_results(result: Result) -> None:
    """``passed`` is what the exit code of the command says."""
    assert [gate.measure for gate in result.gates] == ["accuracy", "membership.advantage"]
    assert result.passed

    missed = result.results.model_copy(
        update={"gate": tuple(gate.model_copy(update={"passed": False}) for gate in result.gates)}
    )
    assert not Result(path=result.path, results=missed, registry=result.registry).passed


def test_the_model_is_a_module_of_the_accuracy_in_the_results(result: Result) -> None:
    """It takes samples as the data set has them."""
    model = result.model()

    assert isinstance(model, torch.nn.Module)
    assert not model.training
    assert model(torch.zeros(2, 64)).shape == (2, len(model.classes))
    active = result.results.model.active
    assert sum(int(torch.count_nonzero(one)) for one in model.parameters()) <= (active or 0)


def test_the_report_is_the_page_of_the_run(result: Result, tmp_path: Path) -> None:
    """Also where the run's own page is lost; a damaged run has none."""
    page = (result.path / "report.html").read_bytes()
    (result.path / "report.html").unlink()

    place = result.report(str(tmp_path / "page.html"))

    assert place == tmp_path / "page.html"
    assert place.read_bytes() == page
    (result.path / "results.json").write_text(json.dumps({}))
    with pytest.raises(RunDirectoryError):
        result.report(tmp_path / "other.html")
    assert not (tmp_path / "other.html").exists()


def test_it_is_shown_by_verdict_and_table(result: Result) -> None:
    """In a console as in a notebook: the figures that the command prints."""
    text, html = repr(result), result._repr_html_()

    assert text.startswith("PASSED: the compressed model meets both gates.")
    assert text.endswith(str(result.path))
    accuracy = f"{result.results.metrics['accuracy'].value:.3f}"
    for shown in ("test accuracy", "loss-threshold", "probe-mlp", accuracy):
        assert shown in text
        assert shown in html


def test_its_frames_are_those_of_its_results(result: Result) -> None:
    """A row for each attack on both models."""
    frame = result.frame("attacks")

    assert frame["attack"].tolist() == ["loss-threshold", "probe-mlp"] * 2
    assert len(result.frame("archive")) == len(result.results.archive)


def test_its_figures_are_those_of_its_report(result: Result) -> None:
    """Of the results and of the scores of its records."""
    panels = {"advantage": 2, "roc": 2, "trade-off": len(result.results.selection.attackers)}

    assert {name: len(result.plot(name).axes) for name in panels} == panels  # type: ignore[arg-type]


def test_records_are_those_of_the_file_of_scores(result: Result) -> None:
    """A row for each record of the audit pool under each attack on each model; damage is found."""
    frame, pool = result.frame("records"), result.results.pools["audit"]

    audits = [result.results.audit, result.results.baseline.audit]  # type: ignore[union-attr]
    attacks = sum(map(len, audits)) + sum(len(one.audit or ()) for one in result.results.archive)
    assert len(frame) == attacks * (pool.members + pool.non_members)
    assert frame["member"].sum() == attacks * pool.members
    exposed = result.results.records
    assert exposed is not None
    ours = frame[(frame["model"] == "compressed") & (frame["attack"] == exposed.attack)]
    first = ours[ours["position"] == exposed.exposed[0].position].iloc[0]
    assert (first["risk"], first["rank"]) == (exposed.exposed[0].risk, exposed.exposed[0].rank)
    (result.path / "scores.parquet").write_bytes(b"")
    with pytest.raises(RunDirectoryError, match="was changed or damaged"):
        result.frame("records")


def test_it_cannot_be_changed(result: Result) -> None:
    """A result is a record."""
    with pytest.raises(FrozenInstanceError):
        result.path = Path("elsewhere")  # type: ignore[misc]
