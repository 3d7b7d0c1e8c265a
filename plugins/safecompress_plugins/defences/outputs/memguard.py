"""MemGuard: noise on outputs that misleads membership classifiers."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import (
    Defence,
    DefenceContext,
    GuardTrainingData,
    OutputGuard,
    Problem,
)
from safecompress_plugins.defences.manifest import MemguardParams
from safecompress_plugins.defences.outputs.query_randomness import new_secret, query_uniform
from safecompress_plugins.defences.training.dmp import Dmp
from safecompress_plugins.defences.training.linear_stack import linear, stack

__all__ = ["AnswerNoise", "Memguard", "NoiseSearch"]

BATCH = 64
LABEL_WEIGHT = 10.0  # the paper's c₂
FIRST_WEIGHT, NEXT_WEIGHT, LAST_WEIGHT = 0.1, 10.0, 1e5
"""Range and factor of the paper's c₃: first value, multiplier, last value."""
TINY = torch.finfo(torch.float32).tiny

# N samples · C classes · M members · R non-members


class Memguard(Defence):
    """Undefended training, and an output guard for the stored model.

    Source: Jia, Salem, Backes, Zhang & Gong 2019, "MemGuard: Defending against Black-Box
    Membership Inference Attacks via Adversarial Examples", CCS, section 4.
    """

    needs_whole_batch = ""

    def __init__(self, params: MemguardParams) -> None:
        super().__init__()
        self._params = params

    def check(self, context: DefenceContext) -> Iterable[Problem]:
        """Report a defence that trains on the reference samples, which are then members."""
        for name, other in context.others.items():
            if isinstance(other, Dmp):
                yield Problem(
                    path=("type",),
                    message=f"{name!r} trains on the reference samples, which memguard takes for "
                    "non-members",
                    hint="remove one of the two",
                )

    def make_guard(self, *, classes: int, generator: torch.Generator) -> OutputGuard:
        """Build the noise on outputs."""
        return AnswerNoise(self._params, classes=classes, generator=generator)

    def facts(self) -> Mapping[str, Any]:
        """Report the share of noisy outputs and their distance; nothing before training."""
        assert isinstance(self.guard, AnswerNoise)  # the one that was made
        share, distance = self.guard.done.tolist()
        if not share:
            return {}
        text = (
            f"{share:.0%} of outputs carry noise, at a mean L1 distance of {distance:.2f}; "
            "anyone with the model file can bypass it"
        )
        return {"noisy": share, "distance": distance, "text": text}


class Ranked(nn.Module):
    """Posteriors in descending order, the classifier's input in the authors' code."""

    def forward(self, posteriors: Tensor) -> Tensor:
        """Sort posteriors, (N, C)."""
        return posteriors.sort(dim=1, descending=True).values


