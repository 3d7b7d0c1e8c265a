"""File of every record's score by every attack: ``scores.parquet`` in a run directory.

A row is one record of the pool *audit* under one attack on one model. It says which sample that is
by its position in the data set, and holds nothing of its input.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from safecompress_core.errors import RunDirectoryError

__all__ = [
    "AUDITED",
    "BASELINE",
    "CHOSEN",
    "COLUMN_NAMES",
    "RETRAINED",
    "SCORES",
    "UNFINISHED",
    "ScoredRecords",
    "read_scores",
    "scores_file",
]

# N samples

SCORES = "scores.parquet"

BASELINE, CHOSEN, UNFINISHED, AUDITED = "uncompressed", "compressed", "unfinished", "model"
"""Models in events and scores; ``model`` is one that is audited by itself."""

RETRAINED = "retrained"
"""Uncompressed models of other seeds, followed by a hyphen and their number from 0."""

Strings = NDArray[np.str_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScoredRecords:
    """Scores of one attack on one model, for the N records of a pool.

    Attributes:
        model: one of the names above, or the id of a model of the archive.
        attack: the id of the attack.
        game: what it plays.
        position: of the sample in the data set, from 0, shape (N,), int64.
        member: shape (N,), bool.
        label: task label, shape (N,).
        score: of the attack, shape (N,), float64: of membership, or of the attribute's true value.
        rank: of the score, from 1 for the most exposed, shape (N,), int64; ties share the lowest.
            Where the AUC is significantly under 0.5, low scores come first.
        risk: membership: calibrated, shape (N,), in [0, 1]; NaN in other games.
        risk_low, risk_high: ends of its 95 % interval over reference models, shape (N,); NaN
            without any.
        value: attribute: the true value, shape (N,); None in other games.
        guess: attribute: the value that the attack infers, shape (N,); None in other games.
    """

    model: str
    attack: str
    game: str
    position: NDArray[np.int64]
    member: NDArray[np.bool_]
    label: Strings
    score: Floats
    rank: NDArray[np.int64]
    risk: Floats
    risk_low: Floats
    risk_high: Floats
    value: Strings | None = None
    guess: Strings | None = None

    def __len__(self) -> int:
        return len(self.position)


NAMES = pa.dictionary(pa.int32(), pa.string())
COLUMNS = pa.schema(
    {
        **dict.fromkeys(("model", "attack", "game"), NAMES),
        "position": pa.int64(),
        "member": pa.bool_(),
        "label": NAMES,
        "score": pa.float64(),
        "rank": pa.int64(),
        **dict.fromkeys(("risk", "risk_low", "risk_high"), pa.float64()),
        **dict.fromkeys(("value", "guess"), NAMES),
    }
)


COLUMN_NAMES: tuple[str, ...] = tuple(COLUMNS.names)


def scores_file(scored: Sequence[ScoredRecords]) -> bytes:
    """Return the content of the file; the same scores give the same bytes."""
    tables = [
        pa.table(
            {field.name: _column(getattr(one, field.name), field, len(one)) for field in COLUMNS},
            schema=COLUMNS,
        )
        for one in scored
    ]
    stream = BytesIO()
    whole = pa.concat_tables(tables) if tables else COLUMNS.empty_table()
    pq.write_table(whole.unify_dictionaries(), stream, compression="zstd")
    return stream.getvalue()


def _column(values: Any, field: pa.Field, count: int) -> pa.Array:
    if values is None:
        return pa.nulls(count, field.type)
    if isinstance(values, str):
        values = np.full(count, values)
    if field.type == NAMES:
        return pa.array(values, pa.string()).dictionary_encode()
    # NaN is "none" in the arrays, and null in the file.
    return pa.array(values, field.type, from_pandas=True)


def read_scores(content: bytes) -> tuple[ScoredRecords, ...]:
    """Return what :func:`scores_file` was made of.

    Raises:
        RunDirectoryError: if it is no such file.
    """
    try:
        table = pq.read_table(BytesIO(content))
    except pa.ArrowException as error:
        raise RunDirectoryError(f"{SCORES}: is damaged: {error}") from error
    if table.schema.names != COLUMNS.names:
        raise RunDirectoryError(f"{SCORES}: has other columns than {', '.join(COLUMNS.names)}")
    columns = {name: _values(table[name], COLUMNS.field(name)) for name in COLUMNS.names}
    # One block of rows for each attack on each model, in the order in which they were written.
    keys = list(zip(columns["model"].tolist(), columns["attack"].tolist(), strict=True))
    starts = [row for row, key in enumerate(keys) if row == 0 or keys[row - 1] != key]
    ends = [*starts, len(keys)][1:]
    return tuple(
        _block({name: values[start:end] for name, values in columns.items()})
        for start, end in zip(starts, ends, strict=True)
    )


def _values(column: pa.ChunkedArray, field: pa.Field) -> NDArray[Any]:
    if field.type == NAMES:
        return np.array(column.to_pylist(), dtype=object)
    values: NDArray[Any] = column.to_numpy()
    return values


def _block(columns: dict[str, Any]) -> ScoredRecords:
    names: dict[str, Any] = {
        name: str(columns.pop(name)[0]) for name in ("model", "attack", "game")
    }
    for name in ("label", "value", "guess"):
        is_missing = columns[name][0] is None
        columns[name] = None if is_missing else columns[name].astype(np.str_)
    return ScoredRecords(**names, **columns)
