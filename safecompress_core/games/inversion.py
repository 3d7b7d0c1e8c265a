"""Inversion: how near does a reconstruction come to what the model was trained on?"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.api import GradientAttackerParams, Need
from safecompress_core.attacks.adversary import InversionTargets, Inverter
from safecompress_core.attacks.own_samples import own_samples
from safecompress_core.games.attack_context import AttackRun
from safecompress_core.games.attack_result import UnitResult
from safecompress_core.games.game import Game
from safecompress_core.games.manifest import INVERSION
from safecompress_core.networks.classifier import Classifier
from safecompress_core.stats.intervals import CONFIDENCE, Estimate, clopper_pearson
from safecompress_core.stats.means import error_mean, relative_reduction

__all__ = [
    "InversionGame",
    "InversionResult",
    "ReconstructionClassifier",
    "is_image",
    "psnr",
]

# K reconstructed things · D values of an input

Array = NDArray[np.float64]

EXACT = 1e-12  # of the range squared: beyond it, float32 inputs are the same


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InversionResult(UnitResult):
    """Result of an inversion attack; its units are ``classes`` or ``samples``.

    Attributes:
        error: mean squared error of an input's value, over all units. The baseline is that of the
            population's mean, and the advantage 1 − error / baseline.
    """

    error: Estimate

    def to_json(self) -> dict[str, Any]:
        """Also ``error`` with its interval."""
        document = UnitResult.to_json(self)
        return {**document, "error": self.error.value, "error_interval": list(self.error.interval)}


def psnr(error: Estimate, width: float) -> Estimate:
    """Peak signal-to-noise ratio in dB, 10·log₁₀(width² / error), at most 120."""
    # Error and PSNR are ordered in reverse, so high and low of the error swap places.
    value, low, high = (
        -10 * log10(max(end / width**2, EXACT)) for end in (error.value, error.high, error.low)
    )
    return Estimate(value, low, high)


WINDOW = 7  # pixels that structural similarity looks at, in either direction


class InversionGame(Game):
    """Reconstructions against the population's mean, which needs no model."""

    adversary = Inverter

    def play(self, attack_run: AttackRun) -> InversionResult:
        """Have single members reconstructed from gradients, or what is typical of classes.

        Raises:
            ValueError: if a reconstruction is of another shape or not finite; the attacker's fault.
        """
        return (
            _samples(self, attack_run)
            if Need.GRADIENTS in attack_run.definition.needs
            else _classes(self, attack_run)
        )

    def measure(
        self,
        reconstructed: Array,
        truth: Array,
        population: Array,
        *,
        units: Literal["classes", "samples"],
        width: float,
        measures: Mapping[str, Estimate] = MappingProxyType({}),
        facts: Mapping[str, Any] = MappingProxyType({}),
        confidence: float = CONFIDENCE,
    ) -> InversionResult:
        """Reconstruction error against that of the population's mean, over the units.

        Args:
            reconstructed: shape (K, D).
            truth: what it should have been, shape (K, D).
            population: the mean of data that the model never saw, shape (D,).
            units: what the K things are.
            width: the highest less the lowest value that an input can have; for the PSNR.
            measures: what else was measured.
            facts: further facts for the record.
            confidence: of every interval.

        Raises:
            ValueError: if the reconstruction is of another shape or not finite.
        """
        # Checked again here, since this method is public and takes arrays of any origin.
        if reconstructed.shape != truth.shape:
            raise ValueError(
                f"reconstructions must be {truth.shape}, but are {reconstructed.shape}"
            )
        if not np.isfinite(reconstructed).all():
            raise ValueError("reconstructions are not all finite numbers")
        errors = ((reconstructed - truth) ** 2).mean(axis=1)  # (K,)
        # The baseline needs no model: every reconstruction is the population's mean.
        without = ((population - truth) ** 2).mean(axis=1)
        error = error_mean(errors, confidence=confidence)
        return InversionResult(
            game=INVERSION.name,
            units=units,
            count=len(errors),
            error=error,
            baseline=float(without.mean()),
            advantage=relative_reduction(errors, without, confidence=confidence),
            measures={"psnr": psnr(error, width), **measures},
            facts=facts,
            losses=errors,
            baseline_losses=without,
        )


def _samples(game: InversionGame, attack_run: AttackRun) -> InversionResult:
    """Members drawn at random, each from its gradient."""
    assert isinstance(attack_run.params, GradientAttackerParams)  # AttackerDef requires it
    # Gradients cost one backward pass each, so only ``samples`` members are attacked, at random.
    # Results depend on the seed's name, so it is never renamed.
    seed = attack_run.seed.child("lots")  # codespell:ignore lots
    order = torch.randperm(len(attack_run.asked.pool.members), generator=seed.torch())
    # Members come first in a pool, so positions below their number are members.
    seen = attack_run.asked.seen.take(order[: attack_run.params.samples])
    network = seen.network().double()  # or rounding would hide what a sure model says
    gradients = tuple(
        _gradient(network, sample[None], label[None])
        for sample, label in zip(seen.inputs, seen.labels, strict=True)
    )
    reconstructions = _query_attacker(
        attack_run, torch.zeros(0, dtype=torch.int64), gradients, seen.inputs
    )
    measures: dict[str, Estimate] = {}
    if is_image(seen.inputs.shape[1:]):
        # scikit-image is an extra: imported only if the inputs are images.
        from safecompress_core.games.measures.image_similarity import similarity  # noqa: PLC0415  an extra's

        measures["ssim"] = similarity(reconstructions, seen.inputs, width=_width(attack_run))
    return _measure(game, attack_run, reconstructions, seen.inputs, measures=measures, facts={})


