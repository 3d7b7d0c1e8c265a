"""Gates that compare with earlier results: the worst attacks, and the interval of a difference."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from sklearn.metrics import roc_auc_score

from safecompress_core.cli import cli
from safecompress_core.host import load_plugins
from safecompress_core.results.directory import write_json
from safecompress_core.results.schema import EarlierFigureRecord, Results
from safecompress_core.results.score_file import SCORES, ScoredRecords, scores_file
from safecompress_core.runs.relative_gates import ComparedResults, compare_with_earlier
from safecompress_core.runs.verify import Status, verify_run
from safecompress_core.specfile.models.run_spec import Gate
from safecompress_core.stats.intervals import auc_difference_interval
from tests.core.fixtures.record_scores import membership_scores
from tests.core.fixtures.records import (
    attack_record,
    edited,
    estimate,
    membership_record,
    with_interval,
)
from tests.core.fixtures.results import run_results


def earlier_results() -> Results:
    """Return results with a fingerprint of their audit pool."""
    pool = {"members": 200, "non_members": 200, "fingerprint": "ab" * 32}
    return edited(run_results(), {"pools": {"audit": pool}})


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    """Earlier results: accuracy 0.40, and attacks of advantage 0.20 and 0.18."""
    file = tmp_path / "baseline.json"
    write_json(file, earlier_results().to_json())
    return file


def compare(
    results: Results,
    file: Path,
    measure: str,
    *,
    higher_is_better: bool = False,
    scores: Sequence[ScoredRecords] = (),
    **values: Any,
) -> EarlierFigureRecord:
    """Return the comparison of one measure."""
    gate = Gate.model_validate({"measure": measure, "no_worse_than": str(file), **values})
    compared = ComparedResults(part=results, scores=scores, pool=results.pools["audit"].fingerprint)
    found = compare_with_earlier([gate], compared, higher_is_better={measure: higher_is_better})
    return found[0]


def test_the_difference_of_two_attacks_has_the_interval_of_independent_samples(
    baseline: Path,
) -> None:
    """Squared distances of the ends add up: 0.1 and 0.1 to 0.1414 (Zou & Donner 2008)."""
    attack = attack_record("membership", 0.35, advantage_interval=(0.25, 0.45))
    results = edited(earlier_results(), {"audit": {"entropy": attack.to_json()}})

    found = compare(results, baseline, "membership.advantage")

    assert found.name == "trial"
    assert found.attacks == ("entropy", "loss")
    assert (found.value, found.interval) == (0.2, (0.1, 0.3))
    assert found.worse_by == pytest.approx(0.15)
    assert found.worse_by_interval == pytest.approx((0.15 - 0.02**0.5, 0.15 + 0.02**0.5))
    assert not found.paired


def test_where_higher_is_better_a_lower_figure_is_worse(baseline: Path) -> None:
    """Accuracy that fell from 0.40 to 0.30 is worse by 0.10."""
    results = edited(earlier_results(), {"metrics": {"accuracy": estimate(0.3).to_json()}})

    found = compare(results, baseline, "accuracy", higher_is_better=True)

    assert found.worse_by == pytest.approx(0.1)
    assert found.attacks is None


def test_what_has_no_sampling_error_is_compared_as_it_is(baseline: Path) -> None:
    """The size of a file."""
    results = edited(earlier_results(), {"model": {"file_bytes": 1200}})

    found = compare(results, baseline, "model.file_bytes")

    assert (found.worse_by, found.worse_by_interval) == (200.0, (200.0, 200.0))


def test_a_weaker_attack_that_has_become_stronger_fails_nothing(baseline: Path) -> None:
    """It was 0.18, is 0.19, and the worst one was 0.20 and still is."""
    attack = attack_record("membership", 0.19, advantage_interval=(0.1899, 0.1901))
    results = edited(earlier_results(), {"audit": {"entropy": attack.to_json()}})

    found = compare(results, baseline, "membership.advantage", against="estimate")

    assert found.attacks == ("loss", "loss")
    assert found.worse_by == 0.0


@pytest.mark.parametrize(("against", "attack"), [("interval", "entropy"), ("estimate", "loss")])
def test_the_attack_that_would_fail_the_gate_first_is_the_one_that_is_compared(
    baseline: Path, against: str, attack: str
) -> None:
    """By interval an unsure attack, though another one has the higher estimate."""
    unsure = attack_record("membership", 0.15, advantage_interval=(0.0, 0.6))
    results = edited(earlier_results(), {"audit": {"entropy": unsure.to_json()}})

    found = compare(results, baseline, "membership.advantage", against=against)

    assert found.attacks == (attack, "loss")


def measured(scored: ScoredRecords, threshold: float = 0.5) -> Results:
    """Return results of an attack that has these scores."""
    auc = roc_auc_score(scored.member, scored.score)
    decided = scored.score > threshold
    advantage = decided[scored.member].mean() - decided[~scored.member].mean()
    attack = membership_record(
        max(advantage, 0.0), **with_interval("auc", auc, auc - 0.1, auc + 0.1), threshold=threshold
    )
    results = earlier_results()
    return results.model_copy(update={"audit": {"loss": attack}})


@pytest.fixture
def scored_baseline(tmp_path: Path) -> Path:
    """Earlier results with the scores of their records."""
    scored = membership_scores(members=200, non_members=200)
    write_json(tmp_path / "baseline.json", measured(scored).to_json())
    (tmp_path / SCORES).write_bytes(scores_file([scored]))
    return tmp_path / "baseline.json"


@pytest.mark.parametrize("measure", ["auc", "advantage"])
def test_where_records_match_their_differences_are_compared(
    scored_baseline: Path, measure: str
) -> None:
    """By DeLong's paired interval, far narrower than that of independent samples."""
    before = membership_scores(members=200, non_members=200)
    noise = np.random.default_rng(5).normal(scale=0.1, size=400)
    after = replace(before, score=before.score + noise)
    results = measured(after)

    paired = compare(results, scored_baseline, f"loss.{measure}", scores=[after])
    unpaired = compare(results, scored_baseline, f"loss.{measure}")

    assert (paired.paired, unpaired.paired) == (True, False)
    assert paired.worse_by == unpaired.worse_by
    width, wide = (
        ends[1] - ends[0] for ends in (paired.worse_by_interval, unpaired.worse_by_interval)
    )
    assert width < wide / 2
    if measure == "auc":
        own = auc_difference_interval(after.score, before.score, before.member)
        assert paired.worse_by_interval == pytest.approx(own.interval)


