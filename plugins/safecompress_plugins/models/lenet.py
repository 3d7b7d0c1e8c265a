"""LeNet-5 as in pruning papers."""

import torch
from torch import nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.image_channels import channels_of
from safecompress_plugins.models.initialisation import by_lecun, flat_width, initialise
from safecompress_plugins.models.manifest import LenetParams

__all__ = ["Lenet"]


class Lenet(ModelFactory):
    """Two convolutions with pooling, two linear layers: Caffe's LeNet-5, 431,080 parameters."""

    def __init__(self, params: LenetParams) -> None:
        """Accept no parameters."""

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new network; weights by torch's rule, from ``generator``."""
        channels = channels_of(input_shape, needed_by="lenet")

        def make() -> nn.Module:
            features = [
                *(nn.Conv2d(channels, 20, 5), nn.ReLU(), nn.MaxPool2d(2)),
                *(nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            ]
            width = flat_width(nn.Sequential(*features), input_shape, of="lenet")
            head = [nn.Linear(width, 500), nn.ReLU(), nn.Linear(500, classes)]
            return nn.Sequential(*features, *head)

        return initialise(make, by_lecun, generator=generator)
