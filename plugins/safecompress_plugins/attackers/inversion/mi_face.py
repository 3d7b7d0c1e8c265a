"""Model inversion by gradient descent on the input."""

import torch
from torch import Tensor

from safecompress_core.toolkit import AdversaryKnowledge, InversionTargets, Inverter
from safecompress_plugins.attackers.inversion.manifest import MiFaceParams

__all__ = ["MiFace"]

# K classes


class MiFace(Inverter):
    """Minimises 1 − f_c(x), the model's lack of confidence in class c, over inputs x.

    All classes at once. A class stops when the confidence is high enough, or has not improved for
    ``patience`` steps; its most confident input is the reconstruction. Values stay within the range
    of the inputs; there is no other auxiliary term and no image processing.

    Source: Fredrikson, Jha & Ristenpart 2015, "Model Inversion Attacks that Exploit Confidence
    Information and Basic Countermeasures", CCS, Algorithm 1.
    """

    def __init__(self, params: MiFaceParams) -> None:
        self._params = params
        self._start: Tensor | None = None

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Set the initial input."""
        inputs = known.seen.inputs
        self._start = (
            inputs.mean(dim=0) if self._params.start == "mean" else torch.zeros_like(inputs[0])
        )

    def reconstruct(
        self,
        knowledge: AdversaryKnowledge,
        targets: InversionTargets,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        """Return the reconstruction of each class, shape (K, ...)."""
        if self._start is None:
            raise RuntimeError("an attacker has to be fitted before it can reconstruct")
        network = knowledge.seen.network()
        device = next(network.parameters()).device
        low, high = targets.low.to(device), targets.high.to(device)
        rows, classes = torch.arange(len(targets), device=device), targets.classes.to(device)
        inputs = torch.clamp(self._start.to(device), low, high).repeat(
            len(targets), *[1] * self._start.ndim
        )
        best, highest = inputs.clone(), torch.full((len(targets),), -1.0, device=device)
        age = torch.zeros(len(targets), dtype=torch.int64, device=device)
        # One more pass than steps: the last one only evaluates the last step.
        for _ in range(self._params.steps + 1):
            inputs.requires_grad_()
            confidence = network(inputs).softmax(dim=1)[rows, classes]  # (K,)
            # Classes do not share inputs, so the gradient of the sum is each class's own.
            (gradient,) = torch.autograd.grad(confidence.sum(), inputs)
            inputs, confidence = inputs.detach(), confidence.detach()
            better = confidence > highest
            best[better], highest[better] = inputs[better], confidence[better]
            age = torch.where(better, 0, age + 1)
            # NaN confidence counts as no improvement, so such a class runs out of patience.
            goes_on = (highest < self._params.confidence) & (age < self._params.patience)
            if not goes_on.any():
                break
            moved = torch.clamp(inputs + self._params.step_size * gradient, low, high)
            # Finished classes keep their input, while the others still use the batch.
            inputs = torch.where(goes_on.view(-1, *[1] * self._start.ndim), moved, inputs)
        return best.cpu()
