"""Folder of a comparison: private, and for one process at a time."""

import stat
import subprocess
import sys
from pathlib import Path

from safecompress_core.compare.folder import lock_folder

HOLD = """
import sys
from pathlib import Path
from safecompress_core.compare.folder import lock_folder
with lock_folder(Path(sys.argv[1]), waiting=lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_waits_for_the_first(tmp_path: Path) -> None:
    """It is told, and goes on when the first one is gone."""
    told: list[int] = []
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"

        def waiting() -> None:
            told.append(1)
            other.kill()  # or this test would wait for ever

        with lock_folder(tmp_path, waiting=waiting):
            assert told == [1]
            assert other.wait() != 0


def test_the_folder_is_private_and_swept(tmp_path: Path) -> None:
    """It holds who is a member, as a run does."""
    folder = tmp_path / "comparisons" / "mine"

    with lock_folder(folder, waiting=lambda: None):
        left = folder / "shared" / ".record.json.7-ab.partial"
        left.parent.mkdir()
        left.write_text("ha")
    with lock_folder(folder, waiting=lambda: None):
        assert not left.exists()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
