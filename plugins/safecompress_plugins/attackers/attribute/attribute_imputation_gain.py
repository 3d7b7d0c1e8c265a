"""Attribute inference by queries: the value under which the model best predicts the task label."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, Attacker
from safecompress_plugins.attackers.attribute.manifest import AttributeImputationGainParams
from safecompress_plugins.attackers.attribute.value_queries import LEAST, Prior, answers_by_value

__all__ = ["AttributeImputationGain", "confusion"]

# N samples · C classes · V attribute values


class AttributeImputationGain(Attacker):
    """argmax over values v of Pr(v) · Pr(y | f(x with v)), y the task label.

    Pr(y | output) is read from the predicted label by the model's confusion matrix on attack-train
    (``confusion``, as Fredrikson et al. do), or is the posterior of y (``posterior``). CSMIA
    (``csmia``) has no prior: it takes the value with the most confident correct prediction
    or, without one, with the least confident wrong one.

    The adversary knows the public features of a sample and its label; see
    ``AdversaryKnowledge.public``.

    Source: Fredrikson et al. 2014, "Privacy in Pharmacogenetics", USENIX Security (confusion
    matrix and priors: Fredrikson, Jha & Ristenpart 2015, CCS, Figure 1); Mehnaz et al. 2022, "Are
    Your Sensitive Attributes Private?", USENIX Security (CSMIA).
    """

    def __init__(self, params: AttributeImputationGainParams) -> None:
        self._by = params.by
        self._prior_of = params.prior
        self._prior: Prior | None = None
        self._confusion = torch.empty(0)

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Estimate prior and confusion matrix; nothing is random.

        Raises:
            PoolError: if attack-train is empty.
        """
        self._prior = Prior(known, of=self._prior_of)
        seen = known.seen
        self._confusion = confusion(seen.predictions, seen.labels, classes=seen.classes)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return Pr(v) · Pr(y | f(x with v)), normalised over v, shape (N, V).

        CSMIA returns an ordering alone: above 0 where the prediction is correct.

        Raises:
            PoolError: if the attribute is not part of the model's input.
        """
        if self._prior is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        answers = answers_by_value(knowledge)
        labels = knowledge.seen.labels.expand(len(answers), -1)
        of_label = answers.gather(2, labels[:, :, None])[:, :, 0]  # (V, N)
        confidence, said = answers.max(dim=2)
        if self._by == "csmia":
            # 1 + confidence ranks every correct prediction above every wrong one, which ranks by
            # −confidence.
            return torch.where(said == labels, 1 + confidence, -confidence).T
        likelihood = self._confusion[said, labels] if self._by == "confusion" else of_label
        weighed = self._prior.log(knowledge) + likelihood.clamp(min=LEAST).log().T
        return weighed.softmax(dim=1)


def confusion(predictions: Tensor, labels: Tensor, *, classes: int) -> Tensor:
    """Return Pr(label | predicted label), shape (C, C), predictions first; float64.

    Each count is increased by one (Laplace smoothing), so that no pair has probability 0.
    """
    pairs = torch.bincount(predictions * classes + labels, minlength=classes**2)
    counts = pairs.reshape(classes, classes).double() + 1
    return counts / counts.sum(dim=1, keepdim=True)
