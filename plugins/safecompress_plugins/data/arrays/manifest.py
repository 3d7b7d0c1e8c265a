"""Names and parameters of data sets from arrays, libraries and Python functions."""

from typing import Annotated, Any

from safecompress_core.api import DataDef, DataPath, MembershipMark, Need, Params
from safecompress_plugins.data.images.manifest import ImageParams
from safecompress_plugins.data.tables.manifest import SampledParams, SidesParams, TableParams

__all__ = ["DEFINITIONS", "HuggingfaceParams", "NumpyParams", "PythonParams", "TorchvisionParams"]


class NumpyParams(SidesParams, SampledParams):
    """Arrays of one file, a row a sample."""

    path: DataPath
    """The file, as ``numpy.savez`` writes it; arrays of Python objects are refused."""
    inputs: str = "inputs"
    """The array of inputs, shape (N, ...); bytes are divided by 255, other types are unchanged."""
    target: str = "labels"
    """The array that the model predicts, shape (N,): numbers or text."""
    private: list[str] = []
    """Arrays that must stay private, shape (N,): whole numbers or text."""
    members: Annotated[str, MembershipMark()] | None = None
    """Array with membership, for ``pools.members: given``: true or false, 1 or 0."""
    group: str | None = None
    """Array of group identifiers; a group's samples stay on one side."""


class PythonParams(Params):
    """Samples returned by a Python function of the user."""

    function: str
    """``module:function``; it returns a ``safecompress_core.toolkit.Dataset``."""
    folder: DataPath | None = None
    """A folder to import from, in addition to installed packages."""
    arguments: dict[str, Any] = {}
    """Keyword arguments of the function."""


class TorchvisionParams(ImageParams):
    """A data set of torchvision."""

    name: str
    """Its class in torchvision: FashionMNIST, SVHN, GTSRB, ..."""
    root: DataPath
    """The folder of its files."""
    download: bool = False
    """Whether torchvision may download missing files."""
    options: dict[str, str | int | bool] = {}
    """Further arguments of its class; not the split, since training and test are both read."""


class HuggingfaceParams(ImageParams, TableParams):
    """A data set of Hugging Face, by name or from local files."""

    name: str | None = None
    """Its name on the hub: ``org/name``."""
    path: DataPath | None = None
    """Instead of a name, a folder of data files, or one that ``save_to_disk`` has written."""
    config: str | None = None
    """The configuration's name."""
    revision: str | None = None
    """The version: preferably a commit."""
    splits: list[str] = ["train", "test"]
    """The splits to read; those in the first are members for ``pools.members: given``."""
    image: str | None = None
    """Column of images; other columns are then not inputs."""
    download: bool = False
    """Whether to download from the hub what is not in the local cache."""


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
        summary="Samples returned by a Python function of the user; only with --allow-code.",
        needs=frozenset({Need.CODE}),
    ),
    DataDef(
        name="torchvision",
        params=TorchvisionParams,
        target="safecompress_plugins.data.images.torchvision_images:TorchvisionImages",
        summary="Images with one label each, read by a class of torchvision.",
        cites="https://docs.pytorch.org/vision, 2016-2026",
    ),
    DataDef(
        name="huggingface",
        params=HuggingfaceParams,
        target="safecompress_plugins.data.huggingface_data:HuggingfaceData",
        summary="Tables, texts or images of Hugging Face datasets, by name or from local files.",
        cites="Lhoest et al. 2021, Datasets: A Community Library for NLP, EMNLP",
    ),
)
