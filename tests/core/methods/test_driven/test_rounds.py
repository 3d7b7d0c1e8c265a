"""Rounds, and the epochs that they share."""

from collections.abc import Callable

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.methods.test_driven.rounds import (
    Round,
    narrow_field,
    plain_trainings,
    rounds_of,
)

Prepare = Callable[..., RunContext]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((200, 8, 0.4), [(15, 25), (40, 50), (65, 75), (90, 100)]),
        ((10, 3, 0.5), [(1, 3), (4, 6), (8, 10)]),
        ((3, 3, 0.4), [(0, 1), (1, 2), (2, 3)]),
        ((4, 2, 0.01), [(1, 2), (3, 4)]),
    ],
)
def test_rounds_share_the_epochs_and_every_candidate_is_trained(
    prepare: Prepare,
    shape: tuple[int, int, float],
    expected: list[tuple[int, int]],
) -> None:
    """For one epoch at least: what has grown is 0 until then, and invisible."""
    epochs, rounds, finetune = shape
    changes = {
        "method__rounds": rounds,
        "method__finetune": finetune,
        "training__epochs": epochs,
    }
    params = prepare(**changes).spec.method
    assert isinstance(params, TestDrivenParams)

    found = [(one.middle, one.end) for one in params.timetable(epochs)]

    assert found[: len(expected)] == expected
    assert found[-1][1] == epochs


def test_tests_may_begin_late(prepare: Prepare) -> None:
    """The first model trains until then, and rounds share what is left."""
    changes = {"method__tests_from": 0.5, "method__rounds": 2, "method__finetune": 0.4}
    params = prepare(training__epochs=20, **changes).spec.method
    assert isinstance(params, TestDrivenParams)

    rounds = params.timetable(20)

    assert [(one.start, one.middle, one.end) for one in rounds] == [(0, 13, 15), (15, 18, 20)]


def test_a_beam_is_filled_by_the_first_round() -> None:
    """One model starts; three proposals fill a beam of two, which derives six."""
    first, second, third = rounds_of(
        epochs=30, before=0, field=(1, 1, 1), finetune=0.5, proposals=3, derive_at=1, beam=2
    )

    assert [one.lineages for one in (first, second, third)] == [1, 2, 2]
    assert [one.candidates for one in (first, second, third)] == [3, 6, 6]


def test_all_models_epochs_count() -> None:
    """Hand-worked: 2 models for 3 epochs, and their 4 candidates for 2."""
    one = Round(lineages=2, candidates=4, keeps=1, start=5, middle=8, end=10)

    assert one.epochs == 2 * 3 + 4 * 2


def test_a_race_derives_candidates_once_few_are_left() -> None:
    """Four, two, one lineages; the last is trained for half a round, and so are its candidates."""
    rounds = rounds_of(
        epochs=12, before=0, field=(4, 2, 1), finetune=0.5, proposals=3, derive_at=1, beam=1
    )

    assert [(one.lineages, one.candidates, one.keeps) for one in rounds] == [
        (4, 0, 2),
        (2, 0, 1),
        (1, 3, 1),
    ]
    assert [one.tested for one in rounds] == [4, 2, 3]
    assert [one.epochs for one in rounds] == [16, 8, 2 + 3 * 2]


def test_a_race_need_not_derive_candidates() -> None:
    """Then lineages are tested as they are, to the end."""
    rounds = rounds_of(
        epochs=12, before=0, field=(2, 1, 1), finetune=0.5, proposals=3, derive_at=0, beam=1
    )

    assert [one.candidates for one in rounds] == [0, 0, 0]
    assert sum(one.epochs for one in rounds) == 4 * (2 + 1 + 1)


@pytest.mark.parametrize(
    ("lineages", "rounds", "expected"),
    [
        (12, 8, (12, 12, 8, 5, 3, 2, 1, 1)),
        (6, 8, (6, 6, 4, 3, 2, 1, 1, 1)),
        (6, 4, (6, 4, 2, 1)),
        (1, 3, (1, 1, 1)),
        (5, 1, (5,)),
    ],
)
def test_after_a_quarter_a_field_narrows_to_six_tenths_in_an_eighth_of_training(
    lineages: int, rounds: int, expected: tuple[int, ...]
) -> None:
    """Rounded up; so a field costs about as much whatever the number of rounds."""
    assert narrow_field(lineages, rounds) == expected


def test_a_field_of_six_with_twins_costs_six_trainings() -> None:
    """(6 + 6 + 4 + 3 + 2 + 1 + 1 + 1) / 8, twice."""
    rounds = rounds_of(
        epochs=800,
        before=0,
        field=narrow_field(6, 8),
        finetune=0.5,
        proposals=3,
        derive_at=0,
        beam=1,
    )

    assert plain_trainings(rounds, models=2) == 6
    assert plain_trainings(rounds, models=1) == 3
