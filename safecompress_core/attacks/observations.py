"""Observations of a model on the samples of a pool, by level of access.

- Made once per model and pool, by :func:`observe`, and shared by all attackers: re-forwarding the
  target in every epoch of an attack is where the papers' code spends 98 % of its attack time.
- What an attacker did not declare is not there to read: every property names the access it needs.
- Answers are those that a user gets, behind whatever guards them. An attacker with white-box access
  holds the network, and gets its bare logits.
- A snapshot: training the network further changes nothing here, not even what is computed late.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType

import torch
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.attacks.activations import record_activations
from safecompress_core.attacks.gradients import per_sample_gradients
from safecompress_core.attacks.signals import log_posteriors
from safecompress_core.data.dataset import Inputs, in_batches, select_inputs
from safecompress_core.errors import AccessError, PoolError, TrainingDivergedError
from safecompress_core.networks.classifier import Classifier, ForwardOutput

__all__ = ["Observations", "last_layer_gradients", "observe"]

CHUNK = 3 * 2**20
"""Input values in a forward pass, at most: 1,024 images of 3 x 32 x 32, or 20 of 3 x 224 x 224."""

# N samples · C classes · H hidden units


def last_layer_gradients(posteriors: Tensor, hidden: Tensor, labels: Tensor) -> Tensor:
    """Per-sample gradient of cross-entropy with respect to the last linear layer, shape (N, C, H).

    For logits W·h the gradient is (p − onehot(y)) ⊗ h, so no backward pass is needed. Posteriors
    in double precision keep the gradients of confident samples apart; the result is of
    ``hidden``'s type.
    """
    error = posteriors.clone()  # (N, C)
    # p − onehot(y), the gradient of cross-entropy with respect to the logits.
    error[torch.arange(len(labels)), labels] -= 1
    # A product in float64 would take twice the memory of the float32 inputs.
    return torch.einsum("nc,nh->nch", error.to(hidden.dtype), hidden)


@dataclass(frozen=True, eq=False)
class _ModelObservations:
    """Everything seen of one model on one pool; all on the CPU, derived things on first use."""

    labels: Tensor
    stored: Tensor | Inputs
    logits: Tensor
    inside: Tensor  # logits of the last layer, which are not always what is answered
    hidden: Tensor
    last_input: Tensor
    network: Classifier
    batch_size: int
    _gradients: dict[str, Tensor] = field(default_factory=dict)
    _activations: dict[str, Tensor] = field(default_factory=dict)

    @cached_property
    def held(self) -> "_ModelObservations":
        """Return the observations of an adversary with white-box access."""
        # Without a guard both views are the same object, and caches are shared.
        if self.network.inside is self.network:
            return self
        return replace(
            self,
            logits=self.inside,
            network=self.network.inside,
            # New caches: gradients through the guard are not those of the bare network.
            _gradients={},
            _activations={},
        )

    @cached_property
    def inputs(self) -> Tensor:
        # Inputs on disk are read only when an attack asks for them.
        everything = torch.arange(len(self.labels))
        return self.stored if isinstance(self.stored, Tensor) else self.stored[everything]

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
        # From log-posteriors in float64: p − 1 in float32 is 0 for confident samples.
        return last_layer_gradients(self.log_posteriors.exp(), self.last_input, self.labels)

    @cached_property
    def parameters(self) -> Mapping[str, Tensor]:
        state = self.network.state()
        # Moved to the CPU on first use; most attacks never read the weights.
        return MappingProxyType({name: tensor.cpu() for name, tensor in state.items()})

    def gradients(self, layer: str) -> Tensor:
        if layer not in self._gradients:
            self._gradients[layer] = per_sample_gradients(
                self.network, self.inputs, self.labels, layer=layer
            ).float()
        return self._gradients[layer]

    def activations(self, layer: str) -> Tensor:
        if layer not in self._activations:
            with record_activations(self.network, layer) as gathered:
                _forward(self.network, self.stored, batch_size=self.batch_size)
            self._activations[layer] = torch.cat(gathered)
        return self._activations[layer]

    def query(self, inputs: Tensor) -> Tensor:
        answers = _forward(self.network, inputs, batch_size=self.batch_size).answers
        # float64 before softmax: small posteriors would lose digits in float32.
        return torch.softmax(answers.double(), dim=1).float()

    def predict(self, inputs: Tensor) -> Tensor:
        # the most likely label is the same inside, and faster to compute
        network = self.network.inside
        return _forward(network, inputs, batch_size=self.batch_size).answers.argmax(dim=1)

    def take(self, positions: Tensor) -> "_ModelObservations":
        return _ModelObservations(
            labels=self.labels[positions],
            stored=select_inputs(self.stored, positions, torch.device("cpu")),
            logits=self.logits[positions],
            inside=self.inside[positions],
            hidden=self.hidden[positions],
            last_input=self.last_input[positions],
            network=self.network,
            batch_size=self.batch_size,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """One model's reactions to the N samples of a pool, within ``access``.

    Made by :func:`observe`. All tensors are on the CPU and shared: do not write into them.

    Attributes:
        access: what may be read; each property says what it needs.
    """

    access: Access
    _model_observations: _ModelObservations
    _shown: Tensor | None = None  # columns of the flat inputs, int64; None for all of them

    def __len__(self) -> int:
        return len(self._model_observations.labels)

    def _read(self, what: str, needed: Access) -> _ModelObservations:
        # Checked at each read, so that a wrong declaration fails instead of leaking information.
        if not self.access.covers(needed):
            raise AccessError(
                f"'{what}' needs {needed} access, but the attacker declared {self.access}"
            )
        return self._model_observations

    def restrict(self, access: Access) -> "Observations":
        """The same observations for an attacker that has only this access; nothing is copied.

        With white-box access it holds the network, so answers are those of the network itself, and
        stay so.

        Raises:
            AccessError: if ``access`` is more than these observations have.
        """
        # Asking for more access than there is fails here.
        observations = self._read("restricted", access)
        # A holder of the file can remove the guard, so guarded answers would understate the
        # attack.
        if access.covers(Access.WHITE_BOX):
            observations = observations.held
        return Observations(access, observations, self._shown)

    def with_visible_columns(self, columns: Tensor) -> "Observations":
        """The same observations for an adversary who knows only these columns of the (flat) inputs.

        In ``inputs`` the others are 0. What the model makes of the samples is as it was.
        """
        return Observations(self.access, self._model_observations, columns)

    def take(self, positions: Tensor) -> "Observations":
        """The observations of some samples, by position (int64) or mask (bool), in that order."""
        return Observations(self.access, self._model_observations.take(positions), self._shown)

    @property
    def labels(self) -> Tensor:
        """Task labels, shape (N,), int64, in [0, C). Any access."""
        return self._model_observations.labels

    @property
    def classes(self) -> int:
        """Number of task labels, C. Any access."""
        return self._model_observations.logits.shape[1]

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
        """The samples themselves, shape (N, ...). Needs label-only access.

        An attacker of a private attribute sees their public features; all else is 0.
        """
        inputs = self._read("inputs", Access.LABEL_ONLY).inputs
        if self._shown is None:
            return inputs
        # 0 stands for unknown, as where the model is queried.
        known = torch.zeros_like(inputs).flatten(1)
        known[:, self._shown] = inputs.flatten(1)[:, self._shown]
        return known.reshape(inputs.shape)

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
        """The representation, shape (N, H), float32. Needs white-box access.

        It is the last linear layer's input, or what the module of ``task.representation`` puts out.
        """
        return self._read("hidden", Access.WHITE_BOX).hidden

    def activations(self, layer: str) -> Tensor:
        """Return the activations of any layer, shape (N, A), float32. Needs white-box access.

        The layer is a module, or that of a named parameter; what it puts out at several positions
        of a sample is averaged. Computed when first asked for, then shared.

        Raises:
            TopologyError: if the model has no such layer.
        """
        return self._read("activations", Access.WHITE_BOX).activations(layer)

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

    def network(self) -> Classifier:
        """A copy of the network in eval mode, to be differentiated. Needs white-box access."""
        # A copy: an attack that trains or hooks it must not change what others observe.
        return deepcopy(self._read("network", Access.WHITE_BOX).network).eval()

    def with_logits(self, logits: Tensor) -> "Observations":
        """The same samples as another model would answer them, with logits of shape (N, C).

        Only the answers are the other model's, so that no more than black-box access is left.
        """
        observations = replace(
            # The caches belong to the network, not to these logits.
            self._model_observations,
            logits=logits,
            inside=logits,
            _gradients={},
            _activations={},
        )
        # Never more access than before: label-only stays label-only.
        access = self.access if Access.BLACK_BOX.covers(self.access) else Access.BLACK_BOX
        return Observations(access, observations, self._shown)

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """Parameters and buffers by name, as they were when observed. Needs white-box access."""
        return self._read("parameters", Access.WHITE_BOX).parameters


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Eval mode; afterwards each submodule is in the mode it was in (a frozen one stays so)."""
    # Per module, since a frozen batch norm is in eval mode while the network trains.
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _forward(network: Classifier, inputs: Tensor | Inputs, *, batch_size: int) -> ForwardOutput:
    """Return the network's outputs for plain samples, float32, on the CPU."""
    size = math.prod(inputs.shape[1:])
    # Large images limit the rows, small inputs the batch size.
    rows = max(1, min(batch_size, CHUNK // max(1, size)))
    device = network.device
    batches: list[list[Tensor]] = []
    with torch.no_grad(), _evaluating(network):
        for batch in in_batches(inputs, torch.arange(len(inputs)).split(rows)):
            seen = network.forward_with_representation(batch.to(device))
            batches.append([tensor.float().cpu() for tensor in seen])
    # One list per output rather than per batch.
    return ForwardOutput(*(torch.cat(parts) for parts in zip(*batches, strict=True)))


def observe(
    network: Classifier, inputs: Tensor | Inputs, labels: Tensor, *, batch_size: int = 1024
) -> Observations:
    """Run the network once over the samples of a pool, in eval mode and without gradients.

    Args:
        network: stays where it is and in the mode that it is in.
        inputs: shape (N, ...), plain samples: augmentation is for training only. What is no tensor
            is made one when an attacker first reads it.
        labels: shape (N,), int64, in [0, C).
        batch_size: samples in a forward pass, at most; fewer where a sample is large.

    Returns:
        Observations with all the access that the network gives; hand each attacker its
        ``restrict`` view.

    Raises:
        PoolError: if inputs and labels differ in number, or a label is not in [0, C).
        TrainingDivergedError: if a logit or an answer is not a finite number.
    """
    # A shorter tensor of labels would fail late, in the first loss.
    if len(inputs) != len(labels):
        raise PoolError(f"{len(inputs)} inputs but {len(labels)} labels were given to observe")
    answers, logits, hidden, last_input = _forward(network, inputs, batch_size=batch_size)
    # NaN would otherwise fail late, in an attack, which would be blamed for it.
    _require_finite(logits, "logits")
    _require_finite(answers, "answers")
    labels = labels.cpu()
    # A negative label would index from the end, and read another class.
    outside = (labels < 0) | (labels >= logits.shape[1])
    if outside.any():
        raise PoolError(
            f"label {int(labels[outside][0])} is outside [0, {logits.shape[1]}), "
            "the classes of the network"
        )
    # The trainer goes on with the original; observations are of this moment.
    snapshot = deepcopy(network).eval()
    stored_inputs = inputs.cpu() if isinstance(inputs, Tensor) else inputs.to(torch.device("cpu"))
    observations = _ModelObservations(
        labels, stored_inputs, answers, logits, hidden, last_input, snapshot, batch_size
    )
    return Observations(network.access, observations)


def _require_finite(values: Tensor, what: str) -> None:
    broken = int((~values.isfinite().all(dim=1)).sum())
    if broken:
        raise TrainingDivergedError(
            f"the network's {what} are not finite for {broken} of {len(values)} samples"
        )
