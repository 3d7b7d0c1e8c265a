"""The table of a comparison."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from safecompress_core.compare.comparison_table import FinishedVariant, build_table
from safecompress_core.errors import RunDirectoryError
from safecompress_core.results.schema import SummaryRecord, VariantRecord
from tests.core.fixtures.records import control_values, edited, gate_record

Make = Callable[..., FinishedVariant]


def mean(figure: SummaryRecord | None) -> float:
    """The mean of a figure that was measured."""
    assert figure is not None
    return figure.mean


def row(rows: Sequence[VariantRecord], name: str, density: float | None = 0.1) -> VariantRecord:
    """The one of a variant and a density."""
    [found] = [one for one in rows if (one.name, one.density) == (name, density)]
    return found


def with_results(run: FinishedVariant, changes: dict[str, Any]) -> FinishedVariant:
    """The same run with other results."""
    return replace(run, results=edited(run.results, changes))


def test_figures_are_means_over_seeds(done: Make) -> None:
    """With the values that they are made of."""
    rows = build_table([done(seed=1, accuracy=0.4), done(seed=2, accuracy=0.5)])

    found = row(rows, "prune")
    assert found.seeds == (1, 2)
    assert found.method == "prune"
    assert mean(found.task_accuracy) == pytest.approx(0.45)
    assert found.task_accuracy is not None
    assert found.task_accuracy.values == (0.4, 0.5)
    assert mean(found.bytes) == 100
    assert mean(found.kept) == pytest.approx(0.1)
    assert mean(found.model_density) == pytest.approx(0.55)
    assert found.sparsifiable == 0.5
    assert mean(found.audit["gap"]["auc"]) == pytest.approx(0.55)


def test_verdicts_of_the_runs_are_counted(done: Make) -> None:
    """The uncompressed model has none: gates and controls are about what a run has made."""
    met, missed = (gate_record("accuracy", 0.4, 0.4, passed=one) for one in (True, False))
    failed = control_values(0.9, 0.8, 1.0, passed=False)
    runs = [
        with_results(done(seed=1), {"gate": [met]}),
        with_results(done(seed=2), {"gate": [missed]}),
        with_results(done(seed=3), {"controls": {"null": {"gap": failed}}}),
    ]

    rows = build_table(runs)

    assert row(rows, "prune").verdicts == {"PASSED": 1, "FAILED": 1, "VOID": 1}
    assert rows[0].verdicts == {}


def test_the_tm_score_is_the_papers(done: Make) -> None:
    """Eq. 6 with λ = 1, of the attacker that is right most often: 0.45 / 0.6."""
    found = row(build_table([done(accuracy=0.45, mia=0.6)]), "prune")

    assert mean(found.mia_accuracy) == 0.6
    assert mean(found.tm_score) == pytest.approx(0.75)


def test_the_attacker_of_the_mia_accuracy_may_be_named(done: Make) -> None:
    """Then another one's accuracy does not count, however high."""
    found = row(build_table([done(mia=0.6)], mia="gap"), "prune")

    assert mean(found.mia_accuracy) == pytest.approx(0.5)


def test_the_strongest_attack_counts(done: Make) -> None:
    """Each game has its own."""
    found = row(build_table([done(mia=0.6)]), "prune")

    assert mean(found.auc) == pytest.approx(0.65)
    assert mean(found.tpr_at_1_percent_fpr) == 0.05
    assert mean(found.lift) == 0.2
    assert mean(found.advantage["membership"]) == pytest.approx(0.2)
    assert mean(found.advantage["attribute"]) == 0.1


def test_the_uncompressed_model_is_the_first_row(done: Make) -> None:
    """Each seed's once, though every run of the seed has it; times are beside its own."""
    rows = build_table([done("prune", seed=1), done("distill", seed=1), done("prune", seed=2)])

    assert rows[0].name == "uncompressed"
    assert rows[0].seeds == (1, 2)
    assert rows[0].task_accuracy.values == (0.5, 0.5)
    assert rows[0].relative_seconds == 1.0
    assert rows[0].on_front is None
    assert row(rows, "prune").relative_seconds == 2.0


def test_dense_training_that_a_run_did_already_is_timed_where_it_was_done(done: Make) -> None:
    """A run whose method is its own baseline finds it finished: 0.01 seconds are not its cost."""
    plain = done("uncompressed", density=None, seconds=0.01, is_plain=True)

    [found] = build_table([plain])

    assert mean(found.seconds) == 2.0


def test_the_front_is_that_of_the_compressed_variants_of_a_density(done: Make) -> None:
    """What is worse in everything is off it; a trade, or another density, is on it."""
    rows = build_table(
        [
            done("prune", accuracy=0.40, mia=0.70),
            done("set", accuracy=0.39, mia=0.71),
            done("rigl", accuracy=0.30, mia=0.60),
            done("set", accuracy=0.10, mia=0.90, density=0.2),
        ]
    )

    assert row(rows, "prune").on_front
    assert not row(rows, "set").on_front
    assert row(rows, "rigl").on_front
    assert row(rows, "set", 0.2).on_front


