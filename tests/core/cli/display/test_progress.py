"""The state of a run, built from its events."""

import json
from pathlib import Path

import pytest

from safecompress_core.cli.display.progress import Outline, Progress
from safecompress_core.host import load_plugins
from safecompress_core.specfile.load import load_audit_spec, load_spec
from tests.core.fixtures.run_events import (
    Clock,
    attacked,
    audited,
    finished,
    started,
    training,
)


def test_the_time_left_follows_from_the_work_of_this_process(
    progress: Progress, clock: Clock, tmp_path: Path
) -> None:
    """Rounds of an earlier, interrupted process took none of it."""
    earlier = [started(tmp_path), finished(1, done=4, front=("r1c2",))]
    lines = [json.dumps(event) for event in (*earlier, started(tmp_path))]
    (tmp_path / "events.jsonl").write_text("\n".join([*lines[:2], '{"event": "ro', lines[2]]))

    progress.take(started(tmp_path))
    assert progress.left is None
    clock.now += 20
    progress.take(attacked("r2c1", "probe", 0.1, done=6))

    assert progress.left == pytest.approx(20 / 2 * 4)
    assert progress.running_seconds == 20
    assert progress.rounds_done == 1
    assert list(progress.front) == ["r1c2"]


def test_no_time_is_promised_without_work_to_go_by(progress: Progress, tmp_path: Path) -> None:
    """Nor when all units are counted."""
    progress.take(started(tmp_path))
    assert progress.left is None

    progress.take(audited("compressed", "loss", 0.1) | {"done": 10})
    assert progress.left is None


def test_the_run_s_own_estimate_counts_down(
    progress: Progress, clock: Clock, tmp_path: Path
) -> None:
    """Between two events the clock alone moves; attacks are named until they are counted."""
    progress.take(started(tmp_path))
    progress.take(training(epoch=3, left=100))
    clock.now += 40

    assert progress.left == 60
    assert progress.time_left == "about 1:00 of training left, and the attacks"
    assert progress.status == "training uncompressed: epoch 3 of 20, loss 1.500"

    progress.take(training(epoch=4, left=90, counts_attacks=True, step=1))
    assert progress.time_left == "about 1:30 left"
    assert progress.status == "training uncompressed: epoch 4 of 20, step 1 of 4, loss 1.500"

    progress.take(training(epoch=20, left=60))
    assert progress.status == "finished training uncompressed"

    progress.take(audited("compressed", "loss", 0.1))
    assert progress.status == "auditing compressed with entropy"


def test_an_outline_knows_how_many_candidates_a_round_has(tiny_spec: Path) -> None:
    """A beam multiplies them from the second round on."""
    loaded = load_spec(tiny_spec, overrides=["method.beam=2"], registry=load_plugins().registry)

    assert Outline.of(loaded.spec) == Outline(
        rounds=2,
        candidates=(3, 6),
        audit=("loss-threshold", "probe-mlp"),
        is_careful=True,
        counts_auc=True,
    )


def test_an_outline_knows_which_rounds_test_lineages(tiny_spec: Path) -> None:
    """Candidates are derived where one is left; only an AUC that counts is stated."""
    changes = ["method.field=[2, 1]", "method.derive_at=1", "method.statistic=advantage"]
    loaded = load_spec(tiny_spec, overrides=changes, registry=load_plugins().registry)

    outline = Outline.of(loaded.spec)

    assert outline.fields == (True, False)
    assert not outline.counts_auc


def test_an_outline_of_a_search_has_reports_and_no_rounds_to_count() -> None:
    """Rounds of a search come together, at its end."""
    spec = Path(__file__).parents[4] / "specs" / "search.yaml"
    loaded = load_spec(spec, overrides=["method.pruner=median"], registry=load_plugins().registry)

    outline = Outline.of(loaded.spec)

    assert (outline.rounds, outline.candidates) == (None, None)
    assert outline.fields == (True,) * 4
    assert outline.is_careful
    assert outline.counts_auc


def test_what_trains_of_a_lineage_is_told_without_its_settings(progress: Progress) -> None:
    """They would not fit a line; a candidate's strategy stays."""
    event = training(epoch=4, left=90)
    lineage = "the twin of lineage 3 (magnitude × random (a), density 0.05) in round 2"

    progress.take(event | {"what": lineage})
    assert progress.status.startswith("training the twin of lineage 3 in round 2: epoch 4")

    progress.take(event | {"what": "candidate r3c1 (keep) in round 3"})
    assert progress.status.startswith("training candidate r3c1 (keep) in round 3: epoch 4")


def test_an_audit_has_no_rounds_and_trains_no_model(tmp_path: Path) -> None:
    """Its display starts with the attacks on the model."""
    spec = Path(__file__).parents[4] / "specs" / "audit_model.yaml"
    outline = Outline.of(load_audit_spec(spec, registry=load_plugins().registry).spec)
    progress = Progress(outline)

    progress.take(started(tmp_path, method=None, attackers=[], total=1))

    assert (outline.rounds, outline.candidates) == (None, None)
    assert outline.audit == ("loss-threshold", "modified-entropy", "gap", "probe-mlp")
    assert progress.activity == "attacking the model"
