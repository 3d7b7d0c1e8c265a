"""What compression changes, from the spec that ships with SafeCompress to results and page."""

from pathlib import Path

import pytest

from safecompress_core.host import load_plugins
from safecompress_core.report.page import write_report
from safecompress_core.results.integrity import Status
from safecompress_core.results.schema import Results
from safecompress_core.runs.run import FinishedRun, run_spec
from safecompress_core.runs.verify import verify_run
from safecompress_core.specfile.load import load_spec

pytestmark = pytest.mark.slow

SPEC = Path(__file__).parents[2] / "specs" / "behaviours.yaml"
EXPLAINED = (
    "{type: attribution-agreement, samples: 16, steps: 8}",
    "{type: out-of-distribution, samples: 100, data: {type: handwriting, task: session}}",
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """At a tenth of its epochs, with one re-trained model, explanations and detection."""
    pytest.importorskip("captum")
    registry = load_plugins().registry
    text = SPEC.read_text().replace(
        "metrics:\n", "metrics:\n" + "".join(f"  - {metric}\n" for metric in EXPLAINED)
    )
    place = tmp_path_factory.mktemp("behaviours")
    (place / "spec.yaml").write_text(text)
    overrides = ("training.epochs=4", "baseline.retrained=true", "gate=[]")
    loaded = load_spec(place / "spec.yaml", overrides=overrides, registry=registry)
    return run_spec(loaded, registry, runs=place, observers=lambda _: None)


def test_each_metric_and_attack_has_a_row(finished: FinishedRun) -> None:
    """Before, after, change, one re-trained model, and a verdict."""
    results: Results = finished.results
    assert results.behaviours is not None
    rows = {row.name: row for row in results.behaviours}

    assert set(results.metrics) < set(rows)
    assert {"loss-threshold.advantage", "pgd.advantage", "pgd.robust_accuracy"} < set(rows)
    for row in rows.values():
        low, high = row.change.interval
        assert low <= row.change.value <= high
        assert row.change.value == pytest.approx(row.after.value - row.before.value)
        assert len(row.retrained) == 1
    assert rows["flips"].relative
    assert rows["attribution-agreement"].before.value == 1
    # The same images as the other data set: no confidence can separate them.
    assert rows["out-of-distribution"].after.interval[0] < 0.5


def test_the_run_is_whole_and_so_is_its_page(finished: FinishedRun) -> None:
    """Files, hashes and figures of the re-trained model, too."""
    registry = load_plugins().registry
    report = write_report(finished.path).read_text()

    assert "What changed" in report
    assert all(check.status is not Status.DAMAGED for check in verify_run(finished.path, registry))
