"""Membership attacks in results: operating points, and those that a pool cannot resolve."""

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import (
    OperatingPointRecord,
    UnresolvedPointRecord,
)
from tests.core.fixtures.records import attack_record, membership_record


def test_a_point_that_the_pool_cannot_resolve_has_a_note() -> None:
    """It has no interval, no threshold and no counts."""
    resolved = {
        "max_fpr": 0.1,
        "tpr": 0.3,
        "interval": [0.2, 0.4],
        "fpr": 0.1,
        "fpr_interval": [0.0, 0.2],
        "threshold": None,
        "true_positives": 3,
        "false_positives": 1,
        "members": 10,
        "non_members": 10,
    }
    unresolved = {"max_fpr": 0.01, "tpr": None, "note": "too few", "non_members": 10}

    record = membership_record(0.2, operating_points=[resolved, unresolved])

    assert [type(point) for point in record.operating_points] == [
        OperatingPointRecord,
        UnresolvedPointRecord,
    ]


def test_an_unknown_key_is_refused_by_its_name() -> None:
    """A misspelt key is neither dropped nor kept."""
    with pytest.raises(ValidationError, match="treshold_attack"):
        attack_record("membership", 0.2, treshold_attack=0.1)