def test_a_method_without_a_density_is_held_against_those_of_what_it_keeps(done: Make) -> None:
    """Half of the weights beside half of them, all of them by themselves."""
    half = with_results(
        done("n-m", density=None, accuracy=0.30, mia=0.75), {"model": {"density": 0.5}}
    )

    rows = build_table(
        [
            done("prune", accuracy=0.40, mia=0.70, density=0.5),
            done("set", accuracy=0.40, mia=0.70, density=0.1),
            half,
            done("quantize", density=None, accuracy=0.29, mia=0.76),
        ]
    )

    assert row(rows, "prune", 0.5).on_front
    assert row(rows, "set").on_front
    assert not row(rows, "n-m", None).on_front
    assert row(rows, "quantize", None).on_front


def test_where_no_density_is_asked_for_all_variants_are_held_against_each_other(done: Make) -> None:
    """Each has its own, and the spec's author put them side by side."""
    rows = build_table(
        [
            done("prune", accuracy=0.40, mia=0.70, density=None),
            done("quantize", accuracy=0.30, mia=0.75, density=None),
        ]
    )

    assert row(rows, "prune", None).on_front
    assert not row(rows, "quantize", None).on_front


def test_the_front_knows_every_game(done: Make) -> None:
    """Who is worse at the task and to members may still hide an attribute."""
    hiding = with_results(
        done("rigl", accuracy=0.30, mia=0.75), {"audit": {"probe": {"advantage": 0.05}}}
    )

    rows = build_table([done("prune", accuracy=0.40, mia=0.70), hiding])

    assert row(rows, "rigl").on_front


def test_only_a_lead_that_seeds_do_not_explain_is_best(done: Make) -> None:
    """Here set leads in accuracy in each of three seeds alike; TM-scores cross."""
    runs = [
        done(variant, seed=seed, accuracy=accuracy, mia=mia)
        for variant, gain in (("prune", 0.0), ("set", 0.02))
        for seed, accuracy, mia in (
            (1, 0.40 + gain, 0.60 + gain),
            (2, 0.50 + gain, 0.60 + 4 * gain),
            (3, 0.45 + gain, 0.60),
        )
    ]

    rows = build_table(runs)

    assert "task_accuracy" in row(rows, "set").best
    assert "tm_score" not in row(rows, "set").best + row(rows, "prune").best


def test_a_variant_with_fewer_seeds_leads_nobody_and_stops_nobody(done: Make) -> None:
    """A run that could not be finished must not decide who is best."""
    runs = [
        done(variant, seed=seed, accuracy=0.4 + gain)
        for variant, gain in (("prune", 0.0), ("set", 0.02))
        for seed in (1, 2, 3)
    ]

    rows = build_table([*runs, done("rigl", seed=1, accuracy=0.9)])

    assert "task_accuracy" in row(rows, "set").best
    assert row(rows, "rigl").best == ()


def test_runs_on_other_pools_are_not_compared(done: Make) -> None:
    """They are told with both fingerprints."""
    with pytest.raises(RunDirectoryError, match=r"'audit' is abc for 'prune' and xyz for 'set'"):
        build_table([done("prune"), done("set", pool="xyz")])


def test_what_nobody_measured_is_null(done: Make) -> None:
    """No attack, no figure."""
    run = done()
    run = replace(run, results=run.results.model_copy(update={"audit": {}}))

    found = row(build_table([run]), "prune")

    assert found.mia_accuracy is None
    assert found.tm_score is None
    assert found.advantage == {}


def test_a_row_states_its_cost(done: Make) -> None:
    """Means over seeds; of the uncompressed model one training."""
    dense, own = build_table([done(seed=1, trainings=5.5), done(seed=2, trainings=6.0)])

    assert (mean(own.trainings), mean(own.steps)) == (5.75, 575)
    assert mean(own.cpu_seconds) == 2.0
    assert (mean(dense.trainings), mean(dense.steps), dense.cpu_seconds) == (1.0, 100, None)


def test_only_rows_of_one_budget_compete(done: Make) -> None:
    """The race of 12 beats that of 6 and pruning, which takes no budget and competes at both."""
    accuracies = {("test-driven", 6.0): 0.4, ("test-driven", 12.0): 0.6, ("prune", None): 0.5}
    rows = build_table(
        [
            done(name, budget=budget, accuracy=accuracy + seed / 1000, seed=seed)
            for (name, budget), accuracy in accuracies.items()
            for seed in (1, 2, 3)
        ]
    )

    standings = {one.label: (one.on_front, "task_accuracy" in one.best) for one in rows[1:]}
    assert standings == {
        "test-driven (budget 6)": (False, False),
        "test-driven (budget 12)": (True, True),
        "prune": (False, False),
    }
    only = build_table([done(budget=budget, seed=1) for budget in (6.0, 12.0)])
    assert [one.on_front for one in only[1:]] == [True, True]
