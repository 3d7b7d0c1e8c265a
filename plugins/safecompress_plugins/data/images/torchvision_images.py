"""Image data sets of torchvision with one label per image."""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from safecompress_core.toolkit import DataError, Dataset, local_path
from safecompress_plugins.data.arrays.manifest import TorchvisionParams
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import require_existing
from safecompress_plugins.data.images.image_modes import change_of
from safecompress_plugins.data.images.images import pixels_of, sizes_differ
from safecompress_plugins.data.images.labelled_images import LabelledImages, image_dataset

__all__ = ["TorchvisionImages"]

UNPICKLED = ("CIFAR10", "CIFAR100", "LSUN", "LSUNClass")
"""Classes that unpickle their files, which could run any code."""


class TorchvisionImages(EncodingSource):
    """Images of a torchvision class; training images are members, if it has test images too."""

    def __init__(self, params: TorchvisionParams) -> None:
        self._params = params
        self._datasets = _library()

    def load(self) -> Dataset:
        """Read and decode training and test images."""
        params = self._params
        parts = list(self._parts())
        pixels: list[NDArray[np.uint8]] = []
        labels = []
        sides = []
        changes: set[str] = set()
        for part, is_member in parts:
            for index in range(len(part)):
                image, label = part[index]
                if change := change_of(image, params):
                    changes.add(change)
                array = pixels_of(image, params, name=f"image {len(pixels)}")
                if pixels and array.shape != pixels[0].shape:
                    raise sizes_differ(pixels[0].shape, array.shape, f"image {len(pixels)}")
                pixels.append(array)
                labels.append(int(label))
                sides.append(is_member)
        # Codes of a label have no common meaning if the splits list their classes differently.
        lists = [tuple(map(str, getattr(part, "classes", ()))) for part, _ in parts]
        if len(set(lists)) > 1:
            raise DataError(
                f"the parts of {params.name!r} number their labels differently",
                hint="export both parts as folders of images",
                field=("name",),
            )
        names: Sequence[object] = lists[0]
        # Some classes list no names, or fewer than they use: numbers then.
        if len(names) <= max(labels):
            names = range(1 + max(labels))
        images = LabelledImages(
            torch.from_numpy(np.stack(pixels)),
            torch.tensor(labels),
            tuple(map(str, names)),
            is_member=torch.tensor(sides) if len(parts) > 1 else None,
        )
        return image_dataset(images, params, notes=sorted(changes))

    def _parts(self) -> Iterator[tuple[Any, bool]]:
        """Yield training and test images, or all images of a class without splits."""
        params, made_of = self._params, self._class()
        given: dict[str, Any] = dict(params.options)
        if params.download:
            given["root"] = str(local_path(params.root))
        else:
            given["root"] = str(require_existing(params.root, field=("root",), is_folder=True))
        takes = inspect.signature(made_of).parameters
        if "download" in takes:
            given["download"] = params.download
        whole: tuple[tuple[dict[str, Any], bool], ...] = (({}, True),)
        # MNIST's subclasses hide `train` behind **kwargs, so the signature alone does not show it.
        if "train" in takes or issubclass(made_of, self._datasets.MNIST):
            whole = (({"train": True}, True), ({"train": False}, False))
        elif "split" in takes and "split" not in given:
            whole = (({"split": "train"}, True), ({"split": "test"}, False))
        for which, is_member in whole:
            try:
                yield made_of(**given, **which), is_member
            except (OSError, RuntimeError, TypeError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise DataError(
                    f"torchvision cannot read {params.name!r} from {given['root']!r} ({reason})",
                    hint="put its files there, or write 'download: true' to have them fetched",
                    field=("root",),
                ) from error

    def _class(self) -> Any:
        name, datasets = self._params.name, self._datasets
        dataset_class = getattr(datasets, name, None)
        if not (
            isinstance(dataset_class, type) and issubclass(dataset_class, datasets.VisionDataset)
        ):
            known = sorted(name for name in datasets.__all__ if name != "VisionDataset")
            raise DataError(
                f"torchvision has no data set {name!r}",
                hint=f"there are: {', '.join(known)}",
                field=("name",),
            )
        if name in UNPICKLED:
            raise DataError(
                f"torchvision unpickles {name!r}, and a pickle may run any code",
                hint="write 'type: cifar10' or 'type: cifar100', or export it as images",
                field=("name",),
            )
        return dataset_class


# Imported on use: torchvision comes with an extra, and must match the installed torch.
def _library() -> Any:
    """Import torchvision's data sets.

    Raises:
        ModuleNotFoundError: if torchvision is not installed.
        DataError: if it was built for another torch.
    """
    try:
        from torchvision import datasets  # noqa: PLC0415  so that this error has words
    except RuntimeError as error:
        raise DataError(
            f"torchvision does not fit the torch that is installed ({error})",
            hint="install both at once, and from the same index",
        ) from error
    return datasets
