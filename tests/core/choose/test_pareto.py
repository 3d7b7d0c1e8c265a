"""Choosing from the front."""

from collections.abc import Callable
from dataclasses import replace

import moocore
import numpy as np
import pytest

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.front import is_nondominated, losses
from safecompress_core.choose.manifest import ParetoParams, Reference
from safecompress_core.choose.pareto import Pareto

PICKS = [
    ParetoParams(pick="knee"),
    ParetoParams(pick="hypervolume"),
    ParetoParams(pick="reference-point", reference=Reference(performance=0.9, advantage=0.05)),
    ParetoParams(pick="tm-score"),
]


def test_knee_is_farthest_from_the_line_through_the_ends(
    candidates: Callable[..., Objectives],
) -> None:
    """Ends at 0; (0.75, 0.25) of the way bulges by (1 − 0.25 − 0.25) / √2."""
    objectives = candidates([0.4, 0.7, 0.8], [[0.1], [0.2], [0.5]])

    utilities = Pareto(ParetoParams()).utilities(objectives)

    assert utilities.tolist() == pytest.approx([0.0, 0.5 / np.sqrt(2), 0.0])


def test_knee_weighs_all_attacks_together_like_performance(
    candidates: Callable[..., Objectives],
) -> None:
    """An attack stated twice at half the weight changes nothing in the order."""
    one = candidates([0.4, 0.7, 0.75, 0.8], [[0.1], [0.2], [0.3], [0.5]])
    two = candidates(
        [0.4, 0.7, 0.75, 0.8], [[a, a] for a in (0.1, 0.2, 0.3, 0.5)], weights=[0.5, 0.5]
    )
    knee = Pareto(ParetoParams())

    ratios = knee.utilities(two)[1:3] / knee.utilities(one)[1:3]

    assert ratios[0] == pytest.approx(ratios[1])


def test_hypervolume_prefers_the_loneliest(candidates: Callable[..., Objectives]) -> None:
    """As moocore computes it on scales where the front spans [0, 1]."""
    objectives = candidates([0.4, 0.6, 0.62, 0.8], [[0.1], [0.2], [0.22], [0.5]])
    scaled = np.column_stack(
        ((0.8 - objectives.performance) / 0.4, (objectives.advantage[:, 0] - 0.1) / 0.4)
    )

    utilities = Pareto(ParetoParams(pick="hypervolume")).utilities(objectives)

    assert utilities.tolist() == pytest.approx(
        moocore.hv_contributions(scaled, ref=[1.1, 1.1]).tolist()
    )


def test_reference_point_picks_the_nearest(candidates: Callable[..., Objectives]) -> None:
    """Largest shortfalls of (0.7, 0.1): 0.3, 0.1 and 0.4; of (0.8, 0.5): 0.4, 0.1 and 0."""
    objectives = candidates([0.4, 0.7, 0.8], [[0.1], [0.2], [0.5]])

    def utilities(performance: float, advantage: float) -> list[float]:
        wished = Reference(performance=performance, advantage=advantage)
        params = ParetoParams(pick="reference-point", reference=wished)
        return Pareto(params).utilities(objectives).tolist()

    assert utilities(0.7, 0.1) == pytest.approx([-0.3, -0.1, -0.4], abs=1e-5)
    assert utilities(0.8, 0.5) == pytest.approx([-0.4, -0.1, 0.0], abs=1e-5)


def test_of_equal_largest_shortfalls_the_smaller_sum_is_nearer(
    candidates: Callable[..., Objectives],
) -> None:
    """Both lack 1/4 of performance; the excess of advantage is 1/4 or 1/8."""
    objectives = candidates([0.5, 0.5], [[0.5, 0.25], [0.25, 0.375]])
    wished = Reference(performance=0.75, advantage=0.25)

    utilities = Pareto(ParetoParams(pick="reference-point", reference=wished)).utilities(objectives)

    assert utilities[1] > utilities[0]


def test_a_dominated_candidate_ranks_below_by_however_little(
    candidates: Callable[..., Objectives],
) -> None:
    """The gap is the last bit of performance, less than the last bit of utility."""
    objectives = candidates([np.nextafter(0.5, 0), 0.5], [[0.1], [0.1]])

    utilities = Pareto(ParetoParams()).utilities(objectives)

    assert utilities[1] > utilities[0]


