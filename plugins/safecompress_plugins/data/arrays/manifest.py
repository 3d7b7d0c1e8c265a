"""Names and parameters of what comes as arrays, or out of a program."""

from typing import Annotated, Any

from safecompress_core.api import DataDef, DataPath, MembershipMark, Params
from safecompress_plugins.data.images.manifest import ImageParams
from safecompress_plugins.data.tables.manifest import SampledParams, SidesParams, TableParams

__all__ = ["DEFINITIONS", "HuggingfaceParams", "NumpyParams", "PythonParams", "TorchvisionParams"]


class NumpyParams(SidesParams, SampledParams):
    """Arrays of one file, a row a sample."""

    path: DataPath
    """The file, as ``numpy.savez`` writes it; arrays of Python objects are refused."""
    inputs: str = "inputs"
    """The array of inputs, shape (N, ...); bytes are divided by 255, all else is taken as it is."""
    target: str = "labels"
    """The array that the model predicts, shape (N,): numbers or text."""
    private: list[str] = []
    """Arrays that must stay private, shape (N,): whole numbers or text."""
    members: Annotated[str, MembershipMark()] | None = None
    """Array that tells who is a member, for ``pools.members: given``: true or false, 1 or 0."""
    group: str | None = None
    """Array whose equal values belong together and stay on one side."""


class PythonParams(Params):
    """Samples that a function of yours makes."""

    function: str
    """``module:function``; it returns a ``safecompress_core.toolkit.Dataset``."""
    folder: DataPath | None = None
    """A folder to import from, beside what is installed."""
    arguments: dict[str, Any] = {}
    """What the function is called with, by name."""


class TorchvisionParams(ImageParams):
    """A data set of torchvision."""

    name: str
    """Its class: FashionMNIST, SVHN, GTSRB, ..."""
    root: DataPath
    """Where its files are."""
    download: bool = False
    """Whether torchvision may fetch what is not there."""
    options: dict[str, str | int | bool] = {}
    """What else its class is built from; not the part, since training and test are both read."""


class HuggingfaceParams(ImageParams, TableParams):
    """A data set of Hugging Face, by its name or from local files."""

    name: str | None = None
    """Its name on the hub: ``org/name``."""
    path: DataPath | None = None
    """Instead of a name, a folder of data files, or one that ``save_to_disk`` has written."""
    config: str | None = None
    """Which of its configurations."""
    revision: str | None = None
    """Which of its versions: a commit, best of all."""
    splits: list[str] = ["train", "test"]
    """The parts that are read; those in the first are members for ``pools.members: given``."""
    image: str | None = None
    """Column of images; the others are then no inputs."""
    download: bool = False
    """Whether the hub may be asked for what is not in the local cache."""


DEFINITIONS = (
    DataDef(
        name="numpy",
        params=NumpyParams,
        target="safecompress_plugins.data.arrays.numpy_archive:NumpyArchive",
        summary="Arrays of a .npz file: inputs, labels, private attributes.",
    ),
    DataDef(
        name="python",
        params=PythonParams,
        target="safecompress_plugins.data.arrays.python_function:PythonFunction",
        summary="Samples that a function of yours returns; only with --allow-code.",
        runs_code=True,
    ),
    DataDef(
        name="torchvision",
        params=TorchvisionParams,
        target="safecompress_plugins.data.images.torchvision_images:TorchvisionImages",
        summary="Images with one label each, as a class of torchvision reads them.",
        cites="https://docs.pytorch.org/vision, 2016-2026",
    ),
    DataDef(
        name="huggingface",
        params=HuggingfaceParams,
        target="safecompress_plugins.data.huggingface_data:HuggingfaceData",
        summary="Tables, texts or images of the library datasets, by name or from local files.",
        cites="Lhoest et al. 2021, Datasets: A Community Library for NLP, EMNLP",
    ),
)
