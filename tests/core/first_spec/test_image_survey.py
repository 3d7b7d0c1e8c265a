"""Labels and sizes in a folder of images."""

from pathlib import Path

import pytest
from PIL import Image

from safecompress_core.errors import DataError
from safecompress_core.first_spec.image_survey import size_of, survey_images


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp"])
def test_the_size_is_read_from_the_header(tmp_path: Path, suffix: str) -> None:
    """Held against what Pillow has written."""
    path = tmp_path / f"a.{suffix}"
    Image.new("RGB", (37, 21)).save(path)

    assert size_of(path) == (37, 21)


def test_a_header_that_nobody_knows_has_no_size(tmp_path: Path) -> None:
    """Neither has one that is cut off, nor a file that is not there."""
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")

    assert [size_of(tmp_path / name) for name in ("a.tif", "b.png", "c.png")] == [None] * 3


def test_labels_are_the_folders_that_hold_images(tmp_path: Path) -> None:
    """Whatever else lies there is left out, hidden folders too."""
    for place, width in (("cat/1.png", 8), ("cat/2.PNG", 9), ("dog/deep/3.png", 8)):
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (width, 8)).save(path, format="png")
    (tmp_path / "cat" / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "bird" / ".thumbnails").mkdir(parents=True)
    (tmp_path / "bird" / ".thumbnails" / "4.png").touch()

    found = survey_images(tmp_path)

    assert (found.images, found.labels) == (3, ("cat", "deep"))
    assert found.sizes == {(8, 8), (9, 8)}


def test_one_label_is_none(tmp_path: Path) -> None:
    """There is nothing to tell apart."""
    (tmp_path / "cat").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "cat" / "1.png")

    with pytest.raises(DataError, match="fewer than two folders .* hold images"):
        survey_images(tmp_path)
