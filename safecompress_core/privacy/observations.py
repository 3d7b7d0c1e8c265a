"""What a model gives away about the samples of a pool.

- Made once per model and pool, by :func:`observe`, and shared by all attackers: re-forwarding the
  target in every epoch of an attack is where the papers' code spends 98 % of its attack time.
- What an attacker did not declare is not there to read: every property names the access it needs.
- A snapshot: training the network further changes nothing here, not even what is computed late.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.errors import AccessError, PoolError, TrainingDivergedError
from safecompress_core.network import Classifier
from safecompress_core.privacy.gradients import per_sample_gradients
from safecompress_core.privacy.signals import log_posteriors

__all__ = ["Observations", "last_layer_gradients", "observe"]

# N samples · C classes · H hidden units


def last_layer_gradients(posteriors: Tensor, hidden: Tensor, labels: Tensor) -> Tensor:
    """Per-sample gradient of cross-entropy with respect to the last linear layer, shape (N, C, H).

    For logits W·h the gradient is (p − onehot(y)) ⊗ h, so no backward pass is needed. Posteriors
    in double precision keep the gradients of confident samples apart; the result is of
    ``hidden``'s type.
    """
    error = posteriors.clone()  # (N, C)
    error[torch.arange(len(labels)), labels] -= 1
    return torch.einsum("nc,nh->nch", error.to(hidden.dtype), hidden)


@dataclass(frozen=True, eq=False)
class _Reactions:
    """Everything seen of one model on one pool; all on the CPU, derived things on first use."""

    labels: Tensor
    inputs: Tensor
    logits: Tensor
    hidden: Tensor
    network: Classifier
    batch_size: int
    _gradients: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def predictions(self) -> Tensor:
        return self.logits.argmax(dim=1)

    @cached_property
    def log_posteriors(self) -> Tensor:
        """In double precision, so that confident samples do not all tie at a loss of 0."""
        return log_posteriors(self.logits)[0]

    @cached_property
    def posteriors(self) -> Tensor:
        return self.log_posteriors.exp().float()

    @cached_property
    def losses(self) -> Tensor:
        return -self.log_posteriors.gather(1, self.labels[:, None])[:, 0].float()

    @cached_property
    def last_layer_gradients(self) -> Tensor:
        return last_layer_gradients(self.log_posteriors.exp(), self.hidden, self.labels)

    @cached_property
    def parameters(self) -> Mapping[str, Tensor]:
        state = self.network.state()
        return MappingProxyType({name: tensor.cpu() for name, tensor in state.items()})

    def gradients(self, layer: str) -> Tensor:
        if layer not in self._gradients:
            self._gradients[layer] = per_sample_gradients(
                self.network, self.inputs, self.labels, layer=layer
            ).float()
        return self._gradients[layer]

    def query(self, inputs: Tensor) -> Tensor:
        logits, _ = _forward(self.network, inputs, batch_size=self.batch_size)
        return torch.softmax(logits.double(), dim=1).float()

    def predict(self, inputs: Tensor) -> Tensor:
        logits, _ = _forward(self.network, inputs, batch_size=self.batch_size)
        return logits.argmax(dim=1)

    def take(self, positions: Tensor) -> "_Reactions":
        return _Reactions(
            labels=self.labels[positions],
            inputs=self.inputs[positions],
            logits=self.logits[positions],
            hidden=self.hidden[positions],
            network=self.network,
            batch_size=self.batch_size,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """One model's reactions to the N samples of a pool, as far as ``access`` lets them be read.

    Made by :func:`observe`. All tensors are on the CPU and shared: do not write into them.

    Attributes:
        access: what may be read; each property says what it needs.
    """

    access: Access
    _reactions: _Reactions

    def __len__(self) -> int:
        return len(self._reactions.labels)

    def _read(self, what: str, needed: Access) -> _Reactions:
        if not self.access.covers(needed):
            raise AccessError(
                f"'{what}' needs {needed} access, but the attacker declared {self.access}"
            )
        return self._reactions

    def restricted(self, access: Access) -> "Observations":
        """The same observations for an attacker that has only this access; nothing is copied.

        Raises:
            AccessError: if ``access`` is more than these observations have.
        """
        return Observations(access, self._read("restricted", access))

    def take(self, positions: Tensor) -> "Observations":
        """The observations of some samples, by position (int64) or mask (bool), in that order."""
        return Observations(self.access, self._reactions.take(positions))

    @property
    def labels(self) -> Tensor:
        """Task labels, shape (N,), int64, in [0, C). Any access."""
        return self._reactions.labels

    @property
    def classes(self) -> int:
        """Number of task labels, C. Any access."""
        return self._reactions.logits.shape[1]

    @property
    def predictions(self) -> Tensor:
        """Most likely label, shape (N,), int64. Needs label-only access."""
        return self._read("predictions", Access.LABEL_ONLY).predictions

    @property
    def posteriors(self) -> Tensor:
        """Softmax probabilities, shape (N, C), float32. Needs black-box access."""
        return self._read("posteriors", Access.BLACK_BOX).posteriors

    @property
    def logits(self) -> Tensor:
        """Shape (N, C), float32. Needs black-box access."""
        return self._read("logits", Access.BLACK_BOX).logits

    @property
    def losses(self) -> Tensor:
        """Cross-entropy of each sample in nats, shape (N,), float32. Needs black-box access."""
        return self._read("losses", Access.BLACK_BOX).losses

    @property
    def inputs(self) -> Tensor:
        """The samples themselves, shape (N, ...). Needs label-only access."""
        return self._read("inputs", Access.LABEL_ONLY).inputs

    def predict(self, inputs: Tensor) -> Tensor:
        """Most likely labels (M,), int64, of inputs (M, ...) of the attacker's choosing.

        They are answered by the network as it was when it was observed. Needs label-only access.
        """
        return self._read("predict", Access.LABEL_ONLY).predict(inputs)

    def query(self, inputs: Tensor) -> Tensor:
        """Posteriors (M, C), float32, of inputs (M, ...) of the attacker's choosing.

        They are answered by the network as it was when it was observed. Needs gray-box access.
        """
        return self._read("query", Access.GRAY_BOX).query(inputs)

    @property
    def hidden(self) -> Tensor:
        """Input of the last linear layer, shape (N, H), float32. Needs white-box access."""
        return self._read("hidden", Access.WHITE_BOX).hidden

    @property
    def last_layer_gradients(self) -> Tensor:
        """See :func:`last_layer_gradients`, shape (N, C, H), float32; needs white-box access.

        Computed when first read, from what was observed: never those of another model.
        """
        return self._read("last_layer_gradients", Access.WHITE_BOX).last_layer_gradients

    def gradients(self, layer: str) -> Tensor:
        """Each sample's gradient of cross-entropy with respect to a layer, shape (N, A), float32.

        The layer is a parameter, or a module with all its parameters; columns are its A active
        coordinates, flattened. Computed when first asked for, then shared. Needs white-box access.

        Raises:
            TopologyError: if the model has no such layer.
        """
        return self._read("gradients", Access.WHITE_BOX).gradients(layer)

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Parameters and buffers by name, as they were when observed. Needs white-box access."""
        return self._read("parameters", Access.WHITE_BOX).parameters


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Eval mode; afterwards each submodule is in the mode it was in (a frozen one stays so)."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _forward(network: Classifier, inputs: Tensor, *, batch_size: int) -> tuple[Tensor, Tensor]:
    """Logits (N, C) and representation (N, H) of plain samples, float32, on the CPU."""
    device = next(network.parameters()).device
    logits: list[Tensor] = []
    hidden: list[Tensor] = []
    with torch.no_grad(), _evaluating(network):
        for batch in torch.split(inputs, batch_size):
            outcome, representation = network.represent(batch.to(device))
            logits.append(outcome.float().cpu())
            hidden.append(representation.float().cpu())
    return torch.cat(logits), torch.cat(hidden)


