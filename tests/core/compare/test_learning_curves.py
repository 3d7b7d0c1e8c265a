"""How test-driven runs went."""

from collections.abc import Callable

from safecompress_core.compare.comparison_table import FinishedVariant
from safecompress_core.compare.learning_curves import learning_curves
from safecompress_core.results.schema import CandidateRecord, CourseRoundRecord
from tests.core.fixtures.records import candidate_record, round_record


def candidate(performance: float, *, utility: float, chosen: bool = True) -> CandidateRecord:
    """A candidate that two attacks tested."""
    objectives = {"performance": performance, "loss": 0.2, "probe": 0.3 - performance / 10}
    return candidate_record("a", objectives=objectives, utility=utility, chosen=chosen)


def test_a_course_follows_the_best_of_what_each_round_went_on_with(
    done: Callable[..., FinishedVariant],
) -> None:
    """Its performance, and the largest of its advantages."""
    rounds = (
        round_record(1, candidate(0.5, utility=1.0), candidate(0.4, utility=2.0)),
        round_record(2, candidate(0.9, utility=9.0, chosen=False), candidate(0.6, utility=1.0)),
    )

    [found] = learning_curves([done("test-driven", rounds=rounds), done("prune")])

    assert (found.name, found.density, found.seed) == ("test-driven", 0.1, 1)
    assert [one.performance for one in found.rounds] == [0.4, 0.6]
    assert [one.advantage for one in found.rounds] == [0.26, 0.24]


def test_rounds_without_attacks_have_no_advantage(done: Callable[..., FinishedVariant]) -> None:
    """Nothing was told apart by safety there."""
    untested = candidate_record("a", objectives={"performance": 0.5}, chosen=True)

    [found] = learning_curves([done(rounds=(round_record(1, untested),))])

    assert found.rounds == (CourseRoundRecord(round=1, performance=0.5, advantage=None),)
