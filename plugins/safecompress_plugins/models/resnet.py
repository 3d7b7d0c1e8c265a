"""Residual networks of 18, 34 and 50 layers, with a stem for small or large images."""

from typing import Literal

import torch
from torch import Tensor, nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.image_channels import channels_of
from safecompress_plugins.models.initialisation import by_he, initialise
from safecompress_plugins.models.manifest import ResnetParams

__all__ = ["Resnet18", "Resnet34", "Resnet50"]

# B samples of a batch · C channels · H, W height and width

WIDTH = 64
"""Channels of the stem and of the first stage; each later stage doubles them."""


class Basic(nn.Module):
    """Two 3 × 3 convolutions with a shortcut."""

    expansion = 1

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(inputs, width, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, width, H / stride, W / stride)."""
        hidden = self.relu(self.bn1(self.conv1(inputs)))
        hidden = self.bn2(self.conv2(hidden))
        return self.relu(hidden + self.downsample(inputs))  # type: ignore[no-any-return]


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3 and 1 × 1 convolutions; the middle one strides, as in torchvision's V1.5."""

    expansion = 4

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = width * self.expansion
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, 4 · width, H / stride, W / stride)."""
        hidden = self.relu(self.bn1(self.conv1(inputs)))
        hidden = self.relu(self.bn2(self.conv2(hidden)))
        hidden = self.bn3(self.conv3(hidden))
        return self.relu(hidden + self.downsample(inputs))  # type: ignore[no-any-return]


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Module:
    """Build the identity, or a projection where the shape changes."""
    if stride == 1 and inputs == outputs:
        return nn.Identity()
    projection = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
    return nn.Sequential(projection, nn.BatchNorm2d(outputs))


class Network(nn.Module):
    """Stem, four stages, global average pooling, one linear layer; names as in torchvision."""

    def __init__(
        self,
        block: type[Basic] | type[Bottleneck],
        depths: tuple[int, ...],
        *,
        stem: Literal["cifar", "imagenet"],
        narrowest: int,
        channels: int,
        classes: int,
    ) -> None:
        super().__init__()
        if stem == "imagenet":
            self.conv1 = nn.Conv2d(channels, narrowest, 7, 2, 3, bias=False)
            self.maxpool: nn.Module = nn.MaxPool2d(3, 2, 1)
        else:
            self.conv1 = nn.Conv2d(channels, narrowest, 3, 1, 1, bias=False)
            self.maxpool = nn.Identity()
        self.bn1 = nn.BatchNorm2d(narrowest)
        self.relu = nn.ReLU(inplace=True)
        inputs = narrowest
        stages = []
        for index, depth in enumerate(depths):
            width = narrowest * 2**index
            blocks = []
            for number in range(depth):
                # Only the first block of a later stage halves the image.
                blocks.append(block(inputs, width, 2 if index and number == 0 else 1))
                inputs = width * block.expansion
            # torchvision's attribute names, so that its checkpoints' keys match.
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3, self.layer4 = stages
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map (B, C, H, W) to logits."""
        hidden = self.maxpool(self.relu(self.bn1(self.conv1(inputs))))
        hidden = self.layer4(self.layer3(self.layer2(self.layer1(hidden))))
        return self.fc(self.avgpool(hidden).flatten(1))  # type: ignore[no-any-return]


class Resnet18(ModelFactory):
    """Two basic blocks per stage.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition", Table 1. The stem for
    small images is one 3 × 3 convolution and no pooling, as in section 4.2.
    """

    block: type[Basic] | type[Bottleneck] = Basic
    depths: tuple[int, ...] = (2, 2, 2, 2)

    def __init__(self, params: ResnetParams) -> None:
        self._normalisation = params.normalisation
        self._stem = params.stem
        self._narrowest = max(1, round(WIDTH * params.width))

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new network; convolutions by He's rule, from ``generator``."""
        channels = channels_of(input_shape, needed_by="a residual network")

        def make() -> nn.Module:
            return Network(
                self.block,
                self.depths,
                stem=self._stem,
                narrowest=self._narrowest,
                channels=channels,
                classes=classes,
            )

        return initialise(make, by_he, generator=generator, normalisation=self._normalisation)


class Resnet34(Resnet18):
    """A residual network with 3, 4, 6 and 3 basic blocks."""

    depths = (3, 4, 6, 3)


class Resnet50(Resnet34):
    """A residual network with 3, 4, 6 and 3 bottleneck blocks."""

    block = Bottleneck
