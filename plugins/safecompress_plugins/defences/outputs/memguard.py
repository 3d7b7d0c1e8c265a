"""MemGuard: noise on the answers that an attacker of memberships is misled by."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Defence, Flaw, Guard, Lesson, Surroundings
from safecompress_plugins.defences.manifest import MemguardParams
from safecompress_plugins.defences.outputs.coin import coins, new_secret
from safecompress_plugins.defences.training.dmp import Dmp
from safecompress_plugins.defences.training.stacked import linear, stack

__all__ = ["AnswerNoise", "Memguard", "NoiseSearch"]

BATCH = 64
LABEL_WEIGHT = 10.0  # the paper's c₂
FIRST_WEIGHT, NEXT_WEIGHT, LAST_WEIGHT = 0.1, 10.0, 1e5
"""The paper's c₃ begins at the first and is multiplied by the second; the last ends it."""
TINY = torch.finfo(torch.float32).tiny

# N samples · C classes · M members · R others


class Memguard(Defence):
    """Trains as if it were not there, and has a guard stand before the answers of what ships.

    Source: Jia, Salem, Backes, Zhang & Gong 2019, "MemGuard: Defending against Black-Box
    Membership Inference Attacks via Adversarial Examples", CCS, section 4.
    """

    def __init__(self, params: MemguardParams) -> None:
        super().__init__()
        self._params = params

    def flaws(self, around: Surroundings) -> Iterable[Flaw]:
        """Reference samples that the model is trained on are no example of others."""
        for name, other in around.others.items():
            if isinstance(other, Dmp):
                yield Flaw(
                    field="type",
                    message=f"{name!r} trains on the samples that this takes for non-members",
                    mend="take one of the two out",
                )

    def make_guard(self, *, classes: int, generator: torch.Generator) -> Guard:
        """Noise on answers."""
        return AnswerNoise(self._params, classes=classes, generator=generator)

    def facts(self) -> Mapping[str, Any]:
        """How many answers are changed, and by how much; nothing before the guard has learned."""
        assert isinstance(self.guard, AnswerNoise)  # the one that was made
        share, distance = self.guard.done.tolist()
        if not share:
            return {}
        text = (
            f"{share:.0%} of answers carry noise, an L1 distance of {distance:.2f} on average; "
            "whoever holds the file can leave it out"
        )
        return {"noisy": share, "distance": distance, "text": text}


class Ranked(nn.Module):
    """Posteriors in descending order, as the authors' code shows them to the classifier."""

    def forward(self, posteriors: Tensor) -> Tensor:
        """(N, C)."""
        return posteriors.sort(dim=1, descending=True).values


class NoiseSearch:
    """Phase I: noise e on the logits z after which the classifier cannot tell, for each sample.

    With h the classifier's log-odds and l the label, steps of fixed length descend

    ::

        |h(softmax(z + e))| + c₂ · ReLU(−z_l − e_l + max_{j≠l} (z_j + e_j))
            + c₃ · ‖softmax(z) − softmax(z + e)‖₁

    until h has crossed 0 and l is still the most likely. c₃, by which little noise is preferred, is
    raised until that fails; the noise before counts. An answer of which the model is all but
    certain, its logits further apart than the steps together reach, has none.

    Args:
        classifier: log-odds of membership (N,) of posteriors (N, C).
        steps: at most, for one c₃.
        step_size: length of a step.

    Source: Jia et al. 2019, section 4: Phase I, Algorithm 1.
    """

    def __init__(self, classifier: nn.Module, *, steps: int, step_size: float) -> None:
        self._classifier = classifier
        self._steps = steps
        self._step_size = step_size

    def noise(self, logits: Tensor) -> Tensor:
        """Shape (N, C); 0 for a sample for which none was found."""
        found = torch.zeros_like(logits)
        rows = torch.arange(len(logits), device=logits.device)
        weight = FIRST_WEIGHT
        while len(rows) and weight <= LAST_WEIGHT:
            noise, is_found = self._descended(logits[rows], weight)
            rows = rows[is_found]
            found[rows] = noise[is_found]
            weight *= NEXT_WEIGHT
        return found

    def _descended(self, logits: Tensor, weight: float) -> tuple[Tensor, Tensor]:
        """Noise (N, C), and for which samples (N,) it does what it shall."""
        labels = logits.argmax(dim=1)
        posteriors = logits.softmax(dim=1)
        with torch.no_grad():
            side = self._odds(posteriors).sign()
        noise = torch.zeros_like(logits)
        is_found = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
        rows = torch.arange(len(logits), device=logits.device)
        for _ in range(self._steps):
            trial = noise[rows].requires_grad_()
            with torch.enable_grad():
                moved = logits[rows] + trial
                answered = moved.softmax(dim=1)
                odds = self._odds(answered)
                own = moved.gather(1, labels[rows, None])[:, 0]
                rest = moved.scatter(1, labels[rows, None], -torch.inf).amax(dim=1)
                distance = (answered - posteriors[rows]).abs().sum(dim=1)
                loss = odds.abs() + LABEL_WEIGHT * F.relu(rest - own) + weight * distance
                (slope,) = torch.autograd.grad(loss.sum(), trial)
            is_done = (odds.detach() * side[rows] <= 0) & (rest < own)
            is_found[rows[is_done]] = True
            rows, slope = rows[~is_done], slope[~is_done]
            if not len(rows):
                break
            # the largest is brought to 1: of answers that are nearly certain, squares underflow
            slope = slope / slope.abs().amax(dim=1, keepdim=True).clamp_min(TINY)
            length = slope.norm(dim=1, keepdim=True).clamp_min(TINY)
            noise[rows] -= self._step_size * slope / length
        return noise, is_found

    def _odds(self, posteriors: Tensor) -> Tensor:
        odds: Tensor = self._classifier(posteriors)[:, 0]
        return odds


