"""The directory that each process of a run works in."""

from pathlib import Path

from safecompress_core.results.checksums import record_all_files
from safecompress_core.runs.rank_directory import open_rank_directory
from safecompress_core.training.data_parallel import ALONE, DataParallel
from safecompress_core.training.rank import Rank


class Second(DataParallel):
    """The process after the one that leads, whose waiting never takes long."""

    rank = Rank(number=1, size=2)


def test_the_leader_holds_the_run_directory(tmp_path: Path) -> None:
    """So does a single process."""
    with open_rank_directory(tmp_path / "run", ALONE) as directory:
        assert directory.path == tmp_path / "run"


def test_another_process_works_in_a_copy(tmp_path: Path) -> None:
    """It reads what an earlier attempt has kept, writes nothing into it, and leaves nothing."""
    place = tmp_path / "run"
    kept = place / "checkpoints" / "round-1" / "0.safetensors"
    with open_rank_directory(place, ALONE):
        kept.parent.mkdir(parents=True)
        kept.write_bytes(b"weights")
        (place / "events.jsonl").write_text("{}\n")

        with open_rank_directory(place, Second()) as copy:
            assert (copy.path / kept.relative_to(place)).read_bytes() == b"weights"
            copy.log({"event": "run_started"})
            (copy.path / "results.json").write_text("{}")
            record_all_files(place)

    assert (place / "events.jsonl").read_text() == "{}\n"
    assert sorted(path.name for path in place.iterdir() if path.name != ".lock") == [
        "SHA256SUMS",
        "checkpoints",
        "events.jsonl",
    ]
    assert "rank" not in (place / "SHA256SUMS").read_text()
