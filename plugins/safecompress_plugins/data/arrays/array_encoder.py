"""Encoders of arrays and images: model inputs with the encoding of the training data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from safecompress_core.toolkit import DataError, EncodedRows, Encoder
from safecompress_plugins.data.arrays.floats import float32_of
from safecompress_plugins.data.images.images import (
    ByteImages,
    decode_image,
    pixels_of,
    sizes_differ,
)
from safecompress_plugins.data.images.manifest import ImageParams

__all__ = ["ArrayEncoder", "ImageEncoder"]

# They choose and store samples; the encoding of an image does not depend on them.
STORED_AS = ("samples", "samples_seed", "storage", "workers")
"""Parameters without influence on an image's encoding."""


@dataclass(frozen=True)
class ArrayEncoder(Encoder):
    """Encoder of numbers with the shape of a sample, divided by a constant.

    Attributes:
        shape: of one sample.
        divisor: the constant.
        bytes_only: whether the data were bytes; numbers of other types would have another unit.
    """

    shape: tuple[int, ...]
    divisor: float = 1.0
    bytes_only: bool = False

    @classmethod
    def restore(cls, record: Mapping[str, Any]) -> "ArrayEncoder":
        """Rebuild the encoder from its record."""
        return cls(tuple(record["shape"]), float(record["divisor"]), bool(record["bytes_only"]))

    @property
    def record(self) -> dict[str, Any]:
        """JSON-ready fields of the encoder."""
        return {
            "kind": "arrays",
            "shape": list(self.shape),
            "divisor": self.divisor,
            "bytes_only": self.bytes_only,
        }

    def encode(self, rows: Any) -> EncodedRows:
        """Encode rows as inputs, shape (N, ...).

        Args:
            rows: an array, a tensor or nested lists of shape (N, ...), samples flattened or not; or
                the path of a ``.npy`` file, or of a ``.npz`` file with an array ``inputs`` or one
                array only.

        Raises:
            DataError: if the rows are not finite numbers of that shape.
        """
        array = _array(rows)
        if array.dtype.kind not in "biuf":
            raise DataError(f"the rows are {array.dtype}", hint="give numbers")
        if self.bytes_only and array.dtype != np.uint8:
            raise DataError(
                f"the rows are {array.dtype}, and the model was trained on bytes (uint8)",
                hint="give whole numbers from 0 to 255, as uint8",
            )
        # A single sample is accepted without its leading dimension.
        samples = array[None] if array.shape == self.shape else array
        if samples.ndim < 2 or samples[:1].size not in (0, int(np.prod(self.shape))):
            raise DataError(
                f"the rows are of shape {array.shape}",
                hint=f"the model takes samples of shape {self.shape}: give (N, "
                f"{', '.join(map(str, self.shape))})",
            )
        # Checked before the division, so that two large identifiers do not silently become one.
        inputs = float32_of(samples, name="a row")[0] / self.divisor
        inputs = inputs.reshape(len(samples), *self.shape)
        broken = (~inputs.isfinite().flatten(1).all(dim=1)).nonzero()[:, 0].tolist()
        if broken:
            raise DataError(
                f"row {broken[0] + 1} holds numbers that are not finite", hint="give finite ones"
            )
        return EncodedRows(inputs=inputs, names=_number(len(inputs)))


@dataclass(frozen=True)
class ImageEncoder(Encoder):
    """Encoder of images of one size, normalised by channel.

    Attributes:
        shape: of a decoded image, (C, H, W).
        params: how images are resized, converted to bytes and normalised.
    """

    shape: tuple[int, ...]
    params: ImageParams

    @classmethod
    def of(cls, params: ImageParams, shape: Sequence[int]) -> "ImageEncoder":
        """Build the encoder of images that were read with these parameters."""
        written = params.model_dump(mode="json")
        reading = {
            name: written[name] for name in ImageParams.model_fields if name not in STORED_AS
        }
        # The effective normalisation: the record must not depend on a later default.
        reading["normal"] = params.normalisation.model_dump(mode="json")
        return cls(tuple(shape), ImageParams.model_validate(reading))

    @classmethod
    def restore(cls, record: Mapping[str, Any]) -> "ImageEncoder":
        """Rebuild the encoder from its record."""
        return cls(tuple(record["shape"]), ImageParams.model_validate(record["reading"]))

    @property
    def record(self) -> dict[str, Any]:
        """JSON-ready fields of the encoder."""
        reading = self.params.model_dump(mode="json", exclude=set(STORED_AS))
        return {"kind": "images", "shape": list(self.shape), "reading": reading}

    def encode(self, rows: Any) -> EncodedRows:
        """Encode images as inputs, shape (N, C, H, W).

        Args:
            rows: the path of an image or of a folder of images, or a sequence of paths, encoded
                images (bytes), PIL images, or arrays of pixels (H, W, 3) or (H, W), uint8.

        Raises:
            DataError: if one is not an image, or has another size than in training.
        """
        names = None
        if isinstance(rows, str | PathLike):
            paths = _images_at(Path(rows))
            names = tuple(map(str, paths))
            rows = paths
        decoded = [self._pixels(row, number) for number, row in enumerate(rows, start=1)]
        pixels = np.stack(decoded) if decoded else np.zeros((0, *self.shape), dtype=np.uint8)
        images = ByteImages(torch.from_numpy(pixels), self.params.normalisation)
        return EncodedRows(
            inputs=images[torch.arange(len(pixels))], names=names or _number(len(pixels))
        )

    def _pixels(self, row: Any, number: int) -> NDArray[np.uint8]:
        if isinstance(row, np.ndarray) and row.dtype == np.uint8 and row.ndim in (2, 3):
            row = Image.fromarray(row)
        if isinstance(row, Image.Image):
            image = pixels_of(row, self.params, name=f"image {number}")
        elif isinstance(row, str | PathLike | bytes):
            image = decode_image(row if isinstance(row, bytes) else Path(row), self.params)
        else:
            raise DataError(
                f"image {number} is a {type(row).__name__}",
                hint="give paths, bytes of image files, PIL images, or arrays of uint8",
            )
        if image.shape != self.shape:
            raise sizes_differ(self.shape, image.shape, f"image {number}")
        return image


def _array(rows: Any) -> NDArray[Any]:
    if isinstance(rows, torch.Tensor):
        return rows.detach().cpu().numpy()
    if not isinstance(rows, str | PathLike):
        return np.asarray(rows)
    try:
        # Never unpickle: a pickle can run any code.
        loaded = np.load(Path(rows), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded as archive:
            name = "inputs" if "inputs" in archive.files else archive.files[0]
            if name != "inputs" and len(archive.files) > 1:
                raise DataError(
                    f"{str(rows)!r} holds {', '.join(archive.files)}",
                    hint="call the array of samples 'inputs'",
                )
            array: NDArray[Any] = archive[name]
            return array
    except (OSError, ValueError, EOFError, IndexError) as error:
        raise DataError(
            f"{str(rows)!r} cannot be read as arrays ({error})",
            hint="give a .npy or .npz file of numbers",
        ) from error


def _images_at(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    from safecompress_plugins.data.images.image_folder import images_in  # noqa: PLC0415  it imports this

    paths = images_in(path)
    if not paths:
        raise DataError(f"{str(path)!r} holds no images", hint="name another folder")
    return paths


def _number(count: int) -> tuple[str, ...]:
    return tuple(str(row + 1) for row in range(count))
