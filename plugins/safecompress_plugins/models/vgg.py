"""VGG-11 and VGG-16 for small images."""

import torch
from torch import nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.image_channels import channels_of
from safecompress_plugins.models.initialisation import by_lecun, flat_width, initialise
from safecompress_plugins.models.manifest import Vgg11Params, Vgg16Params

__all__ = ["Vgg11", "Vgg16"]

CHANNELS = (64, 128, 256, 512, 512)
"""Channels of each stage; a stage ends with pooling."""
LAST_KERNEL = {"C": 1, "D": 3}
"""Kernel of the third convolution in a stage of three."""
HIDDEN = 512


class Vgg(ModelFactory):
    """Stages of convolutions with batch normalisation, and three linear layers.

    Linear layers of 512 units, with batch normalisation instead of dropout, as in Lee, Ajanthan &
    Torr 2019, "SNIP", section 5.1. A 1 × 1 convolution is not padded, as there (the code of Zhu,
    Wang & Han 2022 pads it).

    Attributes:
        name: in a spec.
        depths: convolutions of each stage.
        last_kernel: of the third convolution in a stage of three.
    """

    name: str
    depths: tuple[int, ...]
    last_kernel: int = 3

    def __init__(self, params: Vgg11Params) -> None:
        self._normalisation = params.normalisation
        self._width = params.width

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new network; weights by torch's rule, from ``generator``."""
        channels = channels_of(input_shape, needed_by=self.name)

        def make() -> nn.Module:
            # Depends on the input size, so the convolutions are measured before the linear layers
            # exist.
            layers = [*self._features(channels), nn.Flatten()]
            width = flat_width(nn.Sequential(*layers), input_shape, of=self.name)
            hidden = self._scale(HIDDEN)
            for inputs in (width, hidden):
                layers += [nn.Linear(inputs, hidden), nn.ReLU(), nn.BatchNorm1d(hidden)]
            return nn.Sequential(*layers, nn.Linear(hidden, classes))

        return initialise(make, by_lecun, generator=generator, normalisation=self._normalisation)

    def _features(self, channels: int) -> list[nn.Module]:
        layers: list[nn.Module] = []
        before = channels
        for outputs, depth in zip(CHANNELS, self.depths, strict=True):
            width = self._scale(outputs)
            for index in range(depth):
                # kernel // 2 keeps the image size: 1 for 3 × 3, 0 for 1 × 1.
                kernel = self.last_kernel if index == 2 else 3
                layers += [
                    nn.Conv2d(before, width, kernel, padding=kernel // 2),
                    nn.BatchNorm2d(width),
                    nn.ReLU(),
                ]
                before = width
            layers.append(nn.MaxPool2d(2))
        return layers

    def _scale(self, channels: int) -> int:
        return max(1, round(channels * self._width))


class Vgg11(Vgg):
    """Eight convolutions. Source: Simonyan & Zisserman 2015, Table 1, column A."""

    name = "vgg11"
    depths = (1, 1, 2, 2, 2)


class Vgg16(Vgg):
    """Thirteen convolutions. Source: Simonyan & Zisserman 2015, Table 1, columns C and D."""

    name = "vgg16"
    depths = (2, 2, 3, 3, 3)

    def __init__(self, params: Vgg16Params) -> None:
        super().__init__(params)
        self.last_kernel = LAST_KERNEL[params.variant]
