"""The planted-leak control: an attack must find a leak that is there.

A copy of the model answers every member of the pools with its task label and every non-member with
another one: a bit of membership in each output, whatever an adversary may see of it. An attack that
misses even that is blind (scores turned upside down, features that do not arrive, a fit that went
wrong), and its silence about the real model means nothing.
"""

from copy import deepcopy
from dataclasses import replace
from hashlib import blake2b
from math import sqrt

import torch
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.attacks.adversary import AdversaryKnowledge
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.games.controls.null_control import CONTROL_CONFIDENCE, Attack, ControlResult
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.intervals import auc_interval

__all__ = ["plant_in_references", "plant_leak", "planted_control"]

# P samples of the pools · N samples of a batch · D values of a sample · C classes

LEAK = 6.0
"""By how many logits members, and non-members, are moved beyond the point of indifference."""

SKETCH = 128
"""Samples with more values than this are distinguished by as many random projections."""

DISTANCES = 2**24
"""Distances that are computed at a time: of some inputs from all samples, 4 bytes each."""


def planted_control(
    attack: Attack,
    known: AdversaryKnowledge,
    asked: AdversaryKnowledge,
    *,
    confidence: float = CONTROL_CONFIDENCE,
) -> ControlResult:
    """Set an attack on the planted leak.

    Args:
        attack: fits a fresh attacker and scores; see ``controls.Attack``.
        known: attack-train as the ``plant_leak`` model shows it, with the attacker's access.
        asked: the reported pool likewise; its truth is kept from the attack.
        confidence: of the AUC's interval, which is DeLong's.

    Raises:
        PoolError: if the pool has fewer than 2 members or 2 non-members.
        ValueError: if the attack's scores are not numbers of shape (N,).
    """
    assert asked.truth is not None  # the control compares scores with it
    is_member = asked.truth.cpu().numpy()
    # The truth is withheld; float64 on the CPU as DeLong's interval needs it.
    scores = attack(known, replace(asked, truth=None)).detach().to("cpu", torch.float64).numpy()
    auc = auc_interval(scores, is_member, confidence=confidence)
    members = int(is_member.sum())
    # Above 0.5 with the whole interval: a point estimate may be there by chance.
    return ControlResult(
        auc, passed=auc.low > 0.5, members=members, non_members=len(is_member) - members
    )


def plant_leak(
    network: Classifier, inputs: Tensor, labels: Tensor, is_member: Tensor
) -> Classifier:
    """A copy of a network whose output reveals which of some samples are members.

    The margin of a sample's label over all other labels becomes at least ``LEAK`` for a member and
    at most −``LEAK`` for a non-member, by moving that one logit; what was beyond indifference
    already is kept. So the bit shows in predictions, posteriors, losses and gradients alike, and
    parameters keep their names and values. An input is answered as the nearest of the samples, so
    that anyone who asks for changed samples finds the bit around each of them. Nothing guards its
    answers: it is attacks that are tried here.

    Args:
        network: stays as it is.
        inputs: the samples, shape (P, ...).
        labels: their task labels, shape (P,), int64.
        is_member: shape (P,), bool.
    """
    # The inner network, without its output guard: the control tests the attack, not the defence.
    leaky = deepcopy(network.inside)
    device = leaky.device
    # A hook, not a wrapper: names of parameters stay as white-box attacks expect them.
    leaky.module.register_forward_hook(
        _PlantedLeak(inputs.to(device), labels.to(device), is_member.to(device))
    )
    return leaky


def plant_in_references(references: ReferenceAnswers) -> ReferenceAnswers:
    """Reference models that leak as the ``plant_leak`` model does: each reveals its own members.

    An adversary trains them as the model was trained, so they leak the same;
    without it, their answers would say that such a leak means nothing.
    """
    # Full logits, whatever the attacker may see: the leak is planted first and restricted later.
    inside = references.restricted(Access.WHITE_BOX).logits
    logits = [
        answers + _shift(answers, references.labels, is_in)
        for answers, is_in in zip(inside, references.is_in, strict=True)
    ]
    return ReferenceAnswers(torch.stack(logits), references.is_in, references.labels)


class _PlantedLeak:
    """Moves logits after each forward pass; works under ``torch.func`` as well."""

    def __init__(self, inputs: Tensor, labels: Tensor, is_member: Tensor) -> None:
        # Of equal samples the first counts, as in a search by distance.
        self._positions = {key: place for place, key in reversed([*enumerate(_keys(inputs))])}
        rows = inputs.flatten(1).float()  # (P, D)
        self._projection = _projection(rows.shape[1]).to(rows.device)  # (D, S)
        self._sketches = rows @ self._projection  # (P, S)
        self._squares = self._sketches.square().sum(dim=1)  # (P,)
        self._labels = labels
        self._is_member = is_member

    def __call__(self, module: nn.Module, arguments: tuple[Tensor, ...], logits: Tensor) -> Tensor:
        nearest = self._nearest(arguments[0])
        # Detached: the shift depends on the logits, but is a constant for gradient-based attacks.
        return logits + _shift(logits.detach(), self._labels[nearest], self._is_member[nearest])

    def _nearest(self, batch: Tensor) -> Tensor:
        """Of each input the nearest sample, (N,): itself, where it is one of them."""
        try:
            keys = _keys(batch.detach())
        # Under ``torch.func`` tensors have no values to look up.
        except RuntimeError:
            return self._nearest_by_distance(batch)
        nearest = torch.tensor([self._positions.get(key, -1) for key in keys], device=batch.device)
        [others] = (nearest < 0).nonzero(as_tuple=True)
        for rows in others.split(max(1, DISTANCES // len(self._labels))):
            nearest[rows] = self._nearest_by_distance(batch[rows])
        return nearest

    def _nearest_by_distance(self, batch: Tensor) -> Tensor:
        """Of each input the nearest sample, (N,): the least |s|² − 2·x·s."""
        sketches = batch.flatten(1).float() @ self._projection
        # |x|² is the same for each candidate, so it is left out of the distance.
        return (self._squares - 2 * sketches @ self._sketches.T).argmin(dim=1)


def _keys(inputs: Tensor) -> list[bytes]:
    """Return a digest of each input's values."""
    # As bytes, since numpy lacks some of torch's types.
    rows = inputs.flatten(1).cpu().contiguous().view(torch.uint8).numpy()
    return [blake2b(row, digest_size=16).digest() for row in rows]


def _shift(logits: Tensor, labels: Tensor, is_member: Tensor) -> Tensor:
    """Return the shift of logits (N, C) by which the labels' margins reveal members, (N, C)."""
    is_label = torch.arange(logits.shape[1], device=logits.device) == labels[:, None]
    # −∞ for the label itself, so that the rival is the best of all other classes.
    rival = logits.masked_fill(is_label, -torch.inf).amax(dim=1)
    margin = logits.masked_fill(~is_label, -torch.inf).amax(dim=1) - rival
    # Clamped at 0: a margin beyond indifference is kept and LEAK is added on top of it.
    wanted = torch.where(is_member, margin.clamp(min=0) + LEAK, margin.clamp(max=0) - LEAK)
    return is_label * (wanted - margin)[:, None]


def _projection(values: int) -> Tensor:
    """The identity for small samples; else random directions, always the same, (D, S).

    Source: Johnson & Lindenstrauss 1984: distances are kept to within a few per cent.
    """
    if values <= SKETCH:
        return torch.eye(values)
    # A fixed seed: the sketch is part of the control, not of the run's randomness.
    generator = torch.Generator().manual_seed(0)
    return torch.randn(values, SKETCH, generator=generator) / sqrt(SKETCH)