class NoiseSearch:
    """Phase I: noise e on the logits z that brings the classifier to its decision boundary.

    With h the classifier's log-odds and l the label, normalised gradient steps minimise

    ::

        |h(softmax(z + e))| + c₂ · ReLU(−z_l − e_l + max_{j≠l} (z_j + e_j))
            + c₃ · ‖softmax(z) − softmax(z + e)‖₁

    until h has crossed 0 and l is still the most likely. c₃, the weight of little noise, is
    increased until the search fails; the noise before that counts. Outputs of near certainty, with
    logits further apart than all steps together reach, get no noise.

    Args:
        classifier: log-odds of membership (N,) from posteriors (N, C).
        steps: maximum number, for one c₃.
        step_size: length of a step.

    Source: Jia et al. 2019, section 4: Phase I, Algorithm 1.
    """

    def __init__(self, classifier: nn.Module, *, steps: int, step_size: float) -> None:
        self._classifier = classifier
        self._steps = steps
        self._step_size = step_size

    def noise(self, logits: Tensor) -> Tensor:
        """Search noise, shape (N, C); 0 for a sample without success."""
        added = torch.zeros_like(logits)
        rows = torch.arange(len(logits), device=logits.device)
        weight = FIRST_WEIGHT
        while len(rows) and weight <= LAST_WEIGHT:
            noise, is_found = self._descend(logits[rows], weight)
            # Only samples that succeeded try the next, stricter weight.
            rows = rows[is_found]
            added[rows] = noise[is_found]
            weight *= NEXT_WEIGHT
        return added

    def _descend(self, logits: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """Search noise (N, C) for one weight, and return for which samples (N,) it succeeds."""
        labels = logits.argmax(dim=1)
        posteriors = logits.softmax(dim=1)
        with torch.no_grad():
            # Success is a change of sign of the classifier's log-odds.
            side = self._odds(posteriors).sign()
        noise = torch.zeros_like(logits)
        is_found = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
        rows = torch.arange(len(logits), device=logits.device)
        for _ in range(self._steps):
            trial = noise[rows].requires_grad_()
            # Guards run under no_grad in evaluation; the search needs gradients of its own trial
            # alone.
            with torch.enable_grad():
                moved = logits[rows] + trial
                answered = moved.softmax(dim=1)
                odds = self._odds(answered)
                label_logits = moved.gather(1, labels[rows, None])[:, 0]
                # −∞ excludes the label itself from the maximum over the others.
                rest = moved.scatter(1, labels[rows, None], -torch.inf).amax(dim=1)
                distance = (answered - posteriors[rows]).abs().sum(dim=1)
                loss = odds.abs() + LABEL_WEIGHT * F.relu(rest - label_logits) + weight * distance
                (slope,) = torch.autograd.grad(loss.sum(), trial)
            is_done = (odds.detach() * side[rows] <= 0) & (rest < label_logits)
            is_found[rows[is_done]] = True
            rows, slope = rows[~is_done], slope[~is_done]
            if not len(rows):
                break
            # Normalised by the largest entry first: near certainty, squares underflow to 0.
            slope = slope / slope.abs().amax(dim=1, keepdim=True).clamp_min(TINY)
            length = slope.norm(dim=1, keepdim=True).clamp_min(TINY)
            noise[rows] -= self._step_size * slope / length
        return noise, is_found

    def _odds(self, posteriors: Tensor) -> Tensor:
        odds: Tensor = self._classifier(posteriors)[:, 0]
        return odds


class AnswerNoise(OutputGuard):
    """Output guard: a membership classifier, and noise that misleads it.

    Phase II: with s the posteriors, r the noise on them, g the classifier's membership probability
    and ε the budget, the output is s + r with probability p, otherwise s::

        p = 0                       where |g(s) − ½| ≤ |g(s + r) − ½|
        p = min(ε / ‖r‖₁, 1)        elsewhere

    so that the expected distance is at most ε. Equal queries get equal outputs, or repeated queries
    would average the noise out: the random number is a hash of the query and a secret.

    Attributes:
        done: after training, the share of reference samples with noise (of members without
            reference samples), and the mean L1 distance of all; shape (2,).

    Source: Jia et al. 2019, section 4: Phase II, one-time randomness.
    """

    secret: Tensor
    done: Tensor

    def __init__(self, params: MemguardParams, *, classes: int, generator: torch.Generator) -> None:
        super().__init__()
        self._params = params
        widths = (classes, *params.hidden)
        self.classifier = nn.Sequential(
            Ranked(), stack(widths, generator), linear(widths[-1], 1, generator)
        )
        self.requires_grad_(requires_grad=False)
        self.register_buffer("secret", new_secret(generator))
        self.register_buffer("done", torch.zeros(2))

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        """Train the classifier further by Adam, on posteriors of members and of non-members.

        The learning rate is a tenth in the last quarter of epochs.
        """
        members, others = training_data.members, training_data.others
        if len(members) and len(others):
            self._fit(torch.cat([members, others]).softmax(dim=1), len(members), generator)
        # Measured on non-members where there are any: members are the samples it was fitted to.
        asked = others if len(others) else members
        queries = torch.randint(2**62, (len(asked),), generator=generator).to(asked.device)
        with torch.no_grad():
            moved = (self(asked, queries).softmax(dim=1) - asked.softmax(dim=1)).abs().sum(dim=1)
        self.done.copy_(torch.stack([(moved > 0).float().mean(), moved.mean()]))

    def _fit(self, posteriors: Tensor, members: int, generator: torch.Generator) -> None:
        is_member = (torch.arange(len(posteriors)) < members).to(posteriors)
        # Frozen outside of training: the guard is part of the model, whose optimizer must not move
        # it.
        self.classifier.requires_grad_(requires_grad=True)
        optimizer = torch.optim.Adam(
            self.classifier.parameters(), lr=self._params.learning_rate, fused=True
        )
        epochs = self._params.epochs
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [epochs - epochs // 4])
        # The caller may have switched gradients off, as in evaluation.
        with torch.enable_grad():
            for _ in range(epochs):
                order = torch.randperm(len(posteriors), generator=generator)
                for rows in order.to(posteriors.device).split(BATCH):
                    odds = self.classifier(posteriors[rows])[:, 0]
                    optimizer.zero_grad(set_to_none=True)
                    F.binary_cross_entropy_with_logits(odds, is_member[rows]).backward()
                    optimizer.step()
                schedule.step()
        self.classifier.requires_grad_(requires_grad=False)
        optimizer.zero_grad(set_to_none=True)

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        """Return the logits, with noise where the query's random number demands it."""
        params = self._params
        search = NoiseSearch(self.classifier, steps=params.steps, step_size=params.step_size)
        noisy = logits + search.noise(logits)
        posteriors, answered = logits.softmax(dim=1), noisy.softmax(dim=1)
        distance = (answered - posteriors).abs().sum(dim=1)
        # Noise that moves the classifier away from ½ would help an attacker.
        is_worse = self._confidence(posteriors) <= self._confidence(answered)
        chance = (params.budget / distance.clamp_min(TINY)).clamp_max(1)
        is_noisy = ~is_worse & (query_uniform(queries, self.secret) < chance)
        return torch.where(is_noisy[:, None], noisy, logits)

    def _confidence(self, posteriors: Tensor) -> Tensor:
        """Return |g − ½|, shape (N,)."""
        odds: Tensor = self.classifier(posteriors)[:, 0]
        return (odds.sigmoid() - 0.5).abs()
