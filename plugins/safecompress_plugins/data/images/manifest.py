"""Names and parameters of image data sets."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from safecompress_core.api import DataDef, DataPath, Params
from safecompress_plugins.data.tables.manifest import SampledParams, SidesParams

__all__ = [
    "DEFINITIONS",
    "ImageFolderParams",
    "ImageParams",
    "ImageParquetParams",
    "Normal",
]

Three = Annotated[list[float], Field(min_length=1, max_length=3)]


class Normal(Params):
    """Mean and standard deviation of each channel, for pixels in [0, 1]."""

    mean: Three = [0.5, 0.5, 0.5]
    """Subtracted from each channel."""
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1, max_length=3)] = [
        0.5,
        0.5,
        0.5,
    ]
    """Divisor of each channel."""

    @model_validator(mode="after")
    def _of_one_length(self) -> "Normal":
        if len(self.mean) != len(self.std) or len(self.mean) == 2:
            raise ValueError("'mean' and 'std' are not of three channels, nor of one; write 3 each")
        return self


class ImageParams(SampledParams):
    """Parameters of images."""

    size: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Width and height to resize to, after a centre crop of the longer side; without it all images
    must have one size."""
    normal: Normal | None = None
    """(x − mean) / std by channel, for pixels x in [0, 1]; a single value each makes images grey.
    The default is that of the data set, or else 0.5 and 0.5."""
    white: Annotated[float, Field(gt=0)] | None = None
    """The value of white in images of more than 8 bits: 65535 for 16 bits, 4095 for 12 bits in 16,
    1 for fractions. They are divided by it and quantised to 256 levels; 8-bit images are unchanged.
    Without it such images are rejected."""
    background: Literal["black", "white"] | None = None
    """Background of transparent images; without it they are rejected."""
    storage: Literal["auto", "memory", "disk"] = "auto"
    """``memory``: decoded once, a byte per value; ``disk``: decoded for each batch; ``auto``: on
    disk if pixels would take more than 4 GiB. Results do not depend on it."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Processes that decode images on disk ahead of time; results do not depend on it."""

    @property
    def normalisation(self) -> Normal:
        """The effective normalisation."""
        return self.normal or Normal()

    @property
    def channels(self) -> int:
        """Number of channels: 3, or 1 for grey."""
        return len(self.normalisation.mean)


class ImageFolderParams(ImageParams):
    """A folder of images, with one folder per label."""

    path: DataPath
    """The folder; its folders are the labels, or ``train`` and ``test`` (or ``val``) that hold
    them: images in ``train`` are then members for ``pools.members: given``."""


class ImageParquetParams(SidesParams, ImageParams):
    """Images with labels in Parquet files, as Hugging Face datasets write them."""

    path: DataPath | list[DataPath]
    """The file, or the files in their order."""
    image: str = "image"
    """The column of images: structs with the encoded ``bytes``."""
    target: str = "label"
    """The column that the model predicts."""


DEFINITIONS = (
    DataDef(
        name="image-folder",
        params=ImageFolderParams,
        target="safecompress_plugins.data.images.image_folder:ImageFolder",
        summary="A folder of images, with one folder per label.",
    ),
    DataDef(
        name="image-parquet",
        params=ImageParquetParams,
        target="safecompress_plugins.data.tables.parquet_file:ImageParquetFile",
        summary="Images with labels in Parquet files, as Hugging Face datasets write them.",
    ),
)