def test_the_same_scores_differ_by_nothing(scored_baseline: Path) -> None:
    """So a margin of 0 is kept."""
    scored = membership_scores(members=200, non_members=200)

    found = compare(measured(scored), scored_baseline, "loss.advantage", scores=[scored])

    assert found.paired
    assert (found.worse_by, found.worse_by_interval) == (0.0, (0.0, 0.0))


@pytest.mark.parametrize("broken", ["pool", "scores", "threshold"])
def test_records_that_do_not_match_are_compared_by_intervals(
    scored_baseline: Path, broken: str
) -> None:
    """Another pool, scores that are not those of the results, or no threshold."""
    scored = membership_scores(members=200, non_members=200)
    results = measured(scored)
    if broken == "pool":
        results = edited(results, {"pools": {"audit": {"fingerprint": "0" * 64}}})
    elif broken == "scores":
        scored = replace(scored, score=-scored.score)
    else:
        results = edited(results, {"audit": {"loss": {"threshold": None}}})

    found = compare(results, scored_baseline, "loss.advantage", scores=[scored])

    assert not found.paired


@pytest.mark.slow
def test_a_run_compared_with_itself_meets_its_relative_gates(
    tiny_spec: Path, finished_run: Path, tmp_path: Path
) -> None:
    """Verify works the verdicts out again, and a changed file of earlier results is noticed."""
    file = tmp_path / "baseline.json"
    for name, copy in (("results.json", file), (SCORES, tmp_path / SCORES)):
        copy.write_bytes((finished_run / name).read_bytes())
    gates = [
        {"measure": "membership.auc", "no_worse_than": str(file)},
        {"measure": "accuracy", "no_worse_than": str(file), "against": "estimate"},
        {"measure": "model.file_bytes", "no_worse_than": str(file)},
    ]
    options = [
        "--device=cpu",
        f"--runs-dir={tmp_path / 'again'}",
        f"--set=gate={json.dumps(gates)}",
    ]
    command = ["run", str(tiny_spec), *options]

    outcome = CliRunner().invoke(cli, command)

    assert outcome.exit_code == 0, outcome.stderr
    [run] = (tmp_path / "again").iterdir()
    record = json.loads((run / "results.json").read_text(encoding="utf-8"))
    compared = [gate["earlier"] for gate in record["gate"]]
    assert [one["worse_by"] for one in compared] == [0.0, 0.0, 0.0]
    assert [one["paired"] for one in compared] == [True, False, False]
    checks = verify_run(run, load_plugins().registry)
    assert {check.status for check in checks} == {Status.OK}
    file.write_text(file.read_text(encoding="utf-8") + " ", encoding="utf-8")
    again = CliRunner().invoke(cli, command)
    assert again.exit_code == 2
    assert f"changed since this run began: {file} (gate.0.no_worse_than)" in again.stderr
