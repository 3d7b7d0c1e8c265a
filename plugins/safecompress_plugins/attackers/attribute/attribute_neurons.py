"""Attribute inference from the neurons that correlate most with each value."""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker
from safecompress_plugins.attackers.attribute.manifest import AttributeNeuronsParams
from safecompress_plugins.attackers.known_truth import require_attribute

__all__ = ["AttributeNeurons", "correlations", "rank_activations"]

# M known samples · N samples · H hidden units · V attribute values


@dataclass(frozen=True, slots=True, eq=False)
class ValueNeurons:
    """The neurons that indicate one value.

    Attributes:
        neurons: their indices, shape (K,).
        weights: their correlations with the value, shape (K,), all above 0.
        slope: of the logistic curve from their mean rank to the value's log-odds.
        intercept: of the same curve.
    """

    neurons: Tensor
    weights: Tensor
    slope: float
    intercept: float


class AttributeNeurons(Attacker):
    """Scores each value by the mean of its most correlated neurons, weighted by correlation.

    A neuron enters by the rank of its activation among those on attack-train, in [0, 1], so that no
    neuron dominates by its scale. Pearson's correlation is taken between the activation and the
    value's indicator; only positive correlations count. The paper scores one value at a time; to
    compare values, a logistic curve fitted on attack-train (Platt 1999) maps each mean to log-odds.

    Neurons are those of the representation, the input of the last layer, or of the named layers; a
    channel of a convolution counts as one neuron.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?", CCS, the
    white-box attack, and ``get_whitebox_score`` of their code.
    """

    def __init__(self, params: AttributeNeuronsParams) -> None:
        self._count = params.neurons
        self._layers = params.layers
        self._reference: Tensor | None = None  # (H, M) activations on attack-train, sorted
        self._voices: dict[int, ValueNeurons] = {}

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Select the neurons of each value; nothing is random.

        Raises:
            PoolError: if attack-train is empty.
        """
        truth = require_attribute(known)
        hidden = self._neurons(known)
        self._reference = hidden.T.contiguous().sort(dim=1).values
        placed = rank_activations(hidden, self._reference)
        self._voices = {}
        for value in truth.unique().tolist():
            has_value = truth == value
            strength, neurons = correlations(hidden, has_value).topk(
                min(self._count, hidden.shape[1])
            )
            # Fewer than K neurons may correlate positively; topk would fill up with negative ones.
            excited = strength > 0
            neurons, weights = neurons[excited], strength[excited]
            slope, intercept = _curve(_mean(placed[:, neurons], weights), has_value)
            self._voices[value] = ValueNeurons(neurons, weights, slope, intercept)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return each value's probability, shape (N, V); 0 for values absent from attack-train."""
        if self._reference is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        placed = rank_activations(self._neurons(knowledge), self._reference)
        scores = torch.zeros(len(knowledge.seen), knowledge.values)
        for value, voice in self._voices.items():
            mean = _mean(placed[:, voice.neurons], voice.weights)
            scores[:, value] = torch.sigmoid(voice.slope * mean + voice.intercept).float()
        return scores

    def _neurons(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Concatenate the activations of the chosen layers, shape (N, H)."""
        seen = knowledge.seen
        if not self._layers:
            return seen.hidden
        return torch.cat([seen.activations(layer) for layer in self._layers], dim=1)


def rank_activations(hidden: Tensor, reference: Tensor) -> Tensor:
    """Return the share of the reference below each activation, shape (N, H), in [0, 1].

    Args:
        hidden: activations, shape (N, H).
        reference: each neuron's activations on attack-train, ascending, shape (H, M).
    """
    columns = hidden.T.contiguous()
    below = torch.searchsorted(reference, columns)
    up_to = torch.searchsorted(reference, columns, right=True)
    # Mean of the ranks from the left and from the right: a tie counts half.
    return (below + up_to).T.double() / (2 * reference.shape[1])


def correlations(hidden: Tensor, has_value: Tensor) -> Tensor:
    """Return each neuron's Pearson correlation with a value, shape (H,); 0 for a constant neuron.

    Args:
        hidden: activations, shape (M, H).
        has_value: shape (M,), bool.
    """
    activity = hidden.double() - hidden.double().mean(dim=0)
    value = has_value.double() - has_value.double().mean()
    scale = activity.norm(dim=0) * value.norm()
    # Activations are float32, so a constant neuron's centred norm is rounding noise, not exactly 0.
    constant = scale <= torch.finfo(torch.float32).eps * len(hidden)
    return torch.where(constant, 0.0, value @ activity / scale.clamp(min=1e-300))


def _mean(placed: Tensor, weights: Tensor) -> Tensor:
    """Average ranks by weight, shape (N,); 1/2 where no neuron correlates with the value."""
    if not len(weights):
        return torch.full((len(placed),), 0.5, dtype=torch.float64)
    return placed @ weights / weights.sum()


def _curve(mean: Tensor, has_value: Tensor) -> tuple[float, float]:
    """Fit slope and intercept of the value's log-odds over the mean rank."""
    if has_value.all():
        return 0.0, float("inf")  # attack-train has no other value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a valid, weaker adversary
        # Without a penalty, as Platt scaling has none; C = inf switches it off.
        curve = LogisticRegression(C=np.inf, max_iter=1000)
        curve.fit(mean[:, None].numpy(), has_value.numpy())
    return float(curve.coef_[0, 0]), float(curve.intercept_[0])
