"""Asks an attacker of the inversion game for reconstructions, and judges how near they come."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.api import GradientAttackerParams
from safecompress_core.engine.holdings import own_samples
from safecompress_core.engine.sight import Bout
from safecompress_core.network import Classifier
from safecompress_core.privacy.evaluator import Evaluator
from safecompress_core.privacy.intervals import Estimate, clopper_pearson
from safecompress_core.privacy.inversion_game import Reconstruction, judge_inversion
from safecompress_core.privacy.inverter import Clues

__all__ = ["inverted", "is_image"]

WINDOW = 7  # pixels that structural similarity looks at, in either direction


def inverted(bout: Bout) -> Reconstruction:
    """What an attack reconstructs: single members from gradients, or what is typical of classes.

    Raises:
        ValueError: if a reconstruction is of another shape or not finite; the attacker's fault.
    """
    return _samples(bout) if bout.definition.gradients else _classes(bout)


def _samples(bout: Bout) -> Reconstruction:
    """Members drawn by lot, each from its gradient."""
    assert isinstance(bout.params, GradientAttackerParams)  # as AttackerDef says
    lots = torch.randperm(len(bout.asked.pool.members), generator=bout.seed.child("lots").torch())
    seen = bout.asked.seen.take(lots[: bout.params.samples])
    network = seen.network().double()  # or rounding would hide what a sure model says
    gradients = tuple(
        _gradient(network, one[None], label[None])
        for one, label in zip(seen.inputs, seen.labels, strict=True)
    )
    found = _reconstructed(bout, torch.zeros(0, dtype=torch.int64), gradients, seen.inputs)
    measures: dict[str, Estimate] = {}
    if is_image(seen.inputs.shape[1:]):
        from safecompress_core.privacy.similarity import similarity  # noqa: PLC0415  an extra's

        measures["ssim"] = similarity(found, seen.inputs, width=_width(bout))
    return _judged(bout, found, seen.inputs, measures=measures, facts={})


def is_image(shape: torch.Size) -> bool:
    """Whether inputs of this shape are images large enough to be compared as such."""
    return len(shape) == 3 and min(shape[1:]) >= WINDOW


def _gradient(network: Classifier, one: Tensor, label: Tensor) -> Mapping[str, Tensor]:
    """What a participant of federated learning sends of one sample: 0 for missing weights."""
    device = next(network.parameters()).device
    named = dict(network.module.named_parameters())
    loss = F.cross_entropy(network(one.double().to(device)), label.to(device))
    gradients = torch.autograd.grad(loss, list(named.values()))
    found = {name: one.cpu() for name, one in zip(named, gradients, strict=True)}
    masked = {name: found[name] * mask.cpu() for name, mask in network.masks.items()}
    return found | masked


def _classes(bout: Bout) -> Reconstruction:
    """The mean of each class's members in the pool; classes without a member are left out."""
    members = bout.asked.seen.take(torch.arange(len(bout.asked.pool.members)))
    present = members.labels.unique()
    truth = _class_means(members.inputs, members.labels, present)
    found = _reconstructed(bout, present, (), truth)
    strangers = bout.asked.unseen
    evaluator = Evaluator(
        strangers.inputs.flatten(1).numpy(),
        strangers.labels.numpy(),
        seed=bout.seed.child("evaluator").number % 2**32,
    )
    named = evaluator.hits(found.flatten(1).numpy(), present.numpy())
    real = evaluator.hits(members.inputs.flatten(1).numpy(), members.labels.numpy())
    measures = {
        "evaluator_accuracy": clopper_pearson(named, len(present)),
        "evaluator_on_members": clopper_pearson(real, len(members)),
    }
    own = bout.known.unseen
    has_all = bool(torch.isin(present, own.labels).all())
    means = _class_means(own.inputs, own.labels, present) if has_all else None
    error = None if means is None else float(((means - truth) ** 2).double().mean())
    return _judged(bout, found, truth, measures=measures, facts={"own_data_error": error})


def _class_means(inputs: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
    return torch.stack([inputs[labels == one].mean(dim=0) for one in classes])


def _reconstructed(
    bout: Bout, classes: Tensor, gradients: tuple[Mapping[str, Tensor], ...], truth: Tensor
) -> Tensor:
    """What the attacker answers, if it is an answer."""
    low, high = bout.bounds
    clues = Clues(classes=classes, gradients=gradients, low=low, high=high)
    own = own_samples(bout.known, bout.definition, bout.params)
    generator = bout.seed.child("reconstruct").torch()
    found: Tensor = bout.attacker.reconstruct(own, clues, generator=generator)
    if found.shape != truth.shape or not found.isfinite().all():
        raise ValueError(
            f"reconstructions must be finite and of shape {tuple(truth.shape)}; "
            f"these have shape {tuple(found.shape)}"
        )
    return found.detach().cpu().float()


def _width(bout: Bout) -> float:
    low, high = bout.bounds
    return float((high - low).amax())


def _judged(
    bout: Bout,
    found: Tensor,
    truth: Tensor,
    *,
    measures: Mapping[str, Estimate],
    facts: Mapping[str, Any],
) -> Reconstruction:
    def flat(values: Tensor) -> NDArray[np.float64]:
        array: NDArray[np.float64] = values.flatten(1).double().numpy()
        return array

    return judge_inversion(
        flat(found),
        flat(truth),
        flat(bout.known.unseen.inputs).mean(axis=0),
        units="samples" if bout.definition.gradients else "classes",
        width=_width(bout),
        measures=measures,
        facts=facts,
    )
