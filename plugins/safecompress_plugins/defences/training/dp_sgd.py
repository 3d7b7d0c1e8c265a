"""DP-SGD: clipped per-sample gradients with Gaussian noise."""

import warnings
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Any

import torch
from opacus.accountants import create_accountant
from opacus.accountants.utils import get_noise_multiplier
from torch import Tensor, nn

from safecompress_core.toolkit import (
    Classifier,
    Defence,
    DefenceContext,
    DefenceInputs,
    Problem,
    SafeCompressError,
    Step,
)
from safecompress_plugins.defences.training.manifest import DpSgdParams
from safecompress_plugins.defences.training.per_sample import (
    PerSampleHooks,
    mixing_layers,
    unknown_layers,
)

__all__ = ["DpSgd"]


class DpSgd(Defence):
    """Clips each sample's gradient to norm C, adds noise of deviation σ·C to the sum, and averages.

    ::

        g = 1/b · (Σᵢ gᵢ · min(1, C / ‖gᵢ‖) + N(0, σ² C² I))

    b is the mean batch size, so that a smaller last batch makes a smaller step. gᵢ covers active
    weights only: pruned weights neither count in the norm nor get noise. σ = 0 clips without a
    guarantee. With several views of each sample, gᵢ is the mean of their gradients, which costs no
    privacy (De et al. 2022, "Unlocking High-Accuracy Differentially Private Image Classification
    through Scale", section 3.2: augmentation multiplicity).

    What the optimizer computes from g (momentum, Adam, weight decay) is post-processing.

    ε comes from opacus' accountant, over all of the model's training steps. The accountant assumes
    that every batch draws each member independently (Poisson sampling); ours are shuffled and
    split, with the same mean rate, as is common practice. A model that was chosen by tests on
    members has no ε: the tests add no noise.

    Source: Abadi et al. 2016, "Deep Learning with Differential Privacy", CCS, Algorithm 1.
    """

    needs_whole_batch = ""

    def __init__(self, params: DpSgdParams) -> None:
        super().__init__()
        self._params = params
        self.guarantees = params.noise != 0
        self.views = params.views
        self._gradients = PerSampleHooks()
        # (noise, sampling rate, steps), the accountant's input
        self._history: list[tuple[float, float, int]] = []

    def check(self, context: DefenceContext) -> Iterable[Problem]:
        """Report layers, other defences and budgets that DP-SGD does not support."""
        mixing = mixing_layers(context.network.module)
        if mixing:
            yield Problem(
                path=("type",),
                message=f"dp-sgd does not support {_list_first(mixing)}: it mixes samples of a "
                "batch, so per-sample gradients are undefined",
                hint="use a model without batch normalisation: mlp and lenet have none, our other "
                "models take 'normalisation: group'",
            )
        unknown = {
            name: layer
            for name, layer in unknown_layers(context.network.module).items()
            if name not in mixing
        }
        if unknown:
            message = f"opacus has no per-sample gradients for {_list_first(unknown)}"
            yield Problem(path=("type",), message=message, hint="use a model without such layers")
        for name, other in context.others.items():
            if not other.is_per_sample:
                yield Problem(
                    path=("type",),
                    message=f"{name!r} combines several samples, or uses members without "
                    "noise, which dp-sgd does not cover",
                    hint="remove one of the two",
                )
        yield from self._check_views(context)
        # The loss scale would multiply gradients before they are clipped.
        if context.precision.dtype is torch.float16:
            message = "training.precision float16 scales gradients before dp-sgd clips them"
            yield Problem(path=("type",), message=message, hint="train in bfloat16 or float32")
        # With δ ≥ 1/n, publishing a random member outright would satisfy the definition.
        members = context.schedule.members
        if self._params.delta * members >= 1:
            message = (
                f"a delta of {self._params.delta:g} permits publishing one of {members} members"
            )
            yield Problem(
                path=("delta",), message=message, hint=f"write less than {1 / members:.1g}"
            )
        elif self._params.epsilon is not None:
            try:
                self._multiplier(context.schedule.steps, context.schedule.epochs)
            except ValueError:
                message = f"no noise level reaches an epsilon of {self._params.epsilon:g}"
                yield Problem(path=("epsilon",), message=message, hint="increase it, or train less")

    def _check_views(self, context: DefenceContext) -> Iterable[Problem]:
        """Report views that would all be the same."""
        earlier = (context.others[name] for name in context.earlier)
        if self.views == 1 or context.draws_views or any(one.draws_views for one in earlier):
            return
        message = f"nothing before it changes inputs, so all {self.views} views are the same"
        yield Problem(
            path=("views",),
            message=message,
            hint="write training.augmentation, {type: augmentation} before it, or views: 1",
        )

    def equip(self, inputs: DefenceInputs) -> None:
        """Convert the budget to noise, for all of the model's training steps."""
        schedule = inputs.schedule
        # One batch of `steps` per epoch: a member's probability of being in a given batch.
        self._rate = 1 / schedule.steps
        self._batch = schedule.members / schedule.steps
        self._is_chosen = inputs.is_chosen
        self._noise = self._multiplier(schedule.steps, schedule.epochs)

    def _multiplier(self, steps: int, epochs: int) -> float:
        """Return σ: as given, or the smallest with which all steps keep the budget.

        Raises:
            ValueError: if there is none.
        """
        params = self._params
        if params.noise is not None:
            return params.noise
        assert params.epsilon is not None  # the parameters validate that one of the two is set
        return _noise_for(params.epsilon, params.delta, steps, epochs, params.accountant)

    def inside(self, network: Classifier) -> AbstractContextManager[None]:
        """Record the inputs of each layer."""
        return self._gradients.watching(network)

    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Replace the mean gradient by the noisy mean of clipped gradients."""
        limit = self._params.clip
        # Rows of a sample are next to each other.
        samples = len(step.losses) // self.views
        gradients = self._gradients.gradients(step.network, samples=samples)
        # min(1, C / ‖g‖) without a division by 0.
        weights = limit / gradients.norms().clamp(min=limit)
        changed = set()
        for parameter, clipped in gradients.weighted_sum(weights):
            # Each process clips its own samples; noise is added to the sum over all, once.
            total = step.group.sum(clipped).div_(step.copies)
            if self._noise:
                total.add_(self._draw_noise(parameter, gradients.masks, generator))
            parameter.grad = total.div_(self._batch).to(parameter)
            changed.add(id(parameter))
        # A gradient that did not pass the hooks would reach the weights without clipping or noise.
        for name, parameter in step.network.module.named_parameters():
            if parameter.grad is not None and id(parameter) not in changed:
                raise SafeCompressError(
                    f"dp-sgd: {name} has a gradient from outside its layer, so its per-sample "
                    "gradients are unknown; use another model"
                )
        self._count()

    def _draw_noise(
        self, parameter: Tensor, masks: Mapping[int, Tensor], generator: torch.Generator
    ) -> Tensor:
        """Draw noise for the active weights."""
        # Drawn on the CPU, so that one seed gives the same noise on every device.
        drawn = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
        noise = drawn.mul_(self._noise * self._params.clip).to(parameter.device)
        mask = masks.get(id(parameter))
        return noise if mask is None else noise.mul_(mask)

    def _count(self) -> None:
        """Count one step of the current noise and rate."""
        *before, last = self._history or [(self._noise, self._rate, 0)]
        if last[:2] != (self._noise, self._rate):
            before, last = [*before, last], (self._noise, self._rate, 0)
        self._history = [*before, (*last[:2], last[2] + 1)]

    def get_extra_state(self) -> Tensor:
        """Return the steps so far, shape (K, 3): noise, sampling rate and count, in order."""
        return torch.tensor(self._history, dtype=torch.float64).reshape(-1, 3)

    def set_extra_state(self, state: Tensor) -> None:
        """Restore the steps of a checkpoint: a resumed run has spent their budget too."""
        self._history = [(noise, rate, int(steps)) for noise, rate, steps in state.tolist()]

    def facts(self) -> Mapping[str, Any]:
        """Report the accountant's ε of all steps so far, or why there is none."""
        if not self._history:
            return {}
        params = self._params
        noise, rate, _ = self._history[-1]
        steps = sum(count for *_, count in self._history)
        epsilon, guarantee = self._guarantee()
        return {
            "text": f"{guarantee}: noise multiplier {noise:.3g}, clipping norm {params.clip:g}, "
            f"{steps:,} steps at a sampling rate of {rate:.3g}{self._assumption(epsilon)}",
            "epsilon": epsilon,
            "delta": params.delta,
            "noise_multiplier": noise,
            "clipping_norm": params.clip,
            "steps": steps,
            "views": params.views,
            "sampling_rate": rate,
            "accountant": params.accountant,
            "history": [list(step) for step in self._history],
        }

    def _guarantee(self) -> tuple[float | None, str]:
        """Return ε and what to call it; None where there is no bound."""
        if any(noise == 0 for noise, *_ in self._history):
            return None, "no guarantee, since there was no noise"
        if self._is_chosen:
            return None, "no guarantee, since selection used members without noise"
        params = self._params
        epsilon = _epsilon(tuple(self._history), params.delta, params.accountant)
        return epsilon, f"ε = {epsilon:.3g} at δ = {params.delta:g}"

    def _assumption(self, epsilon: float | None) -> str:
        if epsilon is None:
            return ""
        return (
            f"; the {self._params.accountant} accountant assumes Poisson sampling, batches were "
            "shuffled"
        )


def _list_first(layers: Mapping[str, nn.Module]) -> str:
    """Name the first of several layers, and count the others."""
    name, layer = next(iter(layers.items()))
    others = f" and {len(layers) - 1} more" if len(layers) > 1 else ""
    return f"{name!r} ({type(layer).__name__}){others}"


# Cached: one search takes seconds, and preflight and training ask for the same budget.
@lru_cache(maxsize=64)
def _noise_for(epsilon: float, delta: float, steps: int, epochs: int, accountant: str) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a bound that could be tighter is still a bound
        return float(
            get_noise_multiplier(
                target_epsilon=epsilon,
                target_delta=delta,
                sample_rate=1 / steps,
                steps=steps * epochs,
                accountant=accountant,
            )
        )


@lru_cache(maxsize=64)
def _epsilon(history: tuple[tuple[float, float, int], ...], delta: float, accountant: str) -> float:
    counted = create_accountant(mechanism=accountant)
    counted.history = list(history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in _noise_for
        return float(counted.get_epsilon(delta=delta))
