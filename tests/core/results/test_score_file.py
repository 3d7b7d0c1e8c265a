"""The file of every record's scores, read back as it was written."""

from io import BytesIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from safecompress_core.errors import RunDirectoryError
from safecompress_core.results.score_file import (
    COLUMN_NAMES,
    ScoredRecords,
    read_scores,
    scores_file,
)
from tests.core.fixtures.scores import scored_records


def probe(model: str) -> ScoredRecords:
    """An attribute attack: a value, a guess, and no risk."""
    plain = scored_records(model, "probe", [0.3, 0.2, 0.1, 0.4])
    nothing = np.full(4, np.nan)
    return ScoredRecords(
        model=model,
        attack="probe",
        game="attribute",
        position=plain.position,
        member=plain.member,
        label=plain.label,
        score=plain.score,
        rank=plain.rank,
        risk=nothing,
        risk_low=nothing,
        risk_high=nothing,
        value=np.array(["old", "old", "young", "old"]),
        guess=np.array(["old", "young", "young", "old"]),
    )


def test_what_is_written_is_read_again() -> None:
    """Block by block, infinite scores and missing risks included."""
    written = [
        scored_records("uncompressed", "loss", [np.inf, 0.5, 0.25, -np.inf]),
        scored_records("compressed", "loss", [0.1, 0.7, 0.3, 0.2]),
        probe("compressed"),
    ]

    found = read_scores(scores_file(written))

    assert len(found) == 3
    for before, after in zip(written, found, strict=True):
        for name in COLUMN_NAMES:
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
            if isinstance(getattr(before, name), np.ndarray):
                assert getattr(before, name).dtype.kind == getattr(after, name).dtype.kind


def test_other_tools_read_a_row_a_record() -> None:
    """A plain Parquet table; what an attack has not is null."""
    table = pq.read_table(BytesIO(scores_file([scored_records("a", "b", [4.0, 3, 2, 1])])))

    assert table.schema.names == list(COLUMN_NAMES)
    assert table.slice(0, 1).to_pylist() == [
        {
            "model": "a",
            "attack": "b",
            "game": "membership",
            "position": 10,
            "member": True,
            "label": "x",
            "score": 4.0,
            "rank": 1,
            "risk": 0.8,
            "risk_low": None,
            "risk_high": None,
            "value": None,
            "guess": None,
        }
    ]


def test_the_same_scores_give_the_same_bytes() -> None:
    """And no scores a file without rows."""
    scored = [scored_records("a", "b", [4.0, 3, 2, 1])]

    assert scores_file(scored) == scores_file(scored)
    assert read_scores(scores_file([])) == ()


def test_another_file_is_refused() -> None:
    """One that is damaged, and one with other columns."""
    with pytest.raises(RunDirectoryError, match="is damaged"):
        read_scores(b"PAR1 and nothing")
    stream = BytesIO()
    pq.write_table(pa.table({"score": [1.0]}), stream)
    with pytest.raises(RunDirectoryError, match="has other columns"):
        read_scores(stream.getvalue())
