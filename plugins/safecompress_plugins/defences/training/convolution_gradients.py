"""Per-sample gradients of convolutions in two dimensions."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.grad import conv2d_weight

from safecompress_plugins.defences.training.layer_gradients import LayerGradients, LayerUse

__all__ = ["ChannelBiasGradients", "ConvolutionGradients"]

# S places of an output, of all views of a sample · O channels of it · K values of a patch of input


class ChannelBiasGradients(LayerGradients):
    """Gradients of the bias of a convolution, P = O."""

    def __init__(self, use: LayerUse) -> None:
        bias = use.layer.bias
        assert isinstance(bias, nn.Parameter)  # the caller looks
        super().__init__([bias], use.samples, values=bias.numel(), device=bias.device.type)
        self._rows = use.errors.flatten(2).sum(dim=2)
        if use.views > 1:
            self._rows = self._rows.view(use.samples, use.views, -1).sum(dim=1)

    def rows(self, samples: slice) -> Tensor:
        """Return sums of the output's gradient."""
        return self._rows[samples]


class ConvolutionGradients(LayerGradients):
    """Gradients of the kernels of a convolution in two dimensions."""

    def __init__(self, use: LayerUse, masks: Mapping[int, Tensor]) -> None:
        layer = use.layer
        assert isinstance(layer, nn.Conv2d)  # the caller looks
        places = use.errors[0, 0].numel() * use.views
        values = layer.weight.numel() + places * layer.groups * layer.weight[0].numel()
        device = layer.weight.device.type
        weight = layer.weight
        assert isinstance(weight, nn.Parameter)  # whatever its stub says
        super().__init__([weight], use.samples, values=values, device=device)
        self._layer, self._use = layer, use
        if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
            # As the layer pads by itself, which other functions do not.
            mode = "constant" if layer.padding_mode == "zeros" else layer.padding_mode
            padded = F.pad(use.activations, _sides(layer), mode=mode)
            self._use, self._padding = replace(use, activations=padded), (0, 0)
        else:
            self._padding = (layer.padding[0], layer.padding[1])
        self._is_channels_last = layer.groups == 1 and layer.dilation == (1, 1)
        self._mask = masks.get(id(layer.weight))
        # In the order of the rows' values.
        ordered = None if self._mask is None else self._ordered(self._mask)
        self._row_mask = None if ordered is None else ordered.reshape(-1)

    def _ordered(self, kernels: Tensor) -> Tensor:
        return kernels.permute(0, 2, 3, 1) if self._is_channels_last else kernels

    def rows(self, samples: slice) -> Tensor:
        """Return products of errors and patches of the input."""
        activations, errors = self._use.rows_of(samples)
        count, groups = samples.stop - samples.start, self._layer.groups
        patches = (self._patches if self._is_channels_last else self._grouped)(activations, count)
        # Places of all views of a sample next to each other, (samples, groups, O, S).
        each = errors.reshape(count, -1, groups, errors.shape[1] // groups, errors[0, 0].numel())
        each = each.permute(0, 2, 3, 1, 4).flatten(3)
        rows = (each @ patches).flatten(1)
        return rows if self._row_mask is None else rows.mul_(self._row_mask)

    def _patches(self, activations: Tensor, count: int) -> Tensor:
        """Return patches of the input with channels last, (samples, 1, S, K)."""
        # Channels last: what is copied next to each other lies next to each other.
        (down, right), (height, width) = self._padding, self._layer.kernel_size
        padded = F.pad(activations.permute(0, 2, 3, 1), (0, 0, right, right, down, down))
        steps = self._layer.stride
        patches = padded.unfold(1, height, steps[0]).unfold(2, width, steps[1])
        flat = patches.permute(0, 1, 2, 4, 5, 3)
        return flat.reshape(count, 1, -1, self._layer.weight[0].numel())

    def _grouped(self, activations: Tensor, count: int) -> Tensor:
        """Return patches of the input's groups of channels, (samples, groups, S, K)."""
        layer = self._layer
        patches = F.unfold(
            activations, layer.kernel_size, layer.dilation, self._padding, layer.stride
        )
        places = patches.shape[2]
        each = patches.view(count, -1, layer.groups, layer.weight[0].numel(), places)
        return each.permute(0, 2, 1, 4, 3).flatten(2, 3)

    def shaped(self, total: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the kernels with a sum of rows."""
        weight = self._layer.weight
        if self._is_channels_last:
            kernels = total.view(self._ordered(weight).shape).permute(0, 3, 1, 2)
        else:
            kernels = total.view(weight.shape)
        yield from ((parameter, kernels) for parameter in self.parameters)

    def weighted_sums(self, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the kernels with the sum of kept rows, or an ordinary gradient."""
        if self._kept:
            yield from super().weighted_sums(weights)
            return
        layer, use = self._layer, self._use
        total: Tensor = conv2d_weight(
            use.activations,
            layer.weight.shape,
            use.errors * weights.repeat_interleave(use.views)[:, None, None, None],
            layer.stride,
            self._padding,
            layer.dilation,
            layer.groups,
        )
        for parameter in self.parameters:
            yield parameter, total if self._mask is None else total.mul_(self._mask)


def _sides(layer: nn.Conv2d) -> list[int]:
    """Return the widths of the padding: left, right, top, bottom."""
    sides: list[int] = []
    # The last dimension first, as torch pads.
    for dimension in (1, 0):
        whole = layer.dilation[dimension] * (layer.kernel_size[dimension] - 1)
        if layer.padding == "same":
            sides += [whole // 2, whole - whole // 2]
        elif layer.padding == "valid":
            sides += [0, 0]
        else:
            sides += [int(layer.padding[dimension])] * 2
    return sides
