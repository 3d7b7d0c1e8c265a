"""Per-sample gradients of a layer: their norms and weighted sums in bounded memory.

- A linear layer with one vector per sample has the gradient e ⊗ a. Its norm and any weighted sum
  over samples follow from a and e alone (Goodfellow 2015, "Efficient Per-Example Gradient
  Computations"), also with a mask M: ‖M ∘ (e ⊗ a)‖² = (e²)ᵀ M a².
- With S vectors per sample, of a sequence or of several views, the gradient is Eᵀ A. Without a mask
  its norm is that of two S × S matrices, ‖Eᵀ A‖² = ⟨A Aᵀ, E Eᵀ⟩ (Li et al. 2022, "Large Language
  Models Can Be Strong Differentially Private Learners", section 4: ghost clipping), taken where
  that is cheaper (Bu et al. 2022, "Scalable and Efficient Training of Large Convolutional Neural
  Networks with Differential Privacy": mixed ghost clipping).
- A masked norm needs the gradients themselves, and so do convolutions
  (`convolution_gradients.py`), whose S is the number of places. They are formed for a few samples
  at a time (`CHUNK`) and dropped; the weighted sum is one ordinary gradient of weighted errors.
  Gradients of small layers are kept (`KEPT`) instead.
- All other layers use opacus' functions, for a few samples at a time.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from opacus.grad_sample import GradSampleModule
from torch import Tensor, nn

__all__ = [
    "CHUNK",
    "KEPT",
    "LayerGradients",
    "LayerUse",
    "LinearGradients",
    "OtherGradients",
    "squared_norms",
]

# B samples · V views of each · R = B·V rows, views of a sample next to each other
# S vectors of a sample · O outputs, I inputs of a layer · K values of a patch · P values of a part

CHUNK: Mapping[str, int] = {"cpu": 2**20, "cuda": 2**26}
"""Values that are formed at a time at most, or those of one sample: what fits into a cache, or what
occupies a device."""
KEPT: Mapping[str, int] = {"cpu": 2**20, "cuda": 2**26}
"""Values of one part of a batch that are kept for the weighted sum, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerUse:
    """A layer's input and the gradient of its output, (R, ...) each, of B samples."""

    layer: nn.Module
    activations: Tensor
    errors: Tensor
    samples: int

    @property
    def views(self) -> int:
        """Return V, the rows of each sample."""
        return len(self.errors) // self.samples

    def rows_of(self, samples: slice) -> tuple[Tensor, Tensor]:
        """Return input and gradient of some samples' rows."""
        rows = slice(samples.start * self.views, samples.stop * self.views)
        return self.activations[rows], self.errors[rows]

    def sampled(self, samples: slice) -> dict[nn.Parameter, Tensor]:
        """Return each parameter's gradients by opacus' function, (samples, ...)."""
        activations, errors = self.rows_of(samples)
        found = GradSampleModule.GRAD_SAMPLERS[type(self.layer)](self.layer, [activations], errors)
        if self.views == 1:
            return dict(found)
        return {
            parameter: rows.reshape(-1, self.views, *parameter.shape).sum(dim=1)
            for parameter, rows in found.items()
        }


