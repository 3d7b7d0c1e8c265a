"""Image inputs: decoded, resized, and normalised by channel on access.

A byte per value takes a quarter of the memory of floats. The same pixels give the same floats in
either storage: in memory as bytes, or on disk until a batch needs them.
"""

import io
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from safecompress_core.toolkit import DataError, Inputs
from safecompress_plugins.data.images.image_modes import as_bytes, change_of, is_plain
from safecompress_plugins.data.images.manifest import ImageParams, Normal

__all__ = [
    "ByteImages",
    "Encoded",
    "FileImages",
    "bounds_of",
    "decode_image",
    "fit_images",
    "pixels_of",
    "sizes_differ",
    "store_images",
]

Encoded = bytes | Path
"""An image as stored: its bytes, or its file."""

BRIGHTEST = 255
FITS = 4 << 30
"""Bytes of pixels up to which ``storage: auto`` keeps images in memory."""
AHEAD = 2
"""Batches that each worker prefetches."""


def bounds_of(normal: Normal) -> tuple[Tensor, Tensor]:
    """Return the normalised values of black and white, each of shape (C, 1, 1)."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (normal.mean, normal.std))
    return (0 - mean) / std, (1 - mean) / std


class _Images(Inputs):
    """Base class of images: pixels of one shape, normalised on access."""

    def __init__(self, count: int, shape: tuple[int, ...], normal: Normal) -> None:
        self.shape = torch.Size((count, *shape))
        self._normal = normal
        # bounds by device, so that no batch copies them again
        self._ends: dict[torch.device, tuple[Tensor, Tensor]] = {}

    def _normalise(self, pixels: Tensor) -> Tensor:
        """Return (x / 255 − mean) / std, in float32, channel by channel."""
        device = pixels.device
        if device not in self._ends:
            low, high = bounds_of(self._normal)
            self._ends[device] = low.to(device), high.to(device)
        # lerp between the values of black and white is the same normalisation in one kernel, and
        # gives the bounds exactly at 0 and 255: attacks that clamp to the bounds rely on that.
        return torch.lerp(*self._ends[device], pixels.float() / BRIGHTEST)


class ByteImages(_Images):
    """Pixels in memory, shape (N, C, H, W), uint8, on the requested device."""

    def __init__(self, pixels: Tensor, normal: Normal) -> None:
        super().__init__(len(pixels), tuple(pixels.shape[1:]), normal)
        self._pixels = pixels

    def __getitem__(self, positions: Tensor) -> Tensor:
        """Return normalised images, on the device of the pixels."""
        return self._normalise(self._pixels[positions.to(self._pixels.device)])

    def take(self, positions: Tensor) -> "ByteImages":
        """Select these images."""
        return ByteImages(self._pixels[positions.to(self._pixels.device)], self._normal)

    def to(self, device: torch.device) -> "ByteImages":
        """Move the pixels to a device, a quarter of the bytes of floats."""
        return ByteImages(self._pixels.to(device), self._normal)

    def contents(self, positions: Tensor) -> Iterator[bytes]:
        """Yield the pixels of each image."""
        for position in positions.tolist():
            yield self._pixels[position].cpu().numpy().tobytes()


class FileImages(_Images):
    """Encoded images, decoded when a batch needs them, optionally by prefetching workers.

    Args:
        encoded: the images.
        shape: of a decoded and resized image, (C, H, W).
        params: resizing, normalisation and the number of workers.
    """

    def __init__(
        self, encoded: Sequence[Encoded], shape: tuple[int, ...], params: ImageParams
    ) -> None:
        super().__init__(len(encoded), shape, params.normalisation)
        self._encoded = encoded
        self._params = params

    # Cached, since a view of all images is built again for every batch otherwise.
    @cached_property
    def _decoding(self) -> "_Decoding":
        return _Decoding(self._encoded, self._params, self.shape[1:])

    def __getitem__(self, positions: Tensor) -> Tensor:
        """Return normalised images, decoded now."""
        if positions.dtype == torch.bool:
            positions = positions.nonzero()[:, 0]
        return self._normalise(self._decoding.pixels(positions.tolist()))

    def take(self, positions: Tensor) -> "FileImages":
        """Return a view of these images."""
        rows = positions.nonzero()[:, 0] if positions.dtype == torch.bool else positions
        return FileImages(
            [self._encoded[row] for row in rows.tolist()], self.shape[1:], self._params
        )

    def contents(self, positions: Tensor) -> Iterator[bytes]:
        """Yield the encoded bytes of each image."""
        for position in positions.tolist():
            encoded = self._encoded[position]
            yield encoded if isinstance(encoded, bytes) else encoded.read_bytes()

    def batches(self, positions: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield batches in the order of positions, decoded by workers that prefetch."""
        workers = self._params.workers
        loader: DataLoader[Tensor] = DataLoader(
            self._decoding,
            batch_sampler=[rows.tolist() for rows in positions],
            collate_fn=torch.stack,
            num_workers=workers,
            prefetch_factor=AHEAD if workers else None,
            pin_memory=torch.cuda.is_available(),
            # a loader draws a seed, and must not draw it from the global state
            generator=torch.Generator(),
        )
        for pixels in loader:
            yield self._normalise(pixels)


