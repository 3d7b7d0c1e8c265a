"""Membership attack for pruned networks: self-attention over the classes of an output."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import AdversaryKnowledge, Observations
from safecompress_plugins.attackers.membership.compression_manifest import SamiaParams
from safecompress_plugins.attackers.membership.cross_validated_classifier import signal_tables
from safecompress_plugins.attackers.membership.neural_membership import NeuralMembership

__all__ = ["Samia", "SamiaNetwork", "sensitivity"]

# N samples · C classes · M noisy copies

WIDTH, HEADS, LAYERS, FEEDFORWARD, DROPOUT = 64, 4, 3, 128, 0.2


class Samia(NeuralMembership):
    """Infers membership from posteriors, their sensitivity to noise, and the label.

    Each class is a token of three numbers: its posterior, the posterior's sensitivity, and the
    label's indicator. Tokens are sorted by posterior, so that the network sees the first, second, …
    guess; in the order of classes, as in the authors' code, the attack is weaker (AUC 0.80 compared
    with 0.81 on a dense ``handwriting`` model).

    The directions of the noise are drawn once and shared by all samples, so that one sample's
    sensitivity does not depend on the rest of the pool.

    Source: Yuan & Zhang 2022, "Membership Inference Attacks and Defenses in Neural Network
    Pruning", USENIX Security; sizes are those of their code. It trains with SGD, this one with Adam
    as the other networks do.
    """

    def __init__(self, params: SamiaParams) -> None:
        super().__init__(params)
        self._queries = params.queries
        self._noise = params.noise
        self._directions: Tensor | None = None  # (M, ...) as the inputs

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Draw the noise, then train a new network."""
        shape = known.seen.inputs.shape[1:]
        self._directions = torch.randn(self._queries, *shape, generator=generator)
        super().fit(known, generator=generator)

    def build(self, seen: Observations) -> nn.Module:
        """Build the network for the model's number of classes."""
        return SamiaNetwork(seen.classes)

    def calibrate(self, seen: Observations) -> None:
        """Do nothing: the network normalises its inputs."""

    def features(self, seen: Observations) -> tuple[Tensor]:
        """Return tokens, shape (N, C, 3), the class with the largest posterior first."""
        if self._directions is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        posteriors, order = seen.posteriors.sort(dim=1, descending=True, stable=True)
        movement = sensitivity(seen, self._directions, noise=self._noise)
        is_label = F.one_hot(seen.labels, seen.classes).float()
        return (
            torch.stack([posteriors, movement.gather(1, order), is_label.gather(1, order)], dim=2),
        )

    def tables(self, seen: Observations) -> tuple[Tensor, ...]:
        """Return signals, with the total sensitivity of the output."""
        [tokens] = self.features(seen)
        return signal_tables(seen, tokens[:, :, 1].sum(dim=1, keepdim=True))


def sensitivity(seen: Observations, directions: Tensor, *, noise: float) -> Tensor:
    """Return each posterior's change for a small step of the input, shape (N, C), 0 or more.

    The mean over M directions u of abs(f(x + ε·u) − f(x)) / ε, which for small ε is proportional to
    the norm of each posterior's gradient with respect to the input (u is Gaussian).

    Args:
        seen: with gray-box access.
        directions: shape (M, ...), as the inputs.
        noise: ε, in the inputs' unit.
    """
    # Accumulated query by query, so that M copies of the pool are never in memory together.
    total = torch.zeros_like(seen.posteriors)
    for direction in directions:
        total += (seen.query(seen.inputs + noise * direction) - seen.posteriors).abs()
    return total / (noise * len(directions))


class SamiaNetwork(nn.Module):
    """Batch normalisation, 3 → 64 for each token, three encoder layers, 64·C → 64 → 1.

    An encoder layer has 4 heads, 128 units, GELU and dropout 0.2. Tokens have no position until the
    last layers, which take them concatenated. Linear layers are Xavier normal, biases 0.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.normalise = nn.BatchNorm1d(3 * classes)
        self.embed = nn.Linear(3, WIDTH)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, FEEDFORWARD, DROPOUT, activation="gelu", batch_first=True
        )
        # Nested tensors pay off for padded batches alone, and warn otherwise.
        self.encoder = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
        self.fusion = nn.Sequential(
            nn.Flatten(), nn.Linear(WIDTH * classes, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1)
        )
        for part in self.modules():
            if isinstance(part, nn.Linear):
                nn.init.xavier_normal_(part.weight)
                nn.init.zeros_(part.bias)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return one logit per sample, shape (N,)."""
        normal = self.normalise(tokens.flatten(1)).unflatten(1, tokens.shape[1:])
        encoded = self.encoder(F.gelu(self.embed(normal)))
        logits: Tensor = self.fusion(encoded)[:, 0]
        return logits
