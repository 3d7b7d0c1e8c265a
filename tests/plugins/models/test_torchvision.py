"""Image classifiers of torchvision, and ours beside its own."""

from typing import Any

import pytest
import torch

from safecompress_core.testing import ModelConformance
from safecompress_core.toolkit import ModelError
from safecompress_plugins.models.loaded_manifest import DEFINITIONS, TorchvisionModelParams
from safecompress_plugins.models.manifest import ResnetParams
from safecompress_plugins.models.resnet import Resnet18, Resnet34, Resnet50

try:  # its compiled operators may be built for another torch
    from torchvision.models import get_model
except (ImportError, RuntimeError) as error:
    pytest.skip(f"torchvision cannot be imported: {error}", allow_module_level=True)

[DEFINITION] = [one for one in DEFINITIONS if one.name == "torchvision"]


class TestTorchvision(ModelConformance):
    definition = DEFINITION
    params = {"name": "mobilenet_v3_small"}
    input_shape = (3, 64, 64)


@pytest.mark.parametrize(
    ("name", "factory"), [("resnet18", Resnet18), ("resnet34", Resnet34), ("resnet50", Resnet50)]
)
def test_residual_networks_compute_what_torchvisions_do(name: str, factory: Any) -> None:
    """With the same weights under the same names, the same logits."""
    ours = factory(ResnetParams(stem="imagenet")).build(
        input_shape=(3, 64, 64), classes=10, generator=torch.Generator().manual_seed(0)
    )
    theirs = get_model(name, weights=None, num_classes=10)
    theirs.load_state_dict(ours.state_dict())
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))

    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(images), theirs.eval()(images))


@pytest.mark.parametrize(
    ("params", "shape", "message"),
    [
        ({"name": "resnet19"}, (3, 64, 64), "no model 'resnet19'; write resnet18"),
        ({"name": "fasterrcnn_resnet50_fpn"}, (3, 64, 64), "no model 'fasterrcnn_resnet50_fpn'"),
        ({"name": "resnet18"}, (1, 28, 28), "needs images of 3 channels; these have 1"),
        ({"name": "resnet18", "options": {"deep": 3}}, (3, 64, 64), "cannot make 'resnet18'"),
    ],
)
def test_what_torchvision_lacks_is_a_clear_error(
    params: dict[str, Any], shape: tuple[int, ...], message: str
) -> None:
    """With the nearest names, before anything is trained."""
    from safecompress_plugins.models.torchvision_model import TorchvisionModel

    factory = TorchvisionModel(TorchvisionModelParams(**params))
    with pytest.raises(ModelError, match=message):
        factory.build(input_shape=shape, classes=10, generator=torch.Generator())
