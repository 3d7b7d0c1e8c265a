"""HAMP: training for low confidence, and outputs that reveal the ranking alone."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import (
    Batch,
    Defence,
    DefenceContext,
    GuardTrainingData,
    OutputGuard,
    Problem,
    Step,
)
from safecompress_plugins.defences.manifest import HampParams
from safecompress_plugins.defences.outputs.query_randomness import new_secret, query_uniform

__all__ = ["Hamp", "RandomValues", "largest_share"]


GRAIN = 1e-4
"""Decrement between neighbouring values, so that the first one is strictly the largest."""


class Hamp(Defence):
    """High-entropy soft labels, and entropy of the posteriors subtracted from the loss.

    The label's class has the largest share p at which the target's entropy is still γ · log C, all
    others have (1 − p) / (C − 1). With H the entropy of the posteriors::

        cross-entropy with these targets − α · mean H

    Cross-entropy has the gradient of the paper's KL divergence, since targets are constant. The
    second half is `RandomValues`, the output guard that is stored with the model.

    Source: Chen & Pattabiraman 2024, "Overconfidence is a Dangerous Thing: Mitigating Membership
    Inference Attacks by Enforcing Less Confident Prediction", NDSS: high-entropy soft labels,
    entropy-based regularisation, testing-time output modification.
    """

    is_per_sample = True
    needs_whole_batch = ""
    _classes: int

    def __init__(self, params: HampParams) -> None:
        super().__init__()
        self._params = params

    def prepare(self, *, classes: int, **_: object) -> None:
        """Solve for the label's share, which depends on the number of classes."""
        self._classes = classes
        self._share = largest_share(self._params.entropy, classes)

    def check(self, context: DefenceContext) -> Iterable[Problem]:
        """Report inputs that cannot be drawn uniformly: tokens and categorical codes."""
        if self._params.answers and not context.are_numbers:
            message = "random inputs need continuous inputs; this data set has token ids or codes"
            yield Problem(path=("answers",), message=message, hint="write 0 for no output guard")

    def make_guard(self, *, classes: int, generator: torch.Generator) -> OutputGuard | None:
        """Build the guard with values of random inputs; None without a guard."""
        count = self._params.answers
        return RandomValues(count, classes, generator) if count else None

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Soften the batch's targets; those of an earlier defence are softened equally."""
        targets = batch.targets
        if targets is None:
            targets = F.one_hot(batch.labels, self._classes).float()
        rest = (1 - self._share) / (self._classes - 1)
        return replace(batch, targets=rest + (self._share - rest) * targets)

    def facts(self) -> Mapping[str, Any]:
        """Report the guard and its limits; nothing without a guard."""
        if not self._params.answers:
            return {}
        text = (
            f"posteriors are those of {self._params.answers} random inputs; "
            "anyone with the model file can bypass this"
        )
        return {"answers": self._params.answers, "text": text}

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Subtract the weighted entropy from the loss."""
        log_posteriors = step.logits.log_softmax(dim=1)  # (B, C)
        # From log-posteriors: p log p underflows for a confident model.
        entropy = -(log_posteriors.exp() * log_posteriors).sum(dim=1)
        return loss - self._params.weight * entropy.mean()


class RandomValues(OutputGuard):
    """Output guard: the values of a random input's posteriors, in the order of the query's own.

    Outputs then reveal the ranking of labels and nothing else. The paper draws a random input for
    each query; here a fixed number is drawn once, and the query determines which one it gets.

    Attributes:
        values: log-posteriors of random inputs, each row descending, ties separated by a grain;
            shape (answers, C).

    Args:
        answers: number of random inputs.
        classes: C.
        generator: of the secret.
    """

    reads_samples = False
    secret: Tensor
    values: Tensor

    def __init__(self, answers: int, classes: int, generator: torch.Generator) -> None:
        super().__init__()
        self.register_buffer("secret", new_secret(generator))
        # Before training ends the guard must already keep the predicted label, hence distinct
        # values.
        self._grains = GRAIN * torch.arange(classes)
        self.register_buffer("values", torch.zeros(answers, classes) - self._grains)

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        """Store the network's posteriors for new random inputs."""
        logits = training_data.at_random(len(self.values), generator)
        ranked = logits.log_softmax(dim=1).sort(dim=1, descending=True).values
        self.values.copy_(ranked - self._grains.to(ranked))

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        """Return a row of values per query; equal logits keep the order of their labels."""
        drawn = (query_uniform(queries, self.secret) * len(self.values)).long()
        order = logits.argsort(dim=1, descending=True, stable=True)
        return torch.empty_like(logits).scatter_(1, order, self.values[drawn])


def largest_share(entropy: float, classes: int) -> float:
    """Find the largest p such that p and (1 − p) / (C − 1) elsewhere have entropy γ · log C.

    Entropy decreases from log C at p = 1/C to 0 at p = 1, so 60 bisections find it to 2⁻⁶⁰.
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
