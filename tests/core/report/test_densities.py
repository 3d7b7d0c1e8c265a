"""Densities: of what, in words."""

import pytest

from safecompress_core.report.densities import share_kept, states_both
from tests.core.fixtures.records import edited, model_record


@pytest.mark.parametrize(
    ("density", "model_density", "sparsifiable", "text"),
    [
        (0.1, 0.104, 0.995, "10.0 % of the weights kept"),
        (0.00025, 0.01, 0.99, "0.025 % of the weights kept"),
        (
            0.1,
            0.704,
            0.329,
            "70.4 % of all parameters kept, 10.0 % of those that may be sparse",
        ),
        (None, None, None, ""),
    ],
)
def test_what_is_kept_is_said_with_what_it_is_a_share_of(
    density: float | None, model_density: float | None, sparsifiable: float | None, text: str
) -> None:
    """A format without densities has no such sentence."""
    sizes = {"density": density, "model_density": model_density, "sparsifiable": sparsifiable}
    assert share_kept(edited(model_record(), sizes)) == text


def test_half_is_enough_for_one_density() -> None:
    """Both are stated under half, and not where the share is not known."""
    assert [states_both(share) for share in (0.49, 0.5, None)] == [True, False, False]
