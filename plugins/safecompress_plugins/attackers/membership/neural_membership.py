"""Trained membership attackers: balanced batches, a one-logit network, and its replacement.

Decisions: all samples are tensors in memory, since a data loader costs more than the network. The
last epoch is used, since choosing an epoch would need the samples of the evaluation. Initial
weights, batches and dropout are all drawn from the generator argument. On few records, a
cross-validated classifier scores instead of the network, until the attacker adapts: a run compares
its candidates by the network, which continues training from one to the next.
"""

import math
from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Attacker,
    Observations,
    global_random_state,
)
from safecompress_plugins.attackers.known_truth import require_membership
from safecompress_plugins.attackers.membership.cross_validated_classifier import (
    CrossValidatedClassifier,
    Kind,
)
from safecompress_plugins.attackers.membership.manifest import NeuralParams

__all__ = ["FEW", "NeuralMembership", "draw_balanced_batches"]

FEW = 1000
"""Records up to which ``learner: auto`` is a support vector machine."""


class NeuralMembership(Attacker):
    """A one-logit network, or a classifier of scikit-learn: positive means member.

    The network is trained with Adam on binary cross-entropy over batches of as many members as
    non-members, so that 0 is the threshold of equal errors for pools of any size.
    """

    threshold = 0.0

    def __init__(self, params: NeuralParams) -> None:
        self._params = params
        self.network: nn.Module | None = None
        self._classifier: CrossValidatedClassifier | None = None

    @abstractmethod
    def build(self, seen: Observations) -> nn.Module:
        """Build a new network for such observations; weights come from torch's global state."""

    @abstractmethod
    def calibrate(self, seen: Observations) -> None:
        """Estimate on attack-train the scales that `features` applies."""

    @abstractmethod
    def features(self, seen: Observations) -> tuple[Tensor, ...]:
        """Return the network's arguments, each of shape (N, ...)."""

    @abstractmethod
    def tables(self, seen: Observations) -> tuple[Tensor, ...]:
        """Return sets of features for a classifier, each of shape (N, F)."""

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Train a new network for ``epochs``, or a classifier, as ``learner`` says.

        Raises:
            PoolError: if members or non-members are missing.
        """
        is_member = require_membership(known)
        self.network, self._classifier = None, None
        learner = self._params.learner
        # With `auto` the network is trained too: an audit scores by the classifier, a run adapts
        # the network.
        if learner in ("auto", "network"):
            # torch initialises layers from its global state; the generator seeds it here and for
            # dropout below.
            with global_random_state(generator):
                self.network = self.build(known.seen)
            self._train(self.network, known, self._params.epochs, generator)
        kind = self._kind(len(is_member))
        if kind is not None:
            self._classifier = CrossValidatedClassifier(
                kind=kind,
                tables=self.tables(known.seen),
                is_member=is_member,
                seed=int(torch.randint(2**31, (), generator=generator)),
            )

    def adapt(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Adapt to a changed model.

        The network is trained for ``adapt_epochs`` more, and scores from then on. A classifier
        named in the spec is refitted with the same settings.
        """
        if self.network is not None:
            # From the first adaptation on the network scores, so that candidates compare on one
            # scale.
            self._classifier = None
            self._train(self.network, known, self._params.adapt_epochs, generator)
        elif self._classifier is not None:
            self._classifier = self._classifier.refit(
                self.tables(known.seen), require_membership(known)
            )
        else:
            self.fit(known, generator=generator)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the network's logit or the classifier's decision value, shape (N,)."""
        if self._classifier is not None:
            scores = self._classifier.scores(self.tables(knowledge.seen))
            self.remarks = self._classifier.settings
            return scores
        if self.network is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        self.network.eval()  # no dropout, and batch normalisation by its running mean
        with torch.no_grad():
            logits: Tensor = self.network(*self.features(knowledge.seen))
        return logits

    def _kind(self, known: int) -> Kind | None:
        """Return the classifier for this many records; None for the network."""
        match self._params.learner:
            case "auto":
                return "svm" if known <= FEW else None
            case "network":
                return None
            case named:
                return named

    def _train(
        self, network: nn.Module, known: AdversaryKnowledge, epochs: int, generator: torch.Generator
    ) -> None:
        is_member = require_membership(known)
        # Before features: these are scaled by what calibrate estimates.
        self.calibrate(known.seen)
        features, target = self.features(known.seen), is_member.float()
        # fused: one kernel for all parameters; the network is small, so launches dominate.
        optimizer = torch.optim.Adam(
            network.parameters(), lr=self._params.learning_rate, fused=True
        )
        network.train()
        with global_random_state(generator):
            for _ in range(epochs):
                for rows in draw_balanced_batches(is_member, self._params.batch_size, generator):
                    optimizer.zero_grad()
                    logits = network(*(part[rows] for part in features))
                    loss = F.binary_cross_entropy_with_logits(logits, target[rows])
                    loss.backward()
                    optimizer.step()
        optimizer.zero_grad()  # an attacker is deep-copied, and its gradients would be copied too


def draw_balanced_batches(
    is_member: Tensor, batch_size: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Yield the rows of one epoch's batches, as many members as non-members in each.

    The larger class is used once; the smaller one is reshuffled and repeated as often as needed.
    Batches hold ``batch_size`` rows (rounded up to an even number), the last one the remainder.
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
