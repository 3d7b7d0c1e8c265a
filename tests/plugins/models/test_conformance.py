"""The built-in architectures pass the checks that a plugin's do."""

from pathlib import Path
from typing import Any

import pytest

from safecompress_core.testing import ModelConformance
from safecompress_plugins.models.manifest import DEFINITIONS

BY_NAME = {definition.name: definition for definition in DEFINITIONS}


class TestMlp(ModelConformance):
    definition = BY_NAME["mlp"]
    params = {"hidden": [6]}


class TestLenet(ModelConformance):
    definition = BY_NAME["lenet"]
    input_shape = (1, 28, 28)


class TestAlexnet(ModelConformance):
    definition = BY_NAME["alexnet"]


class TestVgg16(ModelConformance):
    definition = BY_NAME["vgg16"]
    params = {"variant": "C", "width": 0.1}


class TestResnet18(ModelConformance):
    definition = BY_NAME["resnet18"]


class TestWideResnet(ModelConformance):
    definition = BY_NAME["wide-resnet"]
    params = {"depth": 10, "widening": 1, "dropout": 0.3}


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
