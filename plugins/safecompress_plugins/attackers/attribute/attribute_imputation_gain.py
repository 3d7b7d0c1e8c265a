"""An attack that asks the model which value of an attribute goes best with the task label."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Attacker, Evidence
from safecompress_plugins.attackers.attribute.manifest import AttributeImputationGainParams
from safecompress_plugins.attackers.attribute.value_queries import LEAST, Prior, answers_by_value

__all__ = ["AttributeImputationGain", "confusion"]

# N samples · C classes · V attribute values


class AttributeImputationGain(Attacker):
    """argmax over values v of Pr(v) · Pr(y | f(x with v)), y the task label.

    Pr(y | answer) is read from the predicted label by the model's confusion matrix on attack-train
    (``confusion``, as Fredrikson et al. do), or is the posterior of y (``posterior``). CSMIA
    (``csmia``) has no prior: of the values with which the model is right the one of which it is
    surest; where there is none, the one with which it is least sure of its wrong answer.

    The adversary knows the public features of a sample and its label; see ``Evidence.public``.

    Source: Fredrikson et al. 2014, "Privacy in Pharmacogenetics", USENIX Security (confusion
    matrix and priors: Fredrikson, Jha & Ristenpart 2015, CCS, Figure 1); Mehnaz et al. 2022, "Are
    Your Sensitive Attributes Private?", USENIX Security (CSMIA).
    """

    def __init__(self, params: AttributeImputationGainParams) -> None:
        self._by = params.by
        self._prior_of = params.prior
        self._prior: Prior | None = None
        self._confusion = torch.empty(0)

    def fit(self, known: Evidence, *, generator: torch.Generator) -> None:
        """Learn prior and confusion matrix; nothing is drawn.

        Raises:
            PoolError: if there is no sample to learn from.
        """
        self._prior = Prior(known, of=self._prior_of)
        seen = known.seen
        self._confusion = confusion(seen.predictions, seen.labels, classes=seen.classes)

    def score(self, evidence: Evidence) -> Tensor:
        """Pr(v) · Pr(y | f(x with v)) as a part of its sum over v, shape (N, V).

        Of CSMIA an order alone: above 0 where the model is right.

        Raises:
            PoolError: if the attribute is not a part of the model's input.
        """
        if self._prior is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        answers = answers_by_value(evidence)
        labels = evidence.seen.labels.expand(len(answers), -1)
        of_label = answers.gather(2, labels[:, :, None])[:, :, 0]  # (V, N)
        sureness, said = answers.max(dim=2)
        if self._by == "csmia":
            return torch.where(said == labels, 1 + sureness, -sureness).T
        likelihood = self._confusion[said, labels] if self._by == "confusion" else of_label
        weighed = self._prior.log(evidence) + likelihood.clamp(min=LEAST).log().T
        return weighed.softmax(dim=1)


def confusion(predictions: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """Pr(label | predicted label), shape (C, C), predictions first; float64.

    Each pair counts once more than it occurs (Laplace), so that none is impossible.
    """
    pairs = torch.bincount(predictions * classes + labels, minlength=classes**2)
    counts = pairs.reshape(classes, classes).double() + 1
    return counts / counts.sum(dim=1, keepdim=True)
