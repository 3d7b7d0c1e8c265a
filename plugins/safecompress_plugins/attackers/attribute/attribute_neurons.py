"""A private attribute, told by the few neurons that respond to it most."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from safecompress_core.toolkit import Attacker, Evidence
from safecompress_plugins.attackers.attribute.manifest import AttributeNeuronsParams
from safecompress_plugins.attackers.known_truth import known_attribute

__all__ = ["AttributeNeurons", "correlations", "ranks"]

# M known samples · N samples · H hidden units · V attribute values


@dataclass(frozen=True, slots=True, eq=False)
class Voice:
    """The neurons that speak for one value.

    Attributes:
        neurons: which they are, shape (K,).
        weights: their correlations with the value, shape (K,), all above 0.
        slope: of the logistic curve from their mean to the value's log-odds.
        intercept: of the same curve.
    """

    neurons: Tensor
    weights: Tensor
    slope: float
    intercept: float


class AttributeNeurons(Attacker):
    """For each value the mean of the neurons that correlate with it most, weighted by correlation.

    A neuron counts with the rank of its activation among those on attack-train, in [0, 1], so that
    none drowns the others. Pearson's correlation is taken between activation and "has this value",
    and only neurons that the value excites count. The paper asks for one value at a time; to answer
    which value is likeliest, a logistic curve fitted on attack-train (Platt 1999) puts the means of
    all values on one scale, that of log-odds.

    Neurons are those of the representation, the input of the last layer, or of the layers that are
    named; a channel of a convolution counts as one neuron.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?", CCS, the
    white-box attack, and ``get_whitebox_score`` of their code.
    """

    def __init__(self, params: AttributeNeuronsParams) -> None:
        self._count = params.neurons
        self._layers = params.layers
        self._reference: Tensor | None = None  # (H, M) activations on attack-train, sorted
        self._voices: dict[int, Voice] = {}

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Find the neurons of each value; nothing is drawn.

        Raises:
            PoolError: if there is no sample to learn from.
        """
        truth = known_attribute(known)
        hidden = self._neurons(known)
        self._reference = hidden.T.contiguous().sort(dim=1).values
        placed = ranks(hidden, self._reference)
        self._voices = {}
        for value in truth.unique().tolist():
            has_value = truth == value
            strength, neurons = correlations(hidden, has_value).topk(
                min(self._count, hidden.shape[1])
            )
            excited = strength > 0
            neurons, weights = neurons[excited], strength[excited]
            slope, intercept = _curve(_mean(placed[:, neurons], weights), has_value)
            self._voices[value] = Voice(neurons, weights, slope, intercept)

    def score(self, evidence: Evidence) -> Tensor:
        """Probability of each value, each by itself, shape (N, V); 0 for values never met."""
        if self._reference is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        placed = ranks(self._neurons(evidence), self._reference)
        scores = torch.zeros(len(evidence.seen), evidence.values)
        for value, voice in self._voices.items():
            mean = _mean(placed[:, voice.neurons], voice.weights)
            scores[:, value] = torch.sigmoid(voice.slope * mean + voice.intercept).float()
        return scores

    def _neurons(self, evidence: Evidence) -> Tensor:
        """Activations, shape (N, H)."""
        seen = evidence.seen
        if not self._layers:
            return seen.hidden
        return torch.cat([seen.activations(layer) for layer in self._layers], dim=1)


def ranks(hidden: Tensor, reference: Tensor) -> Tensor:
    """Share of the reference under each activation, ties counting half, shape (N, H) in [0, 1].

    Args:
        hidden: activations, shape (N, H).
        reference: by neuron the activations on attack-train, ascending, shape (H, M).
    """
    columns = hidden.T.contiguous()
    below = torch.searchsorted(reference, columns)
    up_to = torch.searchsorted(reference, columns, right=True)
    return (below + up_to).T.double() / (2 * reference.shape[1])


def correlations(hidden: Tensor, has_value: Tensor) -> Tensor:
    """Pearson's correlation of each neuron with a value, shape (H,); 0 for a constant neuron.

    Args:
        hidden: activations, shape (M, H).
        has_value: shape (M,), bool.
    """
    activity = hidden.double() - hidden.double().mean(dim=0)
    value = has_value.double() - has_value.double().mean()
    scale = activity.norm(dim=0) * value.norm()
    constant = scale <= torch.finfo(torch.float32).eps * len(hidden)
    return torch.where(constant, 0.0, value @ activity / scale.clamp(min=1e-300))


def _mean(placed: Tensor, weights: Tensor) -> Tensor:
    """Mean rank by weight, shape (N,); 1/2 where no neuron speaks."""
    if not len(weights):
        return torch.full((len(placed),), 0.5, dtype=torch.float64)
    return placed @ weights / weights.sum()


def _curve(mean: Tensor, has_value: Tensor) -> tuple[float, float]:
    """Slope and intercept of the value's log-odds over the mean rank."""
    if has_value.all():
        return 0.0, float("inf")  # the only value there is
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # as for any adversary out of time
        curve = LogisticRegression(C=np.inf, max_iter=1000)
        curve.fit(mean[:, None].numpy(), has_value.numpy())
    return float(curve.coef_[0, 0]), float(curve.intercept_[0])
