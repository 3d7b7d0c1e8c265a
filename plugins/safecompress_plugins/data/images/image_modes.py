"""Conversion of image modes to bytes: lossless, scaled, or rejected.

Pillow clips 16-bit and float images to [0, 255] and drops transparency. Here deep images are
divided by a white value from the spec, transparent ones are composited on a background from the
spec, and without these parameters they are rejected.
"""

import numpy as np
from PIL import Image

from safecompress_core.toolkit import DataError
from safecompress_plugins.data.images.manifest import ImageParams

__all__ = ["as_bytes", "change_of", "is_plain"]

DEEP = {"I", "I;16", "I;16B", "I;16L", "I;16N", "F"}
"""Modes of one channel with more than 8 bits."""
WHITES = (1, 1023, 4095, 16383, 65535)
"""Common white values: of fractions, and of 10, 12, 14 and 16 bits."""
IN_FRAMES = {"GIF", "PNG", "TIFF", "WEBP"}
"""Formats whose further frames are images; in a camera's JPEG they are previews."""
BRIGHTEST = 255
OPAQUE = (255, 255)


def is_plain(image: Image.Image) -> bool:
    """Return whether its header announces at most 8 opaque bits per channel."""
    return image.mode not in DEEP and not image.has_transparency_data and not _frames(image)


def change_of(image: Image.Image, params: ImageParams) -> str:
    """Describe the conversion of such an image apart from channels and size; empty for none."""
    if image.mode in DEEP:
        return f"images of more than 8 bits are divided by {params.white:g}, in 256 levels"
    # Pillow decodes 16-bit colour as 8 bits; only the tile description still shows it.
    if any(";16" in str(part[3]) for part in getattr(image, "tile", ())):
        return "of 16-bit colours the upper 8 bits are read"
    if image.has_transparency_data and params.background:
        return f"transparent images are composited on {params.background}"
    if image.mode == "CMYK":
        return "CMYK images are converted to RGB without a colour profile"
    return ""


def as_bytes(image: Image.Image, params: ImageParams, *, name: str) -> Image.Image:
    """Convert an image to RGB, or to grey for one channel.

    Args:
        image: in any mode.
        params: channels, white value and background.
        name: what an error calls the image.

    Raises:
        DataError: if pixels would be clipped, transparency dropped or frames ignored.
    """
    if frames := _frames(image):
        raise DataError(
            f"{name} has {frames} frames; an input is one image",
            hint="save the frames as separate files",
        )
    if image.mode in DEEP:
        image = _scale(image, params.white, name=name)
    elif image.has_transparency_data:
        image = _flatten_alpha(image.convert("RGBA"), params.background, name=name)
    return image.convert("RGB" if params.channels == 3 else "L")


def _frames(image: Image.Image) -> int:
    """Count an image's frames; 0 for a single one."""
    count = getattr(image, "n_frames", 1) if image.format in IN_FRAMES else 1
    return count if count > 1 else 0


def _scale(image: Image.Image, white: float | None, *, name: str) -> Image.Image:
    # float64 is exact for every deep mode, so the rounding below is the only one.
    values = np.asarray(image).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(values).all() or low < 0:
        raise DataError(
            f"{name} has pixels from {low:g} to {high:g}, but black must be 0",
            hint="shift and scale them to whole numbers from 0 to 255",
        )
    # The next common white value above the brightest pixel is the likely one.
    usual = next((white for white in WHITES if high <= white), high)
    if white is None:
        raise DataError(
            f"{name} has more than 8 bits (pixels {low:g} to {high:g}), and 'white' is not set",
            hint=f"write 'white: {usual:g}', for example; all such images are divided by it",
        )
    if high > white:
        raise DataError(
            f"{name} has pixels up to {high:g}, which 'white: {white:g}' would clip",
            hint=f"write 'white: {usual:g}', for example",
            field=("white",),
        )
    return Image.fromarray((values / white * BRIGHTEST).round().astype(np.uint8))


def _flatten_alpha(image: Image.Image, background: str | None, *, name: str) -> Image.Image:
    # An alpha channel that is opaque everywhere hides nothing.
    if image.getchannel("A").getextrema() == OPAQUE:
        return image.convert("RGB")
    if background is None:
        raise DataError(
            f"{name} has transparent pixels, and 'background' is not set",
            hint="write 'background: white' or 'background: black'",
        )
    ground = Image.new("RGBA", image.size, background)
    return Image.alpha_composite(ground, image).convert("RGB")
