"""The kit for models tells a factory that reads what it does not declare from one that does not."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

from safecompress_core.api import DataPath, ModelDef, Params
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.testing.models import ModelConformance


class WidthParams(Params):
    path: DataPath


def kit(place: Path, *, declares: bool) -> ModelConformance:
    """The checks of a model whose width is in a file, under a field that is or is no path."""

    class FromFile(ModelFactory):
        def __init__(self, params: WidthParams) -> None:
            self._path = params.path

        def build(
            self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
        ) -> nn.Module:
            return nn.Linear(int(Path(self._path).read_text()), classes)

    if not declares:
        FromFile.reads = staticmethod(lambda _: [])  # type: ignore[attr-defined]
    module = ModuleType("module_of_a_kit")
    vars(module)["FromFile"] = FromFile
    sys.modules["module_of_a_kit"] = module

    class Kit(ModelConformance):
        definition = ModelDef(
            name="from-file",
            params=WidthParams,
            target="module_of_a_kit:FromFile",
            summary="As wide as a file says.",
        )
        params = {"path": str(place)}
        input_shape = (3,)

    return Kit()


def test_a_file_that_is_not_declared_is_found(tmp_path: Path) -> None:
    """It would decide results, and nothing would tell that it has changed."""
    (tmp_path / "width.txt").write_text("3")

    kit(tmp_path / "width.txt", declares=True).test_it_opens_no_file_that_it_does_not_declare()
    with pytest.raises(AssertionError, match="declare these files"):
        kit(tmp_path / "width.txt", declares=False).test_it_opens_no_file_that_it_does_not_declare()
