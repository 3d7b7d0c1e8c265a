"""The front over all rounds, and what a beam keeps."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.archive import Archive, ArchiveEntry, keep_by_hypervolume

STEADY = ArchiveEntry("steady", 0.7, (0.2, 0.2))
SAFE = ArchiveEntry("safe", 0.4, (0.1, 0.0))
GOOD = ArchiveEntry("good", 0.8, (0.5, 0.5))
BEATEN = ArchiveEntry("beaten", 0.6, (0.2, 0.3))
TWO_ATTACKS = Archive(weights=(1.0, 1.0))


def test_archive_keeps_the_front_and_is_immutable() -> None:
    """A better model drives out those it dominates; the old archive is as it was."""
    before = TWO_ATTACKS.add(SAFE, BEATEN, GOOD)
    after = before.add(STEADY)

    assert [entry.id for entry in before.entries] == ["safe", "beaten", "good"]
    assert [entry.id for entry in after.entries] == ["safe", "good", "steady"]
    assert after.add(BEATEN) == after


def test_of_equal_models_the_first_stays() -> None:
    """In one round or over two, and a model seen again is no news."""
    twin = ArchiveEntry("twin", STEADY.performance, STEADY.advantage)

    assert TWO_ATTACKS.add(STEADY, twin).entries == (STEADY,)
    assert TWO_ATTACKS.add(STEADY).add(twin, STEADY).entries == (STEADY,)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12), st.data())
def test_archive_does_not_depend_on_rounds(
    values: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Added at once or in two parts, the same objectives survive."""
    entries = [ArchiveEntry(str(i), p / 5, (a / 5,)) for i, (p, a) in enumerate(values)]
    cut = data.draw(st.integers(0, len(entries)))
    empty = Archive(weights=(1.0,))

    assert empty.add(*entries[:cut]).add(*entries[cut:]) == empty.add(*entries)


def test_preferences() -> None:
    """The two ends and the knee between them."""
    archive = TWO_ATTACKS.add(SAFE, STEADY, GOOD)

    assert archive.pick("performance") == GOOD
    assert archive.pick("safety") == SAFE
    assert archive.pick("balanced") == STEADY
    assert archive.ends == (GOOD, SAFE)


def test_safety_is_that_of_the_worst_weighted_attack() -> None:
    """(0.3, 0.0) is worse than (0.2, 0.2), until the first attack counts half."""
    uneven, even = ArchiveEntry("uneven", 0.5, (0.3, 0.0)), ArchiveEntry("even", 0.5, (0.2, 0.2))

    assert TWO_ATTACKS.add(uneven, even).pick("safety") == even
    assert Archive(weights=(0.5, 1.0)).add(uneven, even).pick("safety") == uneven


def test_archive_refuses_what_does_not_fit() -> None:
    """A missing attack, two models of one name, a choice from nothing."""
    with pytest.raises(ValueError, match="1 advantages for 2 attacks"):
        TWO_ATTACKS.add(ArchiveEntry("short", 0.5, (0.1,)))
    with pytest.raises(ValueError, match="two models are called safe"):
        TWO_ATTACKS.add(SAFE, ArchiveEntry("safe", 0.9, (0.9, 0.9)))
    with pytest.raises(ValueError, match="empty"):
        TWO_ATTACKS.pick("safety")


def test_beam_keeps_what_covers_most(candidates: Callable[..., Objectives]) -> None:
    """The knee first, then the ends in order, then the front behind."""
    objectives = candidates([0.4, 0.7, 0.8, 0.3, 0.7], [[0.1], [0.2], [0.5], [0.6], [0.2]])

    assert keep_by_hypervolume(objectives, 1) == (1,)
    assert keep_by_hypervolume(objectives, 3) == (1, 0, 2)
    assert keep_by_hypervolume(objectives, 9) == (1, 0, 2, 4, 3)


def test_beam_ties_go_to_the_first(candidates: Callable[..., Objectives]) -> None:
    """Equal candidates and one objective alone are no reason to stumble."""
    assert keep_by_hypervolume(candidates([0.5] * 3, [[0.1]] * 3), 2) == (0, 1)
    assert keep_by_hypervolume(candidates([0.5, 0.7, 0.6], [[], [], []]), 2) == (1, 2)
    with pytest.raises(ValueError, match="at least one"):
        keep_by_hypervolume(candidates([0.5], [[0.1]]), 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=10))
def test_beam_is_a_prefix_of_a_wider_beam(values: list[tuple[int, int]]) -> None:
    """Each index once, and a wider beam only adds."""
    table = np.array(values) / 9
    objectives = Objectives(
        performance=table[:, 0],
        advantage=table[:, 1:],
        attack_accuracy=(1 + table[:, 1:]) / 2,
        weights=np.ones(1),
    )
    everything = keep_by_hypervolume(objectives, len(values))

    assert sorted(everything) == list(range(len(values)))
    for count in range(1, len(values)):
        assert keep_by_hypervolume(objectives, count) == everything[:count]


def test_objectives_are_those_of_the_entries_in_their_order() -> None:
    """With the names of attacks, for an aggregator that asks for them."""
    entry = ArchiveEntry("sure", 0.7, (0.2, 0.1), (0.6, 0.3))
    archive = Archive(weights=(1.0, 2.0), entries=(entry, STEADY))

    objectives = archive.objectives(attackers=("a", "b"), games=("g", "h"))

    assert objectives.performance.tolist() == [0.7, 0.7]
    assert objectives.advantage.tolist() == [[0.2, 0.1], [0.2, 0.2]]
    assert objectives.attack_accuracy.tolist() == [[0.6, 0.3], [0.0, 0.0]]
    assert (objectives.weights.tolist(), objectives.attackers) == ([1.0, 2.0], ("a", "b"))


def test_a_smaller_model_stays_although_a_larger_one_is_better_in_all_else() -> None:
    """Costs are objectives; the same model without its cost is dominated."""
    large = replace(GOOD, advantage=(0.1, 0.1), costs={"file-bytes": 0.5})
    small = replace(BEATEN, costs={"file-bytes": 0.25})

    assert TWO_ATTACKS.add(large, small).entries == (large, small)
    assert TWO_ATTACKS.add(replace(large, costs={}), replace(small, costs={})).entries == (
        replace(large, costs={}),
    )
