"""Parameters of what yields images."""

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
    """What is subtracted from each channel of pixels in [0, 1], and what it is divided by."""

    mean: Three = [0.5, 0.5, 0.5]
    """Of each channel."""
    std: Annotated[list[Annotated[float, Field(gt=0)]], Field(min_length=1, max_length=3)] = [
        0.5,
        0.5,
        0.5,
    ]
    """Of each channel."""

    @model_validator(mode="after")
    def _of_one_length(self) -> "Normal":
        if len(self.mean) != len(self.std) or len(self.mean) == 2:
            raise ValueError("'mean' and 'std' are not of three channels, nor of one; write 3 each")
        return self


class ImageParams(SampledParams):
    """Parameters of images."""

    size: Annotated[int, Field(ge=1, le=4096)] | None = None
    """Width and height that images are scaled to, after the longer side is cut at both ends;
    without it they must be of one size."""
    normal: Normal | None = None
    """Channel by channel (x − mean) / std of pixels x in [0, 1]; one value each makes them grey. By
    default what is usual for the data set, else 0.5 and 0.5."""
    white: Annotated[float, Field(gt=0)] | None = None
    """The value of white in images of more than 8 bits: 65535 for 16 bits, 4095 for 12 bits in 16,
    1 for fractions. They are divided by it and kept in 256 levels; 8-bit images stay as they are.
    Without it such images are refused."""
    background: Literal["black", "white"] | None = None
    """What transparent images are laid on; without it they are refused."""
    storage: Literal["auto", "memory", "disk"] = "auto"
    """``memory``: decoded once, a byte a value; ``disk``: for each batch anew; ``auto``: on disk
    where pixels would take more than 4 GiB. Results do not depend on it."""
    workers: Annotated[int, Field(ge=0, le=256)] = 0
    """Processes that decode ahead what is on disk; results do not depend on it."""

    @property
    def normalisation(self) -> Normal:
        """What is subtracted and divided by."""
        return self.normal or Normal()

    @property
    def channels(self) -> int:
        """3, or 1 for grey."""
        return len(self.normalisation.mean)


class ImageFolderParams(ImageParams):
    """A folder of images, a folder a label."""

    path: DataPath
    """The folder; those in it are the labels, or ``train`` and ``test`` (or ``val``) that hold
    them: what is in ``train`` is then a member for ``pools.members: given``."""


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
        summary="A folder of images, a folder a label.",
    ),
    DataDef(
        name="image-parquet",
        params=ImageParquetParams,
        target="safecompress_plugins.data.tables.parquet_file:ImageParquetFile",
        summary="Images with labels in Parquet files, as Hugging Face datasets write them.",
    ),
)