def is_image(shape: torch.Size) -> bool:
    """Return whether inputs of this shape are images large enough to be compared as such."""
    return len(shape) == 3 and min(shape[1:]) >= WINDOW


def _gradient(network: Classifier, sample: Tensor, label: Tensor) -> Mapping[str, Tensor]:
    """Return one sample's gradient as federated learning sends it: 0 for missing weights."""
    # The model may be on another device than the samples, which stay on the CPU.
    device = next(network.parameters()).device
    named = dict(network.module.named_parameters())
    loss = F.cross_entropy(network(sample.double().to(device)), label.to(device))
    gradients = torch.autograd.grad(loss, list(named.values()))
    by_parameter = {name: tensor.cpu() for name, tensor in zip(named, gradients, strict=True)}
    # Missing weights have a gradient in autograd, but a sparse model would never send it.
    masked = {name: by_parameter[name] * mask.cpu() for name, mask in network.masks.items()}
    return by_parameter | masked


def _classes(game: InversionGame, attack_run: AttackRun) -> InversionResult:
    """The mean of each class's members in the pool; classes without a member are left out."""
    members = attack_run.asked.seen.take(torch.arange(len(attack_run.asked.pool.members)))
    present = members.labels.unique()
    # The truth is a class mean: an attack on classes cannot single out one member.
    truth = _class_means(members.inputs, members.labels, present)
    reconstructions = _query_attacker(attack_run, present, (), truth)
    # Non-members: a classifier trained on the members would recognise memorised noise.
    strangers = attack_run.asked.unseen
    evaluator = ReconstructionClassifier(
        strangers.inputs.flatten(1).numpy(),
        strangers.labels.numpy(),
        # scikit-learn accepts 32 bits only.
        seed=attack_run.seed.child("evaluator").number % 2**32,
    )
    named = evaluator.hits(reconstructions.flatten(1).numpy(), present.numpy())
    real = evaluator.hits(members.inputs.flatten(1).numpy(), members.labels.numpy())
    measures = {
        # Read both together: the evaluator's accuracy on real members is its ceiling.
        "evaluator_accuracy": clopper_pearson(named, len(present)),
        "evaluator_on_members": clopper_pearson(real, len(members)),
    }
    own_data = attack_run.known.unseen
    # Without own samples of every class there is no fair comparison with own data.
    has_all = bool(torch.isin(present, own_data.labels).all())
    means = _class_means(own_data.inputs, own_data.labels, present) if has_all else None
    error = None if means is None else float(((means - truth) ** 2).double().mean())
    return _measure(
        game, attack_run, reconstructions, truth, measures=measures, facts={"own_data_error": error}
    )


def _class_means(inputs: Tensor, labels: Tensor, classes: Tensor) -> Tensor:
    return torch.stack([inputs[labels == label].mean(dim=0) for label in classes])


def _query_attacker(
    attack_run: AttackRun,
    classes: Tensor,
    gradients: tuple[Mapping[str, Tensor], ...],
    truth: Tensor,
) -> Tensor:
    """Return the attacker's reconstructions, after checking their shape."""
    low, high = attack_run.bounds
    targets = InversionTargets(classes=classes, gradients=gradients, low=low, high=high)
    own_data = own_samples(attack_run.known, attack_run.definition, attack_run.params)
    # A child per purpose: adding a draw elsewhere leaves the reconstructions unchanged.
    generator = attack_run.seed.child("reconstruct").torch()
    reconstructions: Tensor = attack_run.attacker.reconstruct(
        own_data, targets, generator=generator
    )
    # The attacker is a plugin's code; NaN would pass through every mean below.
    if reconstructions.shape != truth.shape or not reconstructions.isfinite().all():
        raise ValueError(
            f"reconstructions must be finite and of shape {tuple(truth.shape)}; "
            f"these have shape {tuple(reconstructions.shape)}"
        )
    return reconstructions.detach().cpu().float()


def _width(attack_run: AttackRun) -> float:
    low, high = attack_run.bounds
    return float((high - low).amax())


def _measure(
    game: InversionGame,
    attack_run: AttackRun,
    reconstructions: Tensor,
    truth: Tensor,
    *,
    measures: Mapping[str, Estimate],
    facts: Mapping[str, Any],
) -> InversionResult:
    def flat(values: Tensor) -> NDArray[np.float64]:
        # In float64, since mean squared errors near 0 decide the PSNR.
        array: NDArray[np.float64] = values.flatten(1).double().numpy()
        return array

    return game.measure(
        flat(reconstructions),
        flat(truth),
        # From attack-train's non-members, which the model never saw and the adversary holds.
        flat(attack_run.known.unseen.inputs).mean(axis=0),
        units="samples" if Need.GRADIENTS in attack_run.definition.needs else "classes",
        width=_width(attack_run),
        measures=measures,
        facts=facts,
    )


Ints = NDArray[np.int64]


class ReconstructionClassifier:
    """A small network that knows neither the model nor its members.

    Args:
        inputs: shape (N, D): samples that neither the model nor the adversary has had.
        labels: their classes, shape (N,), int64.
        seed: of its initial weights and batches.

    Source: Zhang et al. 2020, "The Secret Revealer: Generative Model-Inversion Attacks Against Deep
    Neural Networks", CVPR (attack accuracy by an evaluation classifier).
    """

    def __init__(self, inputs: NDArray[Any], labels: Ints, *, seed: int) -> None:
        self._network = MLPClassifier(hidden_layer_sizes=(128,), random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # 200 epochs are enough to judge by
            self._network.fit(inputs, labels)

    def hits(self, inputs: NDArray[Any], labels: Ints) -> int:
        """Count the inputs (K, D) that it classifies as intended."""
        return int((self._network.predict(inputs) == labels).sum())
