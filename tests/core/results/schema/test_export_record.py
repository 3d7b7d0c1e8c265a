"""Schema of ``export.json``."""

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import ExportRecord
from tests.core.fixtures.exports import export_record


def test_a_record_is_read_as_it_was_written() -> None:
    """Through JSON, with a null where a game has no interval."""
    record = export_record()

    assert ExportRecord.model_validate_json(record.model_dump_json()) == record
    assert record.to_json()["attacks"]["knockoff"]["advantage"]["interval"] is None


def test_a_record_of_another_version_or_with_an_unknown_key_is_refused() -> None:
    """Readers of one version read no other."""
    for change in ({"version": 2}, {"acuracy": 0.5}):
        with pytest.raises(ValidationError):
            export_record(**change)
