"""Verdicts on what compression changed."""

import pytest

from safecompress_core.audit.behaviours import judge_change
from safecompress_core.results.schema import ChangeVerdict
from safecompress_core.stats.intervals import Estimate

BEYOND: ChangeVerdict = "changed beyond training noise"


@pytest.mark.parametrize(
    ("change", "retrained", "verdict"),
    [
        # The samples do not show that anything changed.
        (Estimate(-0.02, -0.06, 0.02), [0.0, 0.0, 0.0], "within noise"),
        (Estimate.exact(0), [], "within noise"),
        # They do, and nobody knows what training alone changes.
        (Estimate(-0.1, -0.14, -0.06), [], "cannot tell"),
        # A re-trained model differs as much, in either direction.
        (Estimate(-0.1, -0.14, -0.06), [0.01, 0.12], "within noise"),
        # Four models around 0.5 differ by 0.01; the interval of a fifth has a half of 0.03.
        (Estimate(-0.1, -0.14, -0.06), [0.01, -0.01, 0.005], BEYOND),
        (Estimate(0.1, 0.06, 0.14), [0.01, -0.01, 0.005], BEYOND),
        # Two models say little of the noise: the interval of a third is 11 differences wide.
        (Estimate(-0.1, -0.14, -0.06), [0.02], "cannot tell"),
        (Estimate(-0.3, -0.34, -0.26), [0.02], BEYOND),
    ],
)
def test_a_change_is_told_from_training_noise(
    change: Estimate, retrained: list[float], verdict: ChangeVerdict
) -> None:
    """By hand: of an uncompressed model at 0.5 and models that were trained again."""
    assert judge_change(0.5, change, retrained) == verdict


def test_a_figure_that_compares_with_the_uncompressed_model_needs_two_others() -> None:
    """The uncompressed model agrees with itself, whatever the noise."""
    change = Estimate(0.6, 0.5, 0.7)

    assert judge_change(0.0, change, [0.1], is_relative=True) == "cannot tell"
    assert judge_change(0.0, change, [0.10, 0.12], is_relative=True) == BEYOND
    assert judge_change(0.0, change, [0.1, 0.3], is_relative=True) == "cannot tell"
