"""The papers' white-box membership attack: a network that also sees loss and gradient."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Observations
from safecompress_plugins.attackers.manifest import NeuralWhiteboxParams
from safecompress_plugins.attackers.neural_membership import NeuralMembership

__all__ = ["NeuralWhitebox", "WhiteboxNetwork"]

DROPOUT = 0.2


class NeuralWhitebox(NeuralMembership):
    """Learns to tell members by sorted posteriors, loss, last-layer gradient and label.

    Loss and gradient are standardised by mean and deviation over attack-train, the gradient with
    one of each for the whole matrix, so that its entries stay comparable to one another.

    Source: Zhu, Wang & Han 2022, ASE, Fig. 6; the signals are those of Nasr, Shokri & Houmansadr
    2019, "Comprehensive Privacy Analysis of Deep Learning", S&P; the network is that of Liu et al.
    2022, "ML-Doctor", USENIX Security, here with one logit in place of two.
    """

    def __init__(self, params: NeuralWhiteboxParams) -> None:
        super().__init__(params)
        self._loss_scale = self._gradient_scale = (0.0, 1.0)

    def build(self, seen: Observations) -> nn.Module:
        """The network for as many classes and hidden units as the model has."""
        return WhiteboxNetwork(seen.classes, seen.hidden.shape[1])

    def calibrate(self, seen: Observations) -> None:
        """Take mean and deviation of losses and gradients."""
        self._loss_scale = _mean_and_deviation(seen.losses)
        self._gradient_scale = _mean_and_deviation(seen.last_layer_gradients)

    def features(self, seen: Observations) -> tuple[Tensor, ...]:
        """Sorted posteriors (N, C), loss (N, 1), gradient (N, 1, C, H), one-hot label (N, C)."""
        return (
            seen.posteriors.sort(dim=1, descending=True).values,
            _standardised(seen.losses, self._loss_scale)[:, None],
            _standardised(seen.last_layer_gradients, self._gradient_scale)[:, None],
            F.one_hot(seen.labels, seen.classes).float(),
        )


def _mean_and_deviation(values: Tensor) -> tuple[float, float]:
    deviation = float(values.std(correction=0))
    return float(values.mean()), deviation if deviation > 0 else 1.0


def _standardised(values: Tensor, scale: tuple[float, float]) -> Tensor:
    mean, deviation = scale
    return (values - mean) / deviation


class WhiteboxNetwork(nn.Module):
    """One stream a signal, each ending in 64 units, and a fusion of all four.

    Posteriors, loss and label: n → 128 → 64. Gradient: 5×5 convolution with one channel, batch
    normalisation, 2×2 max-pooling, → 256 → 128 → 64. Fusion: 256 → 256 → 128 → 64 → 1. ReLU between
    layers, dropout 0.2 where ML-Doctor has it; convolution N(0, 1), linear layers Xavier normal,
    biases 0.
    """

    def __init__(self, classes: int, hidden: int) -> None:
        super().__init__()
        pooled = -(-classes // 2) * -(-hidden // 2)  # halves, rounded up
        self.posteriors = _stream(classes)
        self.loss = _stream(1)
        self.label = _stream(classes)
        self.gradient = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Conv2d(1, 1, kernel_size=5, padding=2),
            nn.BatchNorm2d(1),
            nn.ReLU(),
            nn.MaxPool2d(kernel_size=2, ceil_mode=True),
            nn.Flatten(),
            nn.Dropout(DROPOUT),
            nn.Linear(pooled, 256),
            nn.ReLU(),
            nn.Dropout(DROPOUT),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
        )
        self.fusion = nn.Sequential(
            nn.Dropout(DROPOUT),
            nn.Linear(256, 256),
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

    def forward(self, posteriors: Tensor, loss: Tensor, gradient: Tensor, label: Tensor) -> Tensor:
        """One logit a sample, shape (N,)."""
        streams = [
            self.posteriors(posteriors),
            self.loss(loss),
            self.gradient(gradient),
            self.label(label),
        ]
        logits: Tensor = self.fusion(torch.cat(streams, dim=1))[:, 0]
        return logits


def _stream(inputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 64))


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