class LayerGradients(ABC):
    """Gradients of some parameters by each sample; P values of a sample in all.

    Attributes:
        parameters: those that are trained.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], samples: int, *, values: int, device: str
    ) -> None:
        self.parameters = [one for one in parameters if one.requires_grad]
        self._samples = samples
        # At least one sample at a time, however large a layer is.
        self._chunk = max(1, CHUNK.get(device, CHUNK["cpu"]) // max(1, values))
        size = sum(parameter.numel() for parameter in self.parameters)
        self._keeps = samples * size <= KEPT.get(device, KEPT["cpu"])
        self._kept: list[Tensor] = []

    @abstractmethod
    def rows(self, samples: slice) -> Tensor:
        """Return the gradients of some samples, masked, shape (samples, P)."""

    def shaped(self, total: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each parameter with its part of a sum of rows, (P,)."""
        sizes = [parameter.numel() for parameter in self.parameters]
        for parameter, part in zip(self.parameters, total.split(sizes), strict=True):
            yield parameter, part.view(parameter.shape)

    def squares(self) -> Tensor:
        """Return squared norms, shape (B,)."""
        return torch.cat([squared_norms(rows) for rows in self._formed()])

    def weighted_sums(self, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each parameter with its sum over samples, weighted by (B,)."""
        parts = weights.split(self._chunk)
        formed = self._kept or self._formed()
        total = sum(part @ rows for part, rows in zip(parts, formed, strict=True))
        assert isinstance(total, Tensor)  # a batch has at least one sample
        yield from self.shaped(total)

    def _formed(self) -> Iterator[Tensor]:
        """Yield all rows, a chunk of samples at a time."""
        for start in range(0, self._samples, self._chunk):
            rows = self.rows(slice(start, min(start + self._chunk, self._samples)))
            if self._keeps:
                self._kept.append(rows)
            yield rows


class LinearGradients(LayerGradients):
    """Gradients Eᵀ A of a linear layer, and of its bias: inputs A (B, S, I), errors E (B, S, O)."""

    def __init__(self, use: LayerUse, masks: Mapping[int, Tensor]) -> None:
        layer = use.layer
        assert isinstance(layer, nn.Linear)  # the caller looks
        weight, parameters = layer.weight, list(layer.parameters(recurse=False))
        super().__init__(parameters, use.samples, values=weight.numel(), device=weight.device.type)
        self._weight = weight
        self._activations = use.activations.reshape(use.samples, -1, layer.in_features)
        self._errors = use.errors.reshape(use.samples, -1, layer.out_features)
        self._mask = masks.get(id(weight))
        # The weighted sum is one product, cheaper than a sum of rows.
        self._keeps = False

    def rows(self, samples: slice) -> Tensor:
        """Return one product of matrices a sample, of the weight alone."""
        formed = self._errors[samples].mT @ self._activations[samples]
        return (formed if self._mask is None else formed.mul_(self._mask)).flatten(1)

    def squares(self) -> Tensor:
        """Return squared norms, without the gradients where that is possible and cheaper."""
        vectors = self._errors.shape[1]
        if vectors == 1:
            return self._squares_of_products()
        total = sum(self._squares_of(parameter) for parameter in self.parameters)
        assert isinstance(total, Tensor)  # a part has a parameter
        return total

    def _squares_of_products(self) -> Tensor:
        """Return squared norms of e ⊗ a, and of e for the bias."""
        activations, errors = self._activations[:, 0].square(), self._errors[:, 0].square()
        total: Tensor | None = None
        for parameter in self.parameters:
            if parameter is not self._weight:
                part = errors.sum(dim=1)
            elif self._mask is None:
                part = activations.sum(dim=1) * errors.sum(dim=1)
            else:
                # (e²)ᵀ M a² for every sample in one product.
                part = (errors @ self._mask).mul_(activations).sum(dim=1)
            total = part if total is None else total + part
        assert total is not None  # a part has a parameter
        return total

    def _squares_of(self, parameter: nn.Parameter) -> Tensor:
        """Return squared norms of sums over S vectors."""
        activations, errors = self._activations, self._errors
        if parameter is not self._weight:
            return squared_norms(errors.sum(dim=1))
        outputs, inputs = parameter.shape
        if self._mask is None and errors.shape[1] * (inputs + outputs) < inputs * outputs:
            return ((activations @ activations.mT) * (errors @ errors.mT)).sum(dim=(1, 2))
        return super().squares()

    def weighted_sums(self, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the weight with the product of all weighted errors and activations."""
        errors = (self._errors * weights[:, None, None]).flatten(0, 1)
        for parameter in self.parameters:
            if parameter is not self._weight:
                yield parameter, errors.sum(dim=0)
                continue
            total = errors.T @ self._activations.flatten(0, 1)
            yield parameter, total if self._mask is None else total.mul_(self._mask)


class OtherGradients(LayerGradients):
    """Gradients of any layers by opacus' functions, summed over the uses of a parameter."""

    def __init__(self, uses: Sequence[LayerUse], masks: Mapping[int, Tensor]) -> None:
        owned = [one for use in uses for one in use.layer.parameters(recurse=False)]
        # Each once, in a fixed order.
        parameters = list(dict.fromkeys(owned))
        values = uses[0].views * sum(parameter.numel() for parameter in parameters)
        device = uses[0].errors.device.type
        super().__init__(parameters, uses[0].samples, values=values, device=device)
        self._uses, self._masks = uses, masks

    def rows(self, samples: slice) -> Tensor:
        """Return the gradients of all parameters, next to each other."""
        totals: dict[Tensor, Tensor] = {}
        for use in self._uses:
            for parameter, rows in use.sampled(samples).items():
                totals[parameter] = totals[parameter] + rows if parameter in totals else rows
        # Masks apply after the sum over uses: they are the same for each.
        masked = (
            totals[one] * self._masks[id(one)] if id(one) in self._masks else totals[one]
            for one in self.parameters
        )
        return torch.cat([rows.flatten(1) for rows in masked], dim=1)


def squared_norms(rows: Tensor) -> Tensor:
    """Return each row's squared norm, shape (samples,), without copying the rows."""
    norms: Tensor = torch.linalg.vector_norm(rows, dim=1)
    return norms.square()
