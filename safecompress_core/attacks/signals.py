"""Membership signals: one number a sample, straight from what the model says of it.

All are pure, computed in double precision, and higher for samples that look more like members.
"""

import torch
from torch import Tensor

__all__ = [
    "confidence",
    "correctness",
    "log_posteriors",
    "logit_of_confidence",
    "modified_entropy",
    "modified_entropy_of_logits",
    "negative_loss",
    "negative_loss_of_logits",
]

# N samples · C classes

TINY = torch.finfo(torch.float32).tiny
"""What a probability of exactly 0 counts as in a logarithm: the smallest normal float32."""


def log_posteriors(logits: Tensor) -> tuple[Tensor, Tensor]:
    """Log p and log(1 − p), each (N, C), exact even where p rounds to 0 or 1."""
    log_kept = torch.log_softmax(logits.double(), dim=1)
    top = logits.argmax(dim=1, keepdim=True)
    # both cancel only where p is large; so for the top class all others are summed up instead
    others = log_kept.scatter(1, top, -torch.inf).logsumexp(dim=1, keepdim=True)
    # log of the odds against the top class, −φ, without subtracting from 1.
    against = others - log_kept.gather(1, top)
    # The top class is set to 0 here, since log1p(−1) would be −inf; it is filled in below.
    log_rest = torch.log1p(-log_kept.exp().scatter(1, top, 0.0))
    return log_kept.scatter(1, top, -torch.log1p(against.exp())), log_rest.scatter(1, top, others)


def confidence(posteriors: Tensor, labels: Tensor) -> Tensor:
    """Posterior of the true label p_y, shape (N,), in [0, 1], from posteriors (N, C)."""
    # float64: differences of confidences close to 1 decide the ranking.
    return posteriors.double().gather(1, labels[:, None])[:, 0]


def correctness(predictions: Tensor, labels: Tensor) -> Tensor:
    """1 where the model is right and 0 where it is wrong, shape (N,).

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", the gap attack.
    """
    return (predictions == labels).double()


def negative_loss(posteriors: Tensor, labels: Tensor) -> Tensor:
    """Log p_y, shape (N,), in [log TINY, 0], from posteriors (N, C).

    Posteriors in float32 tie at p_y = 1; where logits are available,
    :func:`negative_loss_of_logits` keeps such samples apart.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", section 3.
    """
    # TINY instead of 0: −inf for all misclassified samples would tie them.
    return confidence(posteriors, labels).clamp(min=TINY).log()


def negative_loss_of_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """Log p_y, shape (N,), at most 0, from logits (N, C)."""
    log_kept, _ = log_posteriors(logits)
    return log_kept.gather(1, labels[:, None])[:, 0]


def logit_of_confidence(logits: Tensor, labels: Tensor) -> Tensor:
    """log(p_y / (1 − p_y)), shape (N,), from logits (N, C): z_y − log Σ_{c≠y} exp z_c.

    Source: Carlini et al. 2022, "Membership Inference Attacks From First Principles", section IV,
    where it is φ; in the form that loses no precision where p_y is near 0 or 1.
    """
    label_logits = logits.double().gather(1, labels[:, None])
    # −inf removes the true class from the sum, Σ_{c≠y}.
    others = logits.double().scatter(1, labels[:, None], -torch.inf).logsumexp(dim=1)
    return label_logits[:, 0] - others


def modified_entropy(posteriors: Tensor, labels: Tensor) -> Tensor:
    """Minus the modified entropy, shape (N,), at most 0, from posteriors (N, C).

    Mentr = −(1−p_y)·log p_y − Σ_{c≠y} p_c·log(1−p_c); probabilities of exactly 0 or 1 are fine.

    Source: Song & Mittal 2021, "Systematic Evaluation of Privacy Risks of Machine Learning
    Models", section 4.
    """
    posteriors_double = posteriors.double()
    # Both logarithms are clamped apart: p = 1 makes the second 0, p = 0 the first.
    return _minus_mentr(
        posteriors_double,
        posteriors_double.clamp(min=TINY).log(),
        (1 - posteriors_double).clamp(min=TINY).log(),
        labels,
    )


def modified_entropy_of_logits(logits: Tensor, labels: Tensor) -> Tensor:
    """The same as :func:`modified_entropy`, exact also where a posterior rounds to 0 or 1."""
    log_kept, log_rest = log_posteriors(logits)
    return _minus_mentr(log_kept.exp(), log_kept, log_rest, labels)


def _minus_mentr(rest: Tensor, log_kept: Tensor, log_rest: Tensor, labels: Tensor) -> Tensor:
    """Each (N, C): p, log p and log(1−p)."""
    is_label = torch.zeros_like(rest, dtype=torch.bool)
    is_label[torch.arange(len(labels)), labels] = True
    # The true class has the roles of p and 1 − p exchanged.
    return torch.where(is_label, log_rest.exp() * log_kept, rest * log_rest).sum(dim=1)
