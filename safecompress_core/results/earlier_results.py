"""Results of an earlier run or audit, which relative gates compare with."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from safecompress_core.errors import RunDirectoryError
from safecompress_core.problems import Problem
from safecompress_core.results.checksums import RESULTS
from safecompress_core.results.gates import readings
from safecompress_core.results.reading import parse_results
from safecompress_core.results.schema import Results
from safecompress_core.results.score_file import SCORES, ScoredRecords, read_scores
from safecompress_core.specfile.models.run_spec import Gate
from safecompress_core.specfile.paths import local_path

__all__ = ["EarlierResults", "check_earlier_results", "read_earlier_results"]

NO_FILE = "copy the results.json of an earlier run or audit there, or name its run directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierResults:
    """Earlier results, as a gate names them.

    Attributes:
        file: the ``results.json``, under whatever name.
        sha256: of the file.
        results: its content.
        scores: of every record of the pool *audit*, by each attack on each model: those of
            ``scores.parquet`` next to the file; empty without it.
    """

    file: Path
    sha256: str
    results: Results
    scores: tuple[ScoredRecords, ...]


def read_earlier_results(text: str) -> EarlierResults:
    """Read the results that a gate names.

    Args:
        text: a file, or the directory of a run, as a spec writes it.

    Raises:
        RunDirectoryError: if it is not there, cannot be read, or is no ``results.json`` of this
            version; or if the scores next to it are damaged.
    """
    place = local_path(text)
    file = place / RESULTS if place.is_dir() else place
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise RunDirectoryError(f"{file}: no such file; {NO_FILE}") from None
    except OSError as error:
        raise RunDirectoryError(f"{file}: cannot be read: {error.strerror}; {NO_FILE}") from None
    try:
        results = parse_results(file, content)
    except RunDirectoryError as error:
        # Its own hint is for the directory of a run, which this file need not be in.
        reason = str(error).removeprefix(f"{file}: ").rpartition("; ")[0]
        message = f"{file}: holds no results of a run or an audit that can be read ({reason})"
        raise RunDirectoryError(f"{message}; {NO_FILE}") from None
    scores = file.parent / SCORES
    return EarlierResults(
        file=file,
        sha256=hashlib.sha256(content).hexdigest(),
        results=results,
        scores=read_scores(scores.read_bytes()) if scores.is_file() else (),
    )


def check_earlier_results(gates: Sequence[Gate]) -> Iterator[Problem]:
    """Find each relative gate whose earlier results cannot be read, or lack the measure."""
    for place, gate in enumerate(gates):
        if gate.no_worse_than is None:
            continue
        path = ("gate", place, "no_worse_than")
        try:
            earlier = read_earlier_results(gate.no_worse_than)
        except RunDirectoryError as error:
            message, _, hint = str(error).rpartition("; ")
            yield Problem(path, message, hint)
            continue
        if not any(readings(gate.measure, earlier.results)):
            message = f"{earlier.file}: its results, of {earlier.results.name!r}, have no"
            hint = "name results whose audit has it: the same game, or an attacker of that id"
            yield Problem(path, f"{message} {gate.measure!r}", hint)
