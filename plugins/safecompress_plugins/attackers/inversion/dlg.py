"""Gradient inversion: samples from their gradients."""

from collections.abc import Mapping
from math import inf

import torch
from torch import Size, Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import AdversaryKnowledge, Classifier, InversionTargets, Inverter
from safecompress_plugins.attackers.inversion.manifest import DlgParams

__all__ = ["Dlg", "label_of"]

TINY = 1e-30  # lower bound of ‖∇W‖²: a fitted sample has a gradient near 0
EXACT = 1e-12  # relative distance at which gradients differ by float32 rounding alone


class Dlg(Inverter):
    """Minimises ‖∇W'(x', y) − ∇W‖² over inputs x', with the label y inferred from the gradient.

    In double precision, by L-BFGS with a line search, from several starts, of which the best match
    counts. Two additions of ours: the division by ‖∇W‖², for models that have memorised their
    samples, and the starts. The first start is the closed-form solution for the first layer, the
    others are random in the range of the inputs: where a network has ReLU, gradients do not lead
    from noise to a sample, which is why the paper replaces it by sigmoids. Pruned weights are
    ignored. The result is clamped into the range.

    Source: Zhu, Liu & Han 2019, "Deep Leakage from Gradients", NeurIPS, Algorithm 1; Zhao, Mopuri &
    Bilen 2020, "iDLG: Improved Deep Leakage from Gradients", equation 4, for the label.
    """

    def __init__(self, params: DlgParams) -> None:
        self._params = params

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Do nothing: a gradient needs no training."""

    def reconstruct(
        self,
        knowledge: AdversaryKnowledge,
        targets: InversionTargets,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        """Return one sample for each gradient, shape (K, ...)."""
        # A copy in double precision: L-BFGS stalls in float32 near a match.
        network = knowledge.seen.network().cpu().double()
        shape = (1, *knowledge.seen.inputs.shape[1:])
        reconstructions = [
            self._best(_Match(network, seen), shape, targets, generator)
            for seen in targets.gradients
        ]
        return torch.clamp(torch.cat(reconstructions).float(), targets.low, targets.high)

    def _best(
        self,
        match: "_Match",
        shape: tuple[int, ...],
        targets: InversionTargets,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the best match of several starts, (1, ...)."""
        best, nearest = torch.zeros(shape), inf
        for number in range(self._params.restarts):
            # Drawn even where it is unused, so that later starts do not depend on the closed form's
            # success.
            drawn = targets.low + (targets.high - targets.low) * torch.rand(
                shape, generator=generator
            )
            start = match.read_off(shape) if number == 0 else None
            start = drawn.double() if start is None else start
            candidate, apart = match.from_start(start, steps=self._params.steps)
            if apart < nearest:
                best, nearest = candidate, apart
            if nearest < EXACT:
                break
        return best


class _Match:
    """A target gradient, and the search for an input that has it."""

    def __init__(self, network: Classifier, seen: Mapping[str, Tensor]) -> None:
        named = dict(network.module.named_parameters())
        self._network = network
        self._parameters = list(named.values())
        self._wanted = [seen[name].double() for name in named]
        masks = [network.masks.get(name) for name in named]
        self._masks = [1.0 if mask is None else mask.double().cpu() for mask in masks]
        # Computed once: the loss is relative to the target's squared norm.
        self._scale = max(sum(float((gradient**2).sum()) for gradient in self._wanted), TINY)
        self._label = torch.tensor([label_of(network, seen)])

    def read_off(self, shape: tuple[int, ...]) -> Tensor | None:
        """Solve for the input (1, ...) of a first linear layer with a bias; None for other layers.

        Row i of that layer's gradient is the input times the gradient of bias i, so the input is
        their least-squares quotient over the active weights.

        Source: Phong et al. 2018, "Privacy-Preserving Deep Learning via Additively Homomorphic
        Encryption", IEEE TIFS 13(5), section III, equation 3.
        """
        if len(self._wanted) < 2 or self._wanted[0].ndim != 2:
            return None
        weight, bias = self._wanted[:2]
        if weight.shape != (len(bias), Size(shape).numel()) or bias.ndim != 1:
            return None
        there = bias[:, None] ** 2 * self._masks[0]
        quotient = (weight * bias[:, None]).sum(dim=0) / there.sum(dim=0)
        # An input without any active weight is 0 / 0; the layer says nothing of it.
        return torch.nan_to_num(quotient).reshape(shape)

    def from_start(self, start: Tensor, *, steps: int) -> tuple[Tensor, float]:
        """Return the input (1, ...) reached, and the distance of its gradient from the target."""
        # An exact closed-form start needs no descent.
        apart = float(self._apart(start).detach())
        if apart < EXACT:
            return start, apart
        guess = start.requires_grad_()
        optimizer = torch.optim.LBFGS(
            [guess],
            max_iter=steps,
            tolerance_grad=TINY,
            tolerance_change=TINY,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            apart = self._apart(guess)
            # Only the input gets a gradient; parameters' .grad would accumulate over closure calls.
            (guess.grad,) = torch.autograd.grad(apart, guess)
            return apart.detach()

        optimizer.step(closure)
        # A diverged line search leaves NaN; with 0 instead, its distance compares with other
        # starts.
        candidate: Tensor = torch.nan_to_num(guess.detach())
        return candidate, float(self._apart(candidate).detach())

    def _apart(self, guess: Tensor) -> Tensor:
        loss = F.cross_entropy(self._network(guess), self._label)
        gradients = torch.autograd.grad(loss, self._parameters, create_graph=True)
        apart = torch.zeros((), dtype=torch.float64)
        # Pruned weights have no gradient in the target, so theirs is masked out here too.
        for mine, theirs, mask in zip(gradients, self._wanted, self._masks, strict=True):
            apart = apart + ((mine * mask - theirs) ** 2).sum()
        return apart / self._scale


def label_of(network: Classifier, seen: Mapping[str, Tensor]) -> int:
    """Infer the label of the sample that a gradient belongs to.

    The gradient of a logit is p_c − [c = y], negative for the label alone, and equals that of the
    last layer's bias. Without a bias, the row sums of its weights' gradient have the same signs
    where the representation is not negative (Zhao et al. 2020, equation 4).
    """
    head = network.head
    names = {id(parameter): name for name, parameter in network.module.named_parameters()}
    bias: Tensor | None = head.bias
    if bias is not None:
        return int(seen[names[id(bias)]].argmin())
    return int(seen[names[id(head.weight)]].sum(dim=1).argmin())