class AnswerNoise(Guard):
    """A classifier of members, and noise on answers that it is misled by.

    Phase II: with s the posteriors, r the noise on them, g the classifier's probability of a member
    and ε the budget, s + r is answered with probability p, else s::

        p = 0                       where |g(s) − ½| ≤ |g(s + r) − ½|
        p = min(ε / ‖r‖₁, 1)        elsewhere

    so that the expected distance is at most ε. The same query always has the same answer, lest
    asking again averages the noise out: the coin is drawn from the query and a secret.

    Attributes:
        done: after it has learned, the share of reference samples whose answer carries noise (of
            members where there are none), and the mean L1 distance of all; shape (2,).

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

    def learn(self, lesson: Lesson, *, generator: torch.Generator) -> None:
        """Train the classifier on by Adam, whose rate is a tenth in the last quarter of epochs.

        It knows members from others by their posteriors.
        """
        members, others = lesson.members, lesson.others
        if len(members) and len(others):
            self._fit(torch.cat([members, others]).softmax(dim=1), len(members), generator)
        asked = others if len(others) else members
        queries = torch.randint(2**62, (len(asked),), generator=generator).to(asked.device)
        with torch.no_grad():
            moved = (self(asked, queries).softmax(dim=1) - asked.softmax(dim=1)).abs().sum(dim=1)
        self.done.copy_(torch.stack([(moved > 0).float().mean(), moved.mean()]))

    def _fit(self, posteriors: Tensor, members: int, generator: torch.Generator) -> None:
        is_member = (torch.arange(len(posteriors)) < members).to(posteriors)
        self.classifier.requires_grad_(requires_grad=True)
        optimizer = torch.optim.Adam(self.classifier.parameters(), lr=self._params.learning_rate)
        epochs = self._params.epochs
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [epochs - epochs // 4])
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
        """The logits, with noise where the coin says so."""
        params = self._params
        search = NoiseSearch(self.classifier, steps=params.steps, step_size=params.step_size)
        noisy = logits + search.noise(logits)
        posteriors, answered = logits.softmax(dim=1), noisy.softmax(dim=1)
        distance = (answered - posteriors).abs().sum(dim=1)
        is_worse = self._sureness(posteriors) <= self._sureness(answered)
        chance = (params.budget / distance.clamp_min(TINY)).clamp_max(1)
        is_noisy = ~is_worse & (coins(queries, self.secret) < chance)
        return torch.where(is_noisy[:, None], noisy, logits)

    def _sureness(self, posteriors: Tensor) -> Tensor:
        """|g − ½|, shape (N,)."""
        odds: Tensor = self.classifier(posteriors)[:, 0]
        return (odds.sigmoid() - 0.5).abs()
