"""White-box membership attack of the papers: a network over outputs, loss and gradients."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Observations
from safecompress_plugins.attackers.membership.cross_validated_classifier import signal_tables
from safecompress_plugins.attackers.membership.manifest import NeuralWhiteboxParams
from safecompress_plugins.attackers.membership.neural_membership import NeuralMembership

__all__ = ["NeuralWhitebox", "WhiteboxNetwork"]

Scale = tuple[float, float]
"""Mean and deviation."""

DROPOUT = 0.2
SMALLEST = 1e-12  # lower bound of a gradient's norm; smaller ones are rounding


class NeuralWhitebox(NeuralMembership):
    """Infers membership from sorted posteriors, loss, gradients and label.

    Loss and gradients are standardised by mean and deviation over attack-train, a gradient by one
    mean and deviation for the whole layer, so that its entries stay comparable. The last layer's
    gradient is a matrix to convolve over; those of chosen layers are vectors, since a sparse
    layer's active weights form no grid.

    Source: Zhu, Wang & Han 2022, ASE, Fig. 6; the signals are those of Nasr, Shokri & Houmansadr
    2019, "Comprehensive Privacy Analysis of Deep Learning", S&P; the network is that of Liu et al.
    2022, "ML-Doctor", USENIX Security, here with one logit instead of two.
    """

    def __init__(self, params: NeuralWhiteboxParams) -> None:
        super().__init__(params)
        self._layers = params.layers
        self._loss_scale: Scale = (0.0, 1.0)
        self._gradient_scales: list[Scale] = [(0.0, 1.0)] * max(1, len(params.layers))

    def build(self, seen: Observations) -> nn.Module:
        """Build the network for the model's number of classes and gradients."""
        shapes = [gradient.shape[1:] for gradient in self._gradients(seen)]
        return WhiteboxNetwork(seen.classes, shapes)

    def calibrate(self, seen: Observations) -> None:
        """Estimate mean and deviation of losses and gradients."""
        self._loss_scale = _mean_and_deviation(seen.losses)
        self._gradient_scales = [
            _mean_and_deviation(gradient) for gradient in self._gradients(seen)
        ]

    def features(self, seen: Observations) -> tuple[Tensor, ...]:
        """Return sorted posteriors (N, C), loss (N, 1), one-hot label (N, C), and the gradients.

        The gradients are (N, A) for each chosen layer, or (N, 1, C, H) for the last one.
        """
        scaled = zip(self._gradients(seen), self._gradient_scales, strict=True)
        return (
            seen.posteriors.sort(dim=1, descending=True).values,
            _standardise(seen.losses, self._loss_scale)[:, None],
            F.one_hot(seen.labels, seen.classes).float(),
            *(_standardise(gradient, scale) for gradient, scale in scaled),
        )

    def tables(self, seen: Observations) -> tuple[Tensor, ...]:
        """Return signals, with the logarithm of each gradient's norm."""
        # Norms span many orders of magnitude; their logarithm suits kernels and standardisation.
        norms = [gradient.double().flatten(1).norm(dim=1) for gradient in self._gradients(seen)]
        return signal_tables(seen, torch.stack(norms, dim=1).clamp(min=SMALLEST).log())

    def _gradients(self, seen: Observations) -> list[Tensor]:
        if self._layers:
            return [seen.gradients(layer) for layer in self._layers]
        return [seen.last_layer_gradients[:, None]]  # a channel dimension, for the convolution


def _mean_and_deviation(values: Tensor) -> Scale:
    # Constant values have a deviation of 0, and standardise to 0 with any other.
    deviation = float(values.std(correction=0))
    return float(values.mean()), deviation if deviation > 0 else 1.0


def _standardise(values: Tensor, scale: Scale) -> Tensor:
    mean, deviation = scale
    return (values - mean) / deviation


class WhiteboxNetwork(nn.Module):
    """One stream per signal, each ending in 64 units, and a fusion of all of them.

    Posteriors, loss and label: n → 128 → 64. A gradient that is a matrix, (1, C, H): 5×5
    convolution with one channel, batch normalisation, 2×2 max-pooling, → 256 → 128 → 64; one that
    is a vector, (A,): → 256 → 128 → 64. Fusion: → 256 → 128 → 64 → 1. ReLU between layers, dropout
    0.2 where ML-Doctor has it; convolution N(0, 1), linear layers Xavier normal, biases 0.
    """

    def __init__(self, classes: int, gradients: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.posteriors = _stream(classes)
        self.loss = _stream(1)
        self.label = _stream(classes)
        self.gradients = nn.ModuleList([_gradient_stream(shape) for shape in gradients])
        self.fusion = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(64 * (3 + len(gradients)), 256),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, 1),
        )
        self.apply(_initialise)

    def forward(
        self, posteriors: Tensor, loss: Tensor, label: Tensor, *gradients: Tensor
    ) -> Tensor:
        """Return one logit per sample, shape (N,)."""
        streams = [
            self.posteriors(posteriors),
            self.loss(loss),
            *(stream(gradient) for stream, gradient in zip(self.gradients, gradients, strict=True)),
            self.label(label),
        ]
        logits: Tensor = self.fusion(torch.cat(streams, dim=1))[:, 0]
        return logits


def _stream(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 64))


def _gradient_stream(shape: Sequence[int]) -> nn.Sequential:
    if len(shape) == 1:
        return nn.Sequential(nn.Dropout(DROPOUT), *_narrowing(shape[0]))
    _, rows, columns = shape
    pooled = -(-rows // 2) * -(-columns // 2)  # 2×2 pooling with ceil_mode: halves, rounded up
    return nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Conv2d(1, 1, kernel_size=5, padding=2),
        nn.BatchNorm2d(1),
        nn.ReLU(),
        nn.MaxPool2d(kernel_size=2, ceil_mode=True),
        nn.Flatten(),
        nn.Dropout(DROPOUT),
        *_narrowing(pooled),
    )


def _narrowing(inputs: int) -> list[nn.Module]:
    return [
        nn.Linear(inputs, 256),
        nn.ReLU(),
        nn.Dropout(DROPOUT),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Linear(128, 64),
    ]


def _initialise(layer: nn.Module) -> None:
    match layer:
        case nn.Conv2d(weight=weight, bias=bias):
            nn.init.normal_(weight)
        case nn.Linear(weight=weight, bias=bias):
            nn.init.xavier_normal_(weight)
        case _:
            return
    if bias is not None:
        nn.init.zeros_(bias)
