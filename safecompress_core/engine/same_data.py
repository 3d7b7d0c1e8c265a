"""A run goes on with the samples that it began with, or not at all.

A spec names data and not their content, so the directory of a run is the same after a file has
changed; its checkpoints and results are of other samples then.
"""

from safecompress_core.engine.groundwork import Groundwork
from safecompress_core.engine.run_directory import RunDirectory, read_json, write_json
from safecompress_core.errors import RunDirectoryError

__all__ = ["require_same_data"]

RECORD = "pools.json"


def require_same_data(prepared: Groundwork, directory: RunDirectory) -> None:
    """Compare the pools with those of an earlier attempt, and remember them if there is none.

    Raises:
        RunDirectoryError: if the same spec now gives other samples.
    """
    record = directory.checkpoints / RECORD
    pools = prepared.describe_pools()
    known = pools
    if directory.results.exists():
        known = read_json(directory.results)["pools"]
    elif record.exists():
        known = read_json(record)
    if known != pools:
        raise RunDirectoryError(
            f"the data have changed since the run in {directory.path} began; "
            "give this one another name, or remove that directory"
        )
    record.parent.mkdir(parents=True, exist_ok=True)
    write_json(record, pools)