class _Decoding(TorchDataset[Tensor]):
    """Work of a loader's worker: one decoded image, shape (C, H, W), uint8."""

    def __init__(
        self, encoded: Sequence[Encoded], params: ImageParams, shape: tuple[int, ...]
    ) -> None:
        self._encoded = encoded
        self._params = params
        self._shape = shape

    def __len__(self) -> int:
        return len(self._encoded)

    def __getitem__(self, position: int) -> Tensor:
        pixels = decode_image(self._encoded[position], self._params)
        if pixels.shape != self._shape:
            raise sizes_differ(self._shape, pixels.shape, _name_image(self._encoded[position]))
        return torch.from_numpy(pixels)

    def pixels(self, positions: Iterable[int]) -> Tensor:
        """Stack several images, shape (n, C, H, W)."""
        images = [self[position] for position in positions]
        return torch.stack(images) if images else torch.zeros(0, *self._shape, dtype=torch.uint8)


def decode_image(encoded: Encoded, params: ImageParams) -> NDArray[np.uint8]:
    """Decode an image, shape (C, H, W), uint8.

    Raises:
        DataError: if it is not an image, or the conversion would lose information.
    """
    with _open(encoded) as image:
        return pixels_of(image, params, name=_name_image(encoded))


@contextmanager
def _open(encoded: Encoded) -> Iterator[Image.Image]:
    """Open an image, and name it in any error.

    Raises:
        DataError: if it is not an image, or too large.
    """
    source: Any = io.BytesIO(encoded) if isinstance(encoded, bytes) else encoded
    try:
        with Image.open(source) as image:
            yield image
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{_name_image(encoded)} is too large ({error})",
            hint="scale it down, or remove it",
        ) from error
    # All of these are raised by Pillow's decoders on damaged files.
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:
        raise DataError(
            f"{_name_image(encoded)} is not a readable image ({error})", hint="replace or remove it"
        ) from error


def pixels_of(image: Image.Image, params: ImageParams, *, name: str) -> NDArray[np.uint8]:
    """Convert an open image as :func:`decode_image` does, shape (C, H, W), uint8.

    Args:
        image: in any mode.
        params: its channels, its size (after a centre crop of the longer side), and the treatment
            of deep and transparent images.
        name: what an error calls it.

    Raises:
        DataError: if the conversion would lose information.
    """
    plain = as_bytes(image, params, name=name)
    size = params.size
    if size is not None and plain.size != (size, size):
        plain = ImageOps.fit(plain, (size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(plain)
    if params.channels == 1:
        # asarray may share Pillow's read-only buffer, which torch must not take over.
        return pixels[None].copy()
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))


def fit_images(pixels: Tensor, params: ImageParams) -> ByteImages:
    """Resize and convert decoded pixels, shape (N, C, H, W), as the parameters say."""
    _, channels, height, width = pixels.shape
    size = params.size
    if channels != params.channels or size not in {None, height} or size not in {None, width}:
        colours = pixels.permute(0, 2, 3, 1).numpy()
        pixels = torch.stack(
            [
                torch.from_numpy(pixels_of(Image.fromarray(colour), params, name="one of them"))
                for colour in colours
            ]
        )
    return ByteImages(pixels, params.normalisation)


def store_images(encoded: Sequence[Encoded], params: ImageParams) -> tuple[Inputs, tuple[str, ...]]:
    """Store images in memory as pixels, or encoded on disk; also return their conversions.

    Raises:
        DataError: if one is not an image, is too large or would lose information, or sizes differ.
    """
    if not encoded:
        raise DataError("there are no images", hint="name another folder or file")
    first = decode_image(encoded[0], params)
    on_disk = params.storage == "disk"
    if params.storage == "auto":
        on_disk = len(encoded) * first.size > FITS
    if on_disk:
        changes = _check_encoded(encoded, first.shape, params)
        return FileImages(encoded, first.shape, params), changes
    notes = set()
    pixels = torch.empty((len(encoded), *first.shape), dtype=torch.uint8)
    for position, source in enumerate(encoded):
        with _open(source) as image:
            # before pixels are read: Pillow then clears the tile description
            notes.add(change_of(image, params))
            array = pixels_of(image, params, name=_name_image(source))
        if array.shape != first.shape:
            raise sizes_differ(first.shape, array.shape, _name_image(source))
        pixels[position] = torch.from_numpy(array)
    return ByteImages(pixels, params.normalisation), tuple(sorted(notes - {""}))


def _check_encoded(
    encoded: Sequence[Encoded], shape: tuple[int, ...], params: ImageParams
) -> tuple[str, ...]:
    """Describe the conversions of images that stay encoded; reading each finds broken files now.

    For a plain JPEG an eighth of the resolution is decoded, which reads as much of the file.
    """
    notes = set()
    for source in encoded:
        with _open(source) as image:
            width, height = image.size
            notes.add(change_of(image, params))
            if is_plain(image):
                # draft() makes the JPEG decoder skip detail; load() still detects a truncated file.
                image.draft(image.mode, (1, 1))
                image.load()
            else:
                pixels_of(image, params, name=_name_image(source))
        if params.size is None and (height, width) != shape[1:]:
            raise sizes_differ(shape, (shape[0], height, width), _name_image(source))
    return tuple(sorted(notes - {""}))


def sizes_differ(first: tuple[int, ...], other: tuple[int, ...], name: str) -> DataError:
    """Build the error for an image with another size than the first, both (C, H, W)."""
    return DataError(
        f"images are of different sizes: the first is {first[2]} x {first[1]}, and {name} is "
        f"{other[2]} x {other[1]}",
        hint=f"write 'size: {min(first[1:])}', for example, to resize all of them",
    )


def _name_image(encoded: Encoded) -> str:
    return "one of them" if isinstance(encoded, bytes) else repr(str(encoded))
