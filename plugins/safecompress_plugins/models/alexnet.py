"""AlexNet for small images."""

import torch
from torch import nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.image_channels import channels_of
from safecompress_plugins.models.initialisation import by_lecun, flat_width, initialise
from safecompress_plugins.models.manifest import AlexnetParams

__all__ = ["Alexnet"]

# (output channels, kernel, padding); every convolution halves the image
CONVOLUTIONS = ((96, 11, 2), (256, 5, 2), (384, 3, 1), (384, 3, 1), (256, 3, 1))
WIDTHS = {"s": 1024, "b": 2048}


class Alexnet(ModelFactory):
    """Five strided convolutions and three linear layers, batch normalisation, no pooling.

    Source: Lee, Ajanthan & Torr 2019, "SNIP", section 5.1: AlexNet-s and -b; kernels and padding as
    in the code of Zhu, Wang & Han 2022.
    """

    def __init__(self, params: AlexnetParams) -> None:
        self._normalisation = params.normalisation
        self._width = params.width
        self._hidden = self._scale(WIDTHS[params.size])

    def _scale(self, units: int) -> int:
        # A narrow variant keeps at least one unit in each layer.
        return max(1, round(units * self._width))

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new network; weights by torch's rule, from ``generator``."""
        channels = channels_of(input_shape, needed_by="alexnet")

        def make() -> nn.Module:
            layers: list[nn.Module] = []
            before = channels
            for full, kernel, padding in CONVOLUTIONS:
                outputs = self._scale(full)
                convolution = nn.Conv2d(before, outputs, kernel, stride=2, padding=padding)
                layers += [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]
                before = outputs
            layers.append(nn.Flatten())
            # Depends on the input size, so the convolutions are measured before the linear layers
            # exist.
            width = flat_width(nn.Sequential(*layers), input_shape, of="alexnet")
            for inputs in (width, self._hidden):
                layers += [nn.Linear(inputs, self._hidden), nn.BatchNorm1d(self._hidden), nn.ReLU()]
            return nn.Sequential(*layers, nn.Linear(self._hidden, classes))

        return initialise(make, by_lecun, generator=generator, normalisation=self._normalisation)
