"""HAMP: a model that is never taught to be sure, and that tells nobody how sure it is."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Defence, Flaw, Guard, Lesson, Step, Surroundings
from safecompress_plugins.defences.manifest import HampParams
from safecompress_plugins.defences.outputs.coin import coins, new_secret

__all__ = ["Hamp", "RandomValues", "largest_share"]


GRAIN = 1e-4
"""By how much each value is moved from the one before, so that the first is always the largest."""


class Hamp(Defence):
    """High-entropy soft labels, and entropy of the answers subtracted from the loss.

    The label's class has the largest share p with which the entropy of the target is still
    γ · log C, all others have (1 − p) / (C − 1). With H the entropy of the posteriors::

        cross-entropy with these targets − α · mean H

    Cross-entropy has the gradient of the paper's KL divergence, since targets are constant. The
    other half is `RandomValues`, which guards the answers of what ships.

    Source: Chen & Pattabiraman 2024, "Overconfidence is a Dangerous Thing: Mitigating Membership
    Inference Attacks by Enforcing Less Confident Prediction", NDSS: high-entropy soft labels,
    entropy-based regularisation, testing-time output modification.
    """

    is_per_sample = True
    _classes: int

    def __init__(self, params: HampParams) -> None:
        super().__init__()
        self._params = params

    def prepare(self, *, classes: int, **_: object) -> None:
        """Solve for the label's share, which depends on how many classes there are."""
        self._classes = classes
        self._share = largest_share(self._params.entropy, classes)

    def flaws(self, around: Surroundings) -> Iterable[Flaw]:
        """Words and codes are not drawn evenly between two numbers."""
        if self._params.answers and not around.are_numbers:
            message = "random inputs are numbers, and these are words or codes"
            yield Flaw(field="answers", message=message, mend="write 0, which leaves answers alone")

    def make_guard(self, *, classes: int, generator: torch.Generator) -> Guard | None:
        """Values of answers about random inputs; None where answers are left alone."""
        count = self._params.answers
        return RandomValues(count, classes, generator) if count else None

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The batch with softer targets; those of another defence are evened out as much."""
        targets = batch.targets
        if targets is None:
            targets = F.one_hot(batch.labels, self._classes).float()
        rest = (1 - self._share) / (self._classes - 1)
        return replace(batch, targets=rest + (self._share - rest) * targets)

    def facts(self) -> Mapping[str, Any]:
        """That answers are guarded, and against whom they are not; nothing where they are not."""
        if not self._params.answers:
            return {}
        text = (
            f"answers have the values of {self._params.answers} about random inputs; "
            "whoever holds the file can leave that out"
        )
        return {"answers": self._params.answers, "text": text}

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The loss less the entropy."""
        log_posteriors = step.logits.log_softmax(dim=1)  # (B, C)
        entropy = -(log_posteriors.exp() * log_posteriors).sum(dim=1)
        return loss - self._params.weight * entropy.mean()


class RandomValues(Guard):
    """Answers with the values of an answer about a random input, in the order of its own.

    So the ranking of labels is told and nothing else. The paper draws a random input for each
    query; here some are drawn once, and which of them a query meets is drawn from the query.

    Attributes:
        values: logarithms of posteriors about random inputs, each row in descending order, a grain
            apart where they are alike; shape (answers, C).

    Args:
        answers: how many random inputs there are.
        classes: C.
        generator: what the secret is drawn from.
    """

    reads_samples = False
    secret: Tensor
    values: Tensor

    def __init__(self, answers: int, classes: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("secret", new_secret(generator))
        self._grains = GRAIN * torch.arange(classes)
        self.register_buffer("values", torch.zeros(answers, classes) - self._grains)

    def learn(self, lesson: Lesson, *, generator: torch.Generator) -> None:
        """Keep what the network answers about other random inputs."""
        logits = lesson.at_random(len(self.values), generator)
        ranked = logits.log_softmax(dim=1).sort(dim=1, descending=True).values
        self.values.copy_(ranked - self._grains.to(ranked))

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        """A row of values for each query; of labels that are alike the first stays the first."""
        drawn = (coins(queries, self.secret) * len(self.values)).long()
        order = logits.argsort(dim=1, descending=True, stable=True)
        return torch.empty_like(logits).scatter_(1, order, self.values[drawn])


def largest_share(entropy: float, classes: int) -> float:
    """The largest p for which p and (1 − p) / (C − 1) for all others have ``entropy`` · log C.

    Entropy falls from log C at p = 1/C to 0 at p = 1, so halving finds it, to 2⁻⁶⁰.
    """
    low, high = 1 / classes, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        others = 1 - middle
        reached = -middle * math.log(middle)
        if others > 0:
            reached -= others * math.log(others / (classes - 1))
        low, high = (middle, high) if reached >= entropy * math.log(classes) else (low, middle)
    return low
