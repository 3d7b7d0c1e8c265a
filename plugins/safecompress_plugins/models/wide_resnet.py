"""Wide residual networks."""

import torch
from torch import Tensor, nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.image_channels import channels_of
from safecompress_plugins.models.initialisation import by_he, initialise
from safecompress_plugins.models.manifest import WideResnetParams

__all__ = ["WideResnet"]

# B samples of a batch · C channels · H, W height and width


class Block(nn.Module):
    """Normalisation and ReLU before each of two 3 × 3 convolutions."""

    def __init__(self, inputs: int, outputs: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = (
            nn.Conv2d(inputs, outputs, 1, stride, bias=False) if inputs != outputs else None
        )

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, outputs, H / stride, W / stride)."""
        active = self.relu(self.bn1(inputs))
        hidden: Tensor = self.conv2(self.dropout(self.relu(self.bn2(self.conv1(active)))))
        # Pre-activation blocks: a projection takes ReLU's output, an identity the raw input.
        added: Tensor = inputs if self.shortcut is None else self.shortcut(active)
        return added + hidden


class WideResnet(ModelFactory):
    """A residual network of three stages, wide instead of deep.

    Source: Zagoruyko & Komodakis 2016, "Wide Residual Networks", Table 1.
    """

    def __init__(self, params: WideResnetParams) -> None:
        self._params = params

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new network; convolutions by He's rule, from ``generator``."""
        channels = channels_of(input_shape, needed_by="wide-resnet")
        params = self._params

        def make() -> nn.Module:
            layers: list[nn.Module] = [nn.Conv2d(channels, 16, 3, 1, 1, bias=False)]
            inputs = 16
            for index in range(3):
                # Each stage doubles the width and, but for the first, halves the image.
                outputs = 16 * params.widening * 2**index
                # A block has two convolutions, in three stages; stem, projections and head are the
                # other 4.
                for number in range((params.depth - 4) // 6):
                    stride = 2 if index and number == 0 else 1
                    layers.append(Block(inputs, outputs, stride, params.dropout))
                    inputs = outputs
            layers += [nn.BatchNorm2d(inputs), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
            return nn.Sequential(*layers, nn.Linear(inputs, classes))

        return initialise(
            make, by_he, generator=generator, normalisation=self._params.normalisation
        )
