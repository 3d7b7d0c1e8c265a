"""The built-in architectures pass the checks that a plugin's do."""

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from safecompress_core.testing import ModelConformance
from safecompress_plugins.models.manifest import DEFINITIONS

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


class TestMlp(ModelConformance):
    definition = BY_NAME["mlp"]
    params = {"hidden": [6]}


class TestSoftTree(ModelConformance):
    definition = BY_NAME["soft-tree"]
    params = {"depth": 2}


class TestSoftTreeThatAnswersByLeaf(TestSoftTree):
    params = {"depth": 2, "answer": "leaf"}


class TestLenet(ModelConformance):
    definition = BY_NAME["lenet"]
    input_shape = (1, 28, 28)


class TestAlexnet(ModelConformance):
    definition = BY_NAME["alexnet"]


class TestVgg11(ModelConformance):
    definition = BY_NAME["vgg11"]
    params = {"width": 0.1}


class TestVgg16(ModelConformance):
    definition = BY_NAME["vgg16"]
    params = {"variant": "C", "width": 0.1}


class TestVgg16InGroups(ModelConformance):
    definition = BY_NAME["vgg16"]
    params = {"width": 0.0625, "normalisation": "group"}


class TestResnet18(ModelConformance):
    definition = BY_NAME["resnet18"]


class TestWideResnet(ModelConformance):
    definition = BY_NAME["wide-resnet"]
    params = {"depth": 10, "widening": 1, "dropout": 0.3}


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet18", "wide-resnet"])
def test_groups_leave_no_batch_statistics(name: str) -> None:
    """Each normalisation has one of a sample's own channels in its place, of the same width."""
    definition = BY_NAME[name]
    module, _, attribute = definition.target.partition(":")
    batch, group = (
        getattr(import_module(module), attribute)(
            definition.params.model_validate({"normalisation": normalisation})
        ).build(input_shape=(3, 32, 32), classes=10, generator=torch.Generator().manual_seed(1))
        for normalisation in ("batch", "group")
    )
    replaced = {
        where: layer
        for where, layer in batch.named_modules()
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    }
    others = {where: one for where, one in group.named_modules() if isinstance(one, nn.GroupNorm)}

    assert not list(group.buffers())
    assert others.keys() == replaced.keys() != set()
    assert all(others[where].num_channels == one.num_features for where, one in replaced.items())
    for where, layer in others.items():
        assert layer.num_groups == 1 or layer.num_channels // layer.num_groups >= 16
        assert layer.num_groups == 1 or not isinstance(replaced[where], nn.BatchNorm1d)


FACTORY = """
from torch import nn

def tiny(input_shape, classes, generator, width=3):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, width), nn.Linear(width, classes))
"""


class TestPython(ModelConformance):
    definition = BY_NAME["python"]

    @pytest.fixture(autouse=True)
    def _module(self, tmp_path: Path) -> None:
        (tmp_path / "factory_of_a_test.py").write_text(FACTORY)
        given: dict[str, Any] = {"factory": "factory_of_a_test:tiny", "folder": str(tmp_path)}
        type(self).params = {**given, "arguments": {"width": 4}}  # type: ignore[misc]
