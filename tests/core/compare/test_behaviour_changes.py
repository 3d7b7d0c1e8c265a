"""Changes of a variant over its seeds."""

from collections.abc import Sequence
from typing import Any

import pytest

from safecompress_core.compare.behaviour_changes import behaviour_changes
from safecompress_core.results.schema import BehaviourRecord, Results
from tests.core.fixtures.page_results import page_results
from tests.core.fixtures.records import estimate


def runs(
    changes: Sequence[float], retrained: Sequence[Sequence[float]], **values: Any
) -> list[Results]:
    """One run a seed, in which accuracy changed from 0.9."""
    found = []
    for change, noise in zip(changes, retrained, strict=True):
        row = BehaviourRecord(
            name="accuracy",
            kind="metric",
            higher="better",
            before=estimate(0.9),
            after=estimate(0.9 + change),
            change=estimate(change),
            retrained=tuple(map(estimate, noise)),
            **({"relative": False, "verdict": "cannot tell"} | values),
        )
        content = page_results() | {"behaviours": [row.to_json()]}
        found.append(Results.model_validate(content))
    return found


@pytest.mark.parametrize(
    ("changes", "retrained", "verdict"),
    [
        # Student's interval of these three is -0.1 plus and minus 0.025.
        ([-0.10, -0.11, -0.09], [[], [], []], "changed beyond training noise"),
        ([-0.10, -0.11, -0.09], [[0.01], [0.02], [-0.01]], "changed beyond training noise"),
        # Training again changes as much.
        ([-0.10, -0.11, -0.09], [[0.2], [-0.1], [0.1]], "within noise"),
        # Seeds disagree.
        ([-0.10, 0.12, -0.01], [[], [], []], "cannot tell"),
        ([-0.10, 0.12, -0.01], [[0.01], [0.02], [-0.02]], "within noise"),
        ([-0.10, -0.30], [[0.01], [0.02]], "cannot tell"),
        # One seed has the verdict of its run.
        ([-0.10], [[]], "cannot tell"),
    ],
)
def test_seeds_decide(
    changes: Sequence[float], retrained: Sequence[Sequence[float]], verdict: str
) -> None:
    """By hand."""
    [row] = behaviour_changes(runs(changes, retrained))

    assert row.verdict == verdict
    assert row.change.values == pytest.approx(changes)
    assert row.after.mean == pytest.approx(0.9 + sum(changes) / len(changes))


def test_a_single_seed_has_the_paired_interval_of_its_run() -> None:
    """Several have that of their mean."""
    one, two = (
        behaviour_changes(runs(changes, [[]] * len(changes)))[0]
        for changes in ([-0.1], [-0.1, -0.12])
    )

    assert one.change.interval is None
    assert one.interval == estimate(-0.1).interval
    assert two.interval == two.change.interval


def test_what_no_seed_shows_is_within_noise() -> None:
    """Although there are no re-trained models."""
    [row] = behaviour_changes(runs([-0.01, 0.02], [[], []], verdict="within noise"))

    assert row.verdict == "within noise"


def test_the_noise_is_the_root_mean_square_of_all_re_trained_models() -> None:
    """Of two seeds with two each: 3, 4, 0 and 0 hundredths."""
    [row] = behaviour_changes(runs([-0.1, -0.1], [[0.03, -0.04], [0.0, 0.0]]))

    assert row.noise == pytest.approx(0.025)


def test_a_figure_that_compares_with_the_uncompressed_model_needs_re_trained_ones() -> None:
    """Every model flips some answers: 10 % are noise where training again flips as many."""
    flipping = [0.10, 0.11, 0.09]

    def verdict(retrained: Sequence[Sequence[float]]) -> str:
        [row] = behaviour_changes(runs(flipping, retrained, relative=True))
        return row.verdict

    assert verdict([[], [], []]) == "cannot tell"
    assert verdict([[0.11], [0.10], [0.09]]) == "within noise"
    assert verdict([[0.02], [0.03], [0.02]]) == "changed beyond training noise"


def test_only_what_all_runs_have_is_a_row() -> None:
    """A run of an older version has none."""
    first, second = runs([-0.1, -0.1], [[], []])

    assert behaviour_changes([first, second.model_copy(update={"behaviours": None})]) == ()
