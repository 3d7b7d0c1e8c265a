"""What the attribute attackers share that ask a model about each value the attribute might have."""

import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from safecompress_core.toolkit import Evidence, PoolError
from safecompress_plugins.attackers.known_truth import known_attribute

__all__ = ["Prior", "answers_by_value"]

# N samples · C classes · V attribute values

LEAST = 1e-12


def answers_by_value(evidence: Evidence) -> Tensor:
    """Posteriors of the samples as they would be with each value in turn, shape (V, N, C), float64.

    Raises:
        PoolError: if the attribute is not a part of the model's input.
    """
    encoding, inputs = evidence.encoding, evidence.seen.inputs
    if encoding is None:
        raise PoolError(
            "the attribute is not a part of the model's input, so the model cannot be asked what "
            "it would make of another value"
        )
    answers = [
        evidence.seen.query(encoding.written(inputs, value)) for value in range(evidence.values)
    ]
    return torch.stack(answers).double()


class Prior:
    """How likely each value is before the model is asked, learned from attack-train.

    Values count with one sample more than there are (Laplace), so that none is impossible. With
    ``features`` a logistic regression on public features takes the place of frequencies, where the
    data have some; the task label is left to the model's answer.
    """

    def __init__(self, known: Evidence, *, of: str) -> None:
        truth = known_attribute(known)
        counts = torch.bincount(truth, minlength=known.values).double() + 1
        self._frequency = counts / counts.sum()
        self._seen = truth.unique()
        self._model: Pipeline | None = None
        if of == "features" and known.public is not None and len(self._seen) > 1:
            self._model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # as for any adversary
                self._model.fit(known.public.double().numpy(), truth.numpy())

    def log(self, evidence: Evidence) -> Tensor:
        """Log Pr(v) of each sample, shape (N, V), float64, finite."""
        count = len(evidence.seen)
        if self._model is None or evidence.public is None:
            return self._frequency.log().expand(count, -1)
        told = torch.zeros(count, evidence.values, dtype=torch.float64)
        likely = self._model.predict_proba(evidence.public.double().numpy())
        told[:, self._seen] = torch.as_tensor(np.asarray(likely, dtype=np.float64))
        return told.clamp(min=LEAST).log()
