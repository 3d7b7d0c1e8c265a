"""Labels and sizes in a folder of images, from file names and headers alone."""

import struct
from dataclasses import dataclass
from pathlib import Path

from safecompress_core.errors import DataError

__all__ = ["ImageSurvey", "survey_images"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm")
LOOKED_AT = 200
"""Images whose size is read, spread over the folder."""
PNG = b"\x89PNG\r\n\x1a\n"
# C4, C8 and CC are in the range of frame headers, but hold tables.
JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG segment that holds height and width."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSurvey:
    """Labels and sizes of a folder of images.

    Attributes:
        images: how many.
        labels: names of the folders that hold them.
        sizes: width and height of those that were looked at and could be read; each once.
    """

    images: int
    labels: tuple[str, ...]
    sizes: frozenset[tuple[int, int]]


def survey_images(folder: Path) -> ImageSurvey:
    """Look at the folders of a folder.

    Raises:
        DataError: if fewer than two folders hold images.
    """
    # At least one folder below, whose name is the label. Sorted for a reproducible sample.
    paths = [path for path in sorted(folder.glob("*/**/*")) if path.suffix.lower() in SUFFIXES]
    # Hidden folders hold thumbnails and version control, not samples.
    paths = [path for path in paths if not any(part.startswith(".") for part in path.parts)]
    labels = tuple(dict.fromkeys(path.parent.name for path in paths))
    if len(labels) < 2:
        raise DataError(
            f"fewer than two folders in {str(folder)!r} hold images",
            hint="put the images of each label into a folder of its own",
        )
    # Spread evenly, since the first images may all have one label.
    looked_at = paths[:: max(1, len(paths) // LOOKED_AT)]
    sizes = frozenset(size for size in map(size_of, looked_at) if size is not None)
    return ImageSurvey(images=len(paths), labels=labels, sizes=sizes)


def size_of(path: Path) -> tuple[int, int] | None:
    """Return width and height of a PNG, GIF, BMP or JPEG file; None if its header is another."""
    try:
        # Most headers lie within the first 64 KiB.
        head = path.read_bytes()[: 1 << 16]
    except OSError:
        return None
    try:
        if head.startswith(PNG):
            return struct.unpack(">II", head[16:24])
        if head[:6] in (b"GIF87a", b"GIF89a"):
            return struct.unpack("<HH", head[6:10])
        if head.startswith(b"BM"):
            width, height = struct.unpack("<ii", head[18:26])
            # A negative height means that rows are stored from the top.
            return width, abs(height)
        return _jpeg_size(head) if head.startswith(b"\xff\xd8") else None
    # A truncated header gives no size; other images do.
    except struct.error:
        return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    # After the start-of-image marker of two bytes.
    place = 2
    while place + 9 < len(head):
        marker, length = head[place + 1], struct.unpack(">H", head[place + 2 : place + 4])[0]
        if marker in JPEG_SIZES:
            height, width = struct.unpack(">HH", head[place + 5 : place + 9])
            return width, height
        # The length counts its own two bytes but not the marker's.
        place += 2 + length
    return None
