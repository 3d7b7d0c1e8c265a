"""Queries with every attribute value, and priors of the values, for the attribute attackers."""

import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, PoolError
from safecompress_plugins.attackers.known_truth import require_attribute

__all__ = ["Prior", "answers_by_value"]

# N samples · C classes · V attribute values

LEAST = 1e-12  # keeps the logarithm of a probability of 0 finite


def answers_by_value(knowledge: AdversaryKnowledge) -> Tensor:
    """Return the posteriors with each value written into the samples, shape (V, N, C), float64.

    Raises:
        PoolError: if the attribute is not part of the model's input.
    """
    encoding, inputs = knowledge.encoding, knowledge.seen.inputs
    if encoding is None:
        raise PoolError(
            "the attack queries the model with other values of the attribute, but the attribute is "
            "not part of the model's input"
        )
    # One query a value: V forward passes over the pool, never V·N inputs in memory.
    answers = [
        knowledge.seen.query(encoding.write_value(inputs, value))
        for value in range(knowledge.values)
    ]
    return torch.stack(answers).double()


class Prior:
    """Prior probability of each value, estimated on attack-train.

    Counts are increased by one (Laplace smoothing), so that no value has probability 0. With
    ``features`` a logistic regression on public features replaces frequencies, where the data have
    any; the task label is left to the model's output.
    """

    def __init__(self, known: AdversaryKnowledge, *, of: str) -> None:
        truth = require_attribute(known)
        counts = torch.bincount(truth, minlength=known.values).double() + 1
        self._frequency = counts / counts.sum()
        self._seen = truth.unique()
        self._model: Pipeline | None = None
        if of == "features" and known.public is not None and len(self._seen) > 1:
            self._model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            with warnings.catch_warnings():
                # an unconverged prior still is one
                warnings.simplefilter("ignore", ConvergenceWarning)
                self._model.fit(known.public.double().numpy(), truth.numpy())

    def log(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return log Pr(v) of each sample, shape (N, V), float64, finite."""
        count = len(knowledge.seen)
        if self._model is None or knowledge.public is None:
            return self._frequency.log().expand(count, -1)
        priors = torch.zeros(count, knowledge.values, dtype=torch.float64)
        likely = self._model.predict_proba(knowledge.public.double().numpy())
        # Values absent from attack-train are no class of the regression: they keep a probability of
        # LEAST.
        priors[:, self._seen] = torch.as_tensor(np.asarray(likely, dtype=np.float64))
        return priors.clamp(min=LEAST).log()