def observe(
    network: Classifier, inputs: Tensor, labels: Tensor, *, batch_size: int = 1024
) -> Observations:
    """Run the network once over the samples of a pool, in eval mode and without gradients.

    Args:
        network: stays where it is and in the mode that it is in.
        inputs: shape (N, ...), plain samples: augmentation is for training only.
        labels: shape (N,), int64, in [0, C).
        batch_size: samples in a forward pass.

    Returns:
        Observations with white-box access; hand each attacker its ``restricted`` view.

    Raises:
        PoolError: if inputs and labels differ in number, or a label is not in [0, C).
        TrainingDivergedError: if a logit is not a finite number.
    """
    if len(inputs) != len(labels):
        raise PoolError(f"{len(inputs)} inputs but {len(labels)} labels were given to observe")
    logits, hidden = _forward(network, inputs, batch_size=batch_size)
    broken = int((~logits.isfinite().all(dim=1)).sum())
    if broken:
        raise TrainingDivergedError(
            f"the network's logits are not finite for {broken} of {len(logits)} samples"
        )
    labels = labels.cpu()
    outside = (labels < 0) | (labels >= logits.shape[1])
    if outside.any():
        raise PoolError(
            f"label {int(labels[outside][0])} is outside [0, {logits.shape[1]}), "
            "the classes of the network"
        )
    snapshot = deepcopy(network).eval()
    reactions = _Reactions(labels, inputs.cpu(), logits, hidden, snapshot, batch_size)
    return Observations(Access.WHITE_BOX, reactions)
