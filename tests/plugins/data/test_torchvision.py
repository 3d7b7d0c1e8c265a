"""torchvision's own readers, on files in the layout that they expect."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from safecompress_core.api import DataDef
from safecompress_core.errors import DataError
from safecompress_core.testing.data import DataConformance
from safecompress_plugins.data.arrays.manifest import DEFINITIONS, TorchvisionParams

try:
    import torchvision  # noqa: F401
except (ImportError, RuntimeError) as error:  # its operators are built for another torch
    pytest.skip(f"torchvision cannot be imported: {error}", allow_module_level=True)

[DEFINITION] = [definition for definition in DEFINITIONS if definition.name == "torchvision"]


def mnist(root: Path, name: str = "FashionMNIST") -> str:
    """Six training and four test images in the format of MNIST: a header, then bytes."""
    folder = root / name / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    digits = load_digits()
    pixels = np.kron(digits.images[:10] * 15, np.ones((1, 3, 3)))
    images = np.pad(pixels, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    labels = digits.target[:10] % 2
    for part, rows in (("train", slice(0, 6)), ("t10k", slice(6, 10))):
        count = rows.stop - rows.start
        header = struct.pack(">IIII", 0x803, count, 28, 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + images[rows].tobytes())
        header = struct.pack(">II", 0x801, count)
        chosen = labels[rows].astype(np.uint8)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(header + chosen.tobytes())
    return str(root)


def loaded(root: str, **params: Any) -> Any:
    """Its samples."""
    from safecompress_plugins.data.images.torchvision_images import TorchvisionImages

    given = {"name": "FashionMNIST", "root": root, **params}
    return TorchvisionImages(TorchvisionParams.model_validate(given)).load()


class TestTorchvision(DataConformance):
    definition: DataDef = DEFINITION
    params = {"name": "FashionMNIST", "normal": {"mean": [0.5], "std": [0.5]}}

    def write_files(self, folder: Path) -> dict[str, Any]:
        """Ten images."""
        return {"root": mnist(folder)}


def test_training_images_are_the_members(tmp_path: Path) -> None:
    """Labels have torchvision's names."""
    data = loaded(mnist(tmp_path))

    assert data.inputs.shape == (10, 3, 28, 28)
    assert data.is_member.tolist() == [True] * 6 + [False] * 4
    assert data.labels.tolist() == [0, 1] * 5
    assert data.classes[:2] == ("T-shirt/top", "Trouser")
    pixel = load_digits().images[9, 4, 4] * 15 / 255
    assert data.inputs[torch.tensor([9])][0, 0, 15, 15].item() == pytest.approx(2 * pixel - 1)


@pytest.mark.parametrize(
    ("params", "field", "message"),
    [
        ({"name": "FashionMnist"}, "name", "torchvision has no data set 'FashionMnist'"),
        ({"name": "CIFAR100"}, "name", "torchvision unpickles 'CIFAR100'"),
        ({"name": "KMNIST"}, "root", "write 'download: true'"),
        ({"options": {"no_such": 1}}, "root", "no_such"),
    ],
)
def test_what_cannot_be_read_is_said_to_be(
    tmp_path: Path, params: dict[str, Any], field: str, message: str
) -> None:
    """And nothing is fetched that the spec does not ask for."""
    with pytest.raises(DataError, match=message) as caught:
        loaded(mnist(tmp_path), **params)

    assert caught.value.field == (field,)
