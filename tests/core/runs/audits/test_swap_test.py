"""Swap test of an audited model."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier

from safecompress_core.python.audit import audit

INPUTS, LABELS = (array[:800] for array in load_digits(return_X_y=True))
MEMBERS, OTHERS = (INPUTS[:500], LABELS[:500]), (INPUTS[500:], LABELS[500:])

Positions = NDArray[np.int64]


def test_the_twin_knows_as_many_samples_and_the_other_side(tmp_path: Path) -> None:
    """As many as the smaller side of the audit pool has are exchanged: 150 of 250."""
    dealt: list[Positions] = []

    def train(indices: Positions, seed: int) -> RandomForestClassifier:
        dealt.append(indices)
        return RandomForestClassifier(10, random_state=seed).fit(INPUTS[indices], LABELS[indices])

    model = train(np.arange(500), 3)
    results = audit(
        model,
        members=MEMBERS,
        non_members=OTHERS,
        attackers=["gap"],
        train=train,
        runs_dir=tmp_path,
    ).results

    _, twin = dealt
    assert len(twin) == 500
    assert int((twin >= 500).sum()) == 150
    assert results.references is None
    assert results.swap_test is not None
    assert results.swap_test.members == results.swap_test.non_members == 150
    assert results.swap_test.auc > 0.7


@pytest.mark.parametrize("wanted", [False])
def test_it_can_be_left_out(wanted: bool, tmp_path: Path) -> None:
    """Then nothing is trained for it."""

    def train(indices: Positions, seed: int) -> None:
        raise AssertionError(f"{indices}, {seed}")

    model = RandomForestClassifier(5, random_state=0).fit(*MEMBERS)
    results = audit(
        model,
        members=MEMBERS,
        non_members=OTHERS,
        attackers=["gap"],
        train=train,
        overrides={"audit.swap_test": wanted},
        runs_dir=tmp_path,
    ).results

    assert results.swap_test is None
