"""What the neural membership attackers share: balanced batches, training, a single logit.

Decisions: all samples are tensors in memory, since a data loader costs more than the network; the
last epoch is the one that is used, since an epoch can only be chosen on samples that the attack is
evaluated on; initial weights, batches and dropout are all drawn from the generator handed in.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Attacker, Evidence, Observations, global_random_state
from safecompress_plugins.attackers.known_truth import known_membership
from safecompress_plugins.attackers.membership_manifest import NeuralParams

__all__ = ["NeuralMembership", "balanced_batches"]


class NeuralMembership(Attacker):
    """A network with one logit: positive means member.

    It is trained with Adam on binary cross-entropy over batches of as many members as non-members,
    so that 0 is the threshold of equal errors whatever the pools' sizes.
    """

    threshold = 0.0

    def __init__(self, params: NeuralParams) -> None:
        self._params = params
        self.network: nn.Module | None = None

    @abstractmethod
    def build(self, seen: Observations) -> nn.Module:
        """A fresh network for such observations; weights come from torch's global state."""

    @abstractmethod
    def calibrate(self, seen: Observations) -> None:
        """Take from attack-train what `features` needs to scale its values."""

    @abstractmethod
    def features(self, seen: Observations) -> tuple[Tensor, ...]:
        """What the network is called with, each of shape (N, ...)."""

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Train a fresh network for ``epochs``.

        Raises:
            PoolError: if members or non-members are missing.
        """
        with global_random_state(generator):
            self.network = self.build(known.seen)
        self._train(self.network, known, self._params.epochs, generator)

    def adapt(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Train what `fit` has learned for ``adapt_epochs`` more, on new observations."""
        if self.network is None:
            self.fit(known, generator=generator)
        else:
            self._train(self.network, known, self._params.adapt_epochs, generator)

    def score(self, evidence: Evidence) -> Tensor:
        """The logit, shape (N,)."""
        if self.network is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        self.network.eval()
        with torch.no_grad():
            logits: Tensor = self.network(*self.features(evidence.seen))
        return logits

    def _train(
        self, network: nn.Module, known: Evidence, epochs: int, generator: torch.Generator
    ) -> None:
        is_member = known_membership(known)
        self.calibrate(known.seen)
        features, target = self.features(known.seen), is_member.float()
        optimizer = torch.optim.Adam(
            network.parameters(), lr=self._params.learning_rate, fused=True
        )
        network.train()
        with global_random_state(generator):
            for _ in range(epochs):
                for rows in balanced_batches(is_member, self._params.batch_size, generator):
                    optimizer.zero_grad()
                    logits = network(*(part[rows] for part in features))
                    loss = F.binary_cross_entropy_with_logits(logits, target[rows])
                    loss.backward()
                    optimizer.step()
        optimizer.zero_grad()  # gradients would be copied along with the attacker


def balanced_batches(
    is_member: Tensor, batch_size: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Rows of one epoch's batches, as many members as non-members in each.

    The larger class is gone through once; the smaller one is shuffled and gone through again as
    often as it takes. Batches hold ``batch_size`` rows (rounded up to an even number), the last
    one what is left.
    """
    sides = [is_member.nonzero()[:, 0], (~is_member).nonzero()[:, 0]]
    longest = max(map(len, sides))
    shuffled = [
        torch.cat(
            [
                side[torch.randperm(len(side), generator=generator)]
                for _ in range(math.ceil(longest / len(side)))
            ]
        )[:longest]
        for side in sides
    ]
    half = math.ceil(batch_size / 2)
    for start in range(0, longest, half):
        yield torch.cat([side[start : start + half] for side in shuffled])