def test_tm_score_decides_among_the_front_alone(candidates: Callable[..., Objectives]) -> None:
    """0.5/0.5 beats 0.9/1.0, and with λ = 2 the other way round."""
    objectives = candidates([0.5, 0.9], [[0.0], [1.0]])

    assert Pareto(ParetoParams(pick="tm-score")).utilities(objectives).tolist() == [1.0, 0.9]
    squared = Pareto(ParetoParams(pick="tm-score", exponent=2)).utilities(objectives)
    assert squared.tolist() == pytest.approx([0.5, 0.81])


@pytest.mark.parametrize("params", PICKS, ids=lambda params: params.pick)
def test_dominated_candidates_rank_below_the_whole_front(
    params: ParetoParams, candidates: Callable[..., Objectives]
) -> None:
    """Even one beside the knee is below the ends; among them the farther back is the lower."""
    objectives = candidates([0.4, 0.7, 0.8, 0.69, 0.3], [[0.1], [0.2], [0.5], [0.2], [0.6]])

    utilities = Pareto(params).utilities(objectives)

    assert utilities[:3].min() > utilities[3] > utilities[4]


@pytest.mark.parametrize("params", PICKS, ids=lambda params: params.pick)
@pytest.mark.parametrize(
    ("performance", "advantage"),
    [
        ([0.5], [[0.1]]),
        ([0.5, 0.5, 0.5], [[0.1, 0.2]] * 3),
        ([0.5, 0.5], [[0.1], [0.2]]),
        ([0.5, 0.6], [[], []]),
        ([0.5], [[]]),
        ([0.0, 1.0], [[0.0], [1.0]]),
    ],
    ids=["one", "equal", "no-range", "no-attack", "one-without-attack", "ends"],
)
def test_degenerate_company_has_finite_utilities(
    params: ParetoParams,
    performance: list[float],
    advantage: list[list[float]],
    candidates: Callable[..., Objectives],
) -> None:
    """Equal candidates have equal utilities; without attacks the better performance wins."""
    utilities = Pareto(params).utilities(candidates(performance, advantage))

    assert np.isfinite(utilities).all()
    rows = [(p, *a) for p, a in zip(performance, advantage, strict=True)]
    if len(set(rows)) == 1:
        assert len(set(utilities.tolist())) == 1
    if not advantage[0]:
        assert np.argmax(utilities) == np.argmax(performance)


def test_an_attack_without_weight_has_no_part(candidates: Callable[..., Objectives]) -> None:
    """The second candidate is better only where it does not count."""
    objectives = candidates([0.5, 0.4], [[0.2, 0.9], [0.2, 0.0]], weights=[1, 0])

    utilities = Pareto(ParetoParams()).utilities(objectives)

    assert utilities[0] > utilities[1]


def test_a_measure_is_an_objective_of_the_front_and_of_the_knee(
    candidates: Callable[..., Objectives],
) -> None:
    """The last model is dominated until its size counts, and is the knee then.

    Scaled losses of the front are (1, 0, 1), (0, 1, 1) and (.25, .5, 0); their sums are 2, 2, .75.
    """
    leaks = candidates([0.4, 0.8, 0.7, 0.6], [[0.1], [0.5], [0.3], [0.3]])
    sized = replace(leaks, costs={"macs": np.array([0.8, 0.8, 0.8, 0.2])})
    params = ParetoParams(measures={"macs": 1})

    small = replace(sized, costs={"macs": np.array([0.8, 0.8, 0.2, 0.8])})
    utilities = Pareto(params).utilities(small)

    assert is_nondominated(losses(leaks)).tolist() == [True, True, True, False]
    assert is_nondominated(losses(sized)).tolist() == [True, True, True, True]
    assert utilities[:3].tolist() == pytest.approx(
        [(1 - 2) / np.sqrt(3), (1 - 2) / np.sqrt(3), (1 - 0.75) / np.sqrt(3)]
    )
    assert utilities[3] < utilities[:3].min()


def test_the_reference_point_has_a_wished_for_cost(candidates: Callable[..., Objectives]) -> None:
    """Largest shortfalls of (0.7, 0.1, 0.2): 0.3 of the first in size, 0.1 of the second."""
    objectives = replace(
        candidates([0.7, 0.7], [[0.1], [0.2]]), costs={"file-bytes": np.array([0.5, 0.2])}
    )
    wished = Reference(performance=0.7, advantage=0.1, cost=0.2)
    params = ParetoParams(pick="reference-point", reference=wished, measures={"file-bytes": 1})

    assert Pareto(params).utilities(objectives).tolist() == pytest.approx([-0.3, -0.1], abs=1e-5)
    with pytest.raises(ValueError, match="measures and reference.cost belong together"):
        ParetoParams(pick="reference-point", reference=wished)
