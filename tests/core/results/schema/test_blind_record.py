"""The blind baseline in results."""

import json

import pytest

from safecompress_core.results.schema import BlindBaselineRecord
from tests.core.fixtures.records import blind_record


@pytest.mark.parametrize(
    "record", [blind_record(), blind_record(shifted=True), blind_record(note="no inputs")]
)
def test_it_is_json_and_read_again_as_it_was(record: BlindBaselineRecord) -> None:
    """Null where there is no baseline."""
    text = json.dumps(record.to_json(), allow_nan=False)

    assert BlindBaselineRecord.model_validate_json(text) == record
