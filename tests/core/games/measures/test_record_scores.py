"""Share of members at high risk."""

import numpy as np
import pytest
from scipy.stats import binomtest

from safecompress_core.games.measures.record_scores import RecordScores, share_exposed
from safecompress_core.stats.record_risk import RiskCalibration


def test_members_from_the_bound_on_count_with_an_exact_interval() -> None:
    """Three of ten members; a non-member with the same risk is no exposed member."""
    risks = np.array([0.9, 0.95, 0.99] + [0.5] * 7 + [0.99] * 5)
    is_member = np.arange(15) < 10

    found = share_exposed(risks, is_member, min_risk=0.9)

    assert found.value == pytest.approx(0.3)
    exact = binomtest(3, 10).proportion_ci(0.95, method="exact")
    assert found.interval == pytest.approx((exact.low, exact.high))


def test_risks_are_those_of_the_calibration() -> None:
    """Without one, as in other games, there are none."""
    scores, is_member = np.arange(8.0), np.arange(8) >= 4
    calibration = RiskCalibration.fit(scores, is_member, folds=np.arange(8) % 2)

    records = RecordScores(scores=scores, calibration=calibration)

    assert records.risks is not None
    np.testing.assert_array_equal(records.risks, calibration.risk(scores))
    assert RecordScores(scores=scores).risks is None
