"""A model in training: network, topology, optimizer state, defences and how far it has come."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import _EXTRA_STATE_KEY_SUFFIX

from safecompress_core.api import Params
from safecompress_core.errors import SafeCompressError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.layer_shapes import LayerShapes
from safecompress_core.networks.output_guard import GuardedClassifier, OutputGuard
from safecompress_core.sparse.masking import SparseBinding
from safecompress_core.sparse.strategy import History
from safecompress_core.sparse.thinning import thin_out
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.update import TopologyUpdate
from safecompress_core.sparse.weight_codes import WeightCode, read_code
from safecompress_core.training.defence import Defence
from safecompress_core.training.settings import Settings

__all__ = ["DefenceFactory", "OptimizerFactory", "ScalerFactory", "TrainingState", "read_topology"]

OptimizerFactory = Callable[[list[nn.Parameter], float], torch.optim.Optimizer]
"""An optimizer for these parameters at this learning rate."""

DefenceFactory = Callable[[str, Params], Defence]
"""A prepared defence for its id and parameters; the same id gives the same initial weights."""

ScalerFactory = Callable[[], torch.amp.GradScaler | None]
"""What scales the loss of half precision; None where the precision needs none."""

NETWORK, DEFENCE, OPTIMIZER, MASK = "network.", "defence.", "optimizer.", "mask."
OPPONENT, SCALER = "opponent.", "scaler."
CODE, TABLE, OPTION = "code.", "table.", "option."
EXPLORED, MOMENTUM = "explored.", "momentum."
# Dettmers & Zettlemoyer 2019, "Sparse Networks from Scratch", train with this momentum.
DECAY = 0.9  # of the running average of gradients: SGD's momentum in the paper that grows by it
SCALER_STATE = ("scale", "_growth_tracker")


class TrainingState:
    """Everything that training changes; ``branch`` copies it, ``tensors`` and ``restore`` keep it.

    Attributes:
        network: the model, without an output guard; `shipped` has it.
        settings: how it is trained.
        defences: by id, in the order in which they are applied.
        optimizer: of the network and of what the defences do not train themselves.
        scaler: what scales the loss in half precision; None in any other.
        epoch: whole epochs trained so far.
        codes: the weights that are stored in fewer bits, by name; empty while it is trained.
        explored: every position that has been active since the network became sparse; None for a
            dense model.
        momentum: by layer, the running average of the gradients that training followed; empty
            where no rule has asked for it.
    """

    def __init__(
        self,
        network: Classifier,
        topology: Topology | None,
        settings: Settings,
        *,
        make_optimizer: OptimizerFactory,
        make_defence: DefenceFactory,
        make_scaler: ScalerFactory = lambda: None,
    ) -> None:
        self.network = network
        network.topology = topology
        # Weights that were ever active, at first those of the initial topology.
        self.explored = topology
        self.momentum: dict[str, Tensor] = {}
        self.settings = settings
        self.epoch = 0
        self.codes: dict[str, WeightCode] = {}
        self._make_optimizer = make_optimizer
        self._make_defence = make_defence
        self._make_scaler = make_scaler
        self.scaler = make_scaler()
        device = next(network.parameters()).device
        # Before the optimizer, which trains their parameters, too.
        self.defences = {
            name: make_defence(name, params).to(device)
            for name, params in settings.defences.items()
        }
        self.optimizer = make_optimizer(self._parameters(), settings.learning_rate)
        # Last: the hook masks the moments of this optimizer.
        self._binding = self._bound()

    def _parameters(self) -> list[nn.Parameter]:
        modules = (self.network, *self.defences.values())
        # By identity, since tensors do not compare as a whole.
        parameters = {
            id(parameter)
            for optimizer in self._opponents.values()
            for parameter in _parameters_of(optimizer)
        }
        # An opponent's parameters have their own optimizer, which pursues the opposite aim.
        return [p for module in modules for p in module.parameters() if id(p) not in parameters]

    @property
    def _opponents(self) -> dict[str, torch.optim.Optimizer]:
        """The optimizers that defences have of their own, by the defence's id."""
        optimizers = {name: defence.own_optimizer for name, defence in self.defences.items()}
        return {name: optimizer for name, optimizer in optimizers.items() if optimizer is not None}

    def _bound(self) -> SparseBinding | None:
        if self.topology is None:
            return None
        return SparseBinding(self.optimizer, self.weights, self.topology)

    @property
    def topology(self) -> Topology | None:
        """Return the active weights of the network; None for a dense model."""
        return self.network.topology

    @cached_property
    def weights(self) -> dict[str, nn.Parameter]:
        """The sparsifiable weights by name."""
        # Found once: the optimizer holds these very parameters as long as this object lives.
        return self.network.sparse_parameters()

    @cached_property
    def _trained(self) -> list[nn.Parameter]:
        """All parameters that the optimizer trains, in its order."""
        return _parameters_of(self.optimizer)

    @property
    def density(self) -> float:
        """Fraction of the sparsifiable weights that are active, in (0, 1]."""
        return 1.0 if self.topology is None else self.topology.density

    @property
    def is_settled(self) -> bool:
        """Return whether a defence has frozen training."""
        return any(defence.is_settled for defence in self.defences.values())

    @property
    def guard(self) -> OutputGuard | None:
        """The output guard of its defences; None without one."""
        guards = (defence.guard for defence in self.defences.values())
        # At most one defence has a guard, which the preflight checks ensure.
        return next(filter(None, guards), None)

    @property
    def shipped(self) -> Classifier:
        """The model as its users query it: the network, behind its output guard if it has one."""
        guard = self.guard
        return self.network if guard is None else GuardedClassifier(self.network, guard)

    @property
    def guarding(self) -> Params | None:
        """The defence whose guard stands before the answers; None where nothing does."""
        for name, defence in self.defences.items():
            if defence.guard is not None:
                return self.settings.defences[name]
        return None

    def facts(self) -> dict[str, dict[str, Any]]:
        """Return the facts of its defences by id; those without facts are left out."""
        facts_by_defence = {name: dict(defence.facts()) for name, defence in self.defences.items()}
        return {name: facts for name, facts in facts_by_defence.items() if facts}

    def apply_update(self, update: TopologyUpdate) -> None:
        """Take another topology of the same density; grown weights start at 0 without momentum."""
        assert self._binding is not None  # only sparse training states are ever updated
        assert self.topology is not None
        assert self.explored is not None
        # Before the network changes, since the binding checks the update against the old topology.
        self._binding.set_topology(self.topology, update)
        self.network.topology = update.topology
        self.explored = self.explored.unite(update.topology)

    @torch.no_grad()
    def encode(self, codes: Mapping[str, WeightCode]) -> None:
        """Take for weights what codes stand for; the model's file holds these from now on.

        It is the last thing that is done to a training state: to train on, branch it.
        """
        weights = self.weights
        for name, code in codes.items():
            # Decoded, so that what is measured is what the file holds.
            weights[name].copy_(code.weight())
        self.codes = self.codes | dict(codes)

    def reduce(
        self,
        layer_shapes: LayerShapes,
        tensors: Mapping[str, Tensor],
        topology: Topology | None,
        *,
        sample: Tensor,
    ) -> None:
        """Take a smaller network of the same function.

        It is the last thing that is done to a training state but to encode it.

        Args:
            layer_shapes: the widths that differ from those of the architecture.
            tensors: parameters and buffers by name, of these shapes.
            topology: of the smaller network; None for a dense one.
            sample: an input, shape (1, ...), on the network's device.
        """
        if self._binding is not None:
            self._binding.release()
            self._binding = None
        self.network.reduce(layer_shapes, tensors, sample=sample)
        self.network.topology = self.explored = topology
        # The parameters are others, and found anew.
        vars(self).pop("weights", None)

    @property
    def history(self) -> History:
        """Return the history of its training that rules may use."""
        assert self.explored is not None  # a dense model never evolves
        return History(explored=self.explored, momentum=self.momentum or None)

    def gradients(self) -> list[Tensor]:
        """Return the gradients of all trained parameters that have one, in their order."""
        return [parameter.grad for parameter in self._trained if parameter.grad is not None]

    def drop_gradients(self) -> None:
        """Forget the gradients of all trained parameters."""
        # None rather than 0: skips a kernel, and a parameter without gradient stays unchanged. An
        # optimizer's `zero_grad` profiles itself, which takes as long as a small layer.
        for parameter in self._trained:
            parameter.grad = None

    def align_gradients(self) -> None:
        """Lay gradients out in memory as their parameters are, which fused optimizers rely on."""
        for parameter in self._trained:
            gradient = parameter.grad
            if gradient is not None and gradient.stride() != parameter.stride():
                parameter.grad = torch.empty_like(parameter).copy_(gradient)

    @torch.no_grad()
    def remember(self) -> None:
        """Take the gradients of this step, before masks, into the running average from 0.

        A step that half precision skips, since its gradients have overflowed, is none.
        """
        weights = self.weights
        gradients_by_name = {
            name: weight.grad for name, weight in weights.items() if weight.grad is not None
        }
        gradients = list(gradients_by_name.values())
        # The scaler skips such a step, and inf would stay in the average for ever.
        if self.scaler is not None and not all(
            bool(gradient.isfinite().all()) for gradient in gradients
        ):
            return
        # Created on first use: most rules need no momentum.
        if not self.momentum:
            self.momentum = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        torch._foreach_lerp_(
            [self.momentum[name] for name in gradients_by_name], gradients, 1 - DECAY
        )

    def settle(self) -> None:
        """Train on with the topology that the network has, with weights as they are.

        For a model that a defence has put back to an earlier state.
        """
        if self._binding is not None:
            # Released first: an optimizer accepts one binding.
            self._binding.release()
            self._binding = self._bound()

    def branch(self, settings: Settings, *, topology: Topology | None = None) -> "TrainingState":
        """An independent copy that trains on with other settings.

        Args:
            settings: how it is trained from here on; of a lower density, the smallest weights go.
            topology: another one, for a method that thins a network out between two phases of
                training: weights outside of it are gone, with their moments. None for its own, at
                the density of ``settings``.

        Raises:
            TopologyError: if the density of ``settings`` leaves less than one weight a layer.
            SafeCompressError: if a defence could not take over what it has learned.
        """
        is_sparser = settings.density < self.settings.density
        if topology is None and self.topology is not None and is_sparser:
            topology = thin_out(self.topology, self.weights, settings.density)
        twin = TrainingState(
            copy.deepcopy(self.network),
            topology or self.topology,
            settings,
            make_optimizer=self._make_optimizer,
            make_defence=self._make_defence,
            make_scaler=self._make_scaler,
        )
        twin.epoch = self.epoch
        if twin.explored is not None and self.explored is not None:
            twin.explored = self.explored.unite(twin.explored)
        twin.momentum = {name: average.clone() for name, average in self.momentum.items()}
        for name, defence in self.defences.items():
            try:
                # Learned state is copied over the initial one that the constructor made.
                twin.defences[name].load_state_dict(defence.state_dict())
            # A parameter that sizes a layer makes another module, whose state does not fit.
            except RuntimeError as error:
                before = self.settings.defences[name]
                changed = [
                    key for key, value in settings.defences[name] if value != getattr(before, key)
                ]
                message = (
                    f"a strategy's 'set' changes the shape of what the defence {name} has learned "
                    f"({', '.join(changed)}); leave that parameter out of 'set'"
                )
                raise SafeCompressError(message) from error
        state = copy.deepcopy(self.optimizer.state_dict())
        # load_state_dict also restores the rate, which `set` may have changed.
        for group in state["param_groups"]:
            group["lr"] = settings.learning_rate
        twin.optimizer.load_state_dict(state)
        for name, optimizer in self._opponents.items():
            _restore_moments(twin._opponents[name], _moments(optimizer))
        # Moments were copied as they are; a new topology may have fewer active weights.
        if twin._binding is not None:
            twin._binding.apply()
        if self.scaler is not None and twin.scaler is not None:
            twin.scaler.load_state_dict(self.scaler.state_dict())
        return twin

    def follow(self, other: "TrainingState") -> None:
        """Count on from another training state's epochs, with what its defences have learned.

        A defence whose state has other names or shapes than there begins anew.
        """
        self.epoch = other.epoch
        for name, defence in self.defences.items():
            state = other.defences[name].state_dict()
            # Compared by shape, since a `set` may have resized the defence.
            if _shapes(state) == _shapes(defence.state_dict()):
                defence.load_state_dict(state)
                if name in self._opponents:
                    moments = _moments(other._opponents[name])  # noqa: SLF001  of the same class
                    _restore_moments(self._opponents[name], moments)
        if self.scaler is not None and other.scaler is not None:
            self.scaler.load_state_dict(other.scaler.state_dict())

    def tensors(self) -> dict[str, Tensor]:
        """All tensors that training goes on from, flat, for a checkpoint."""
        # Prefixes keep the parts apart in one flat file of tensors.
        tensors: dict[str, Tensor] = {}
        for name, tensor in self.network.state().items():
            tensors[NETWORK + name] = tensor
        for owner, defence in self.defences.items():
            for name, tensor in defence.state_dict().items():
                tensors[f"{DEFENCE}{owner}/{name}"] = tensor
        for owner, optimizer in self._opponents.items():
            for name, tensor in _moments(optimizer).items():
                tensors[f"{OPPONENT}{owner}/{name}"] = tensor
        tensors |= {OPTIMIZER + name: tensor for name, tensor in _moments(self.optimizer).items()}
        if self.scaler is not None:
            state = self.scaler.state_dict()
            # Only the scale and its counter change; the remaining entries are configuration.
            tensors |= {SCALER + name: torch.tensor(state[name]) for name in SCALER_STATE}
        if self.topology is not None:
            tensors |= {MASK + name: mask for name, mask in self.topology.masks.items()}
        for name, code in self.codes.items():
            tensors[f"{CODE}{code.name}/{name}"] = code.codes
            tensors |= {f"{TABLE}{name}/{key}": table for key, table in code.tables.items()}
            options = code.options.items()
            tensors |= {f"{OPTION}{name}/{key}": torch.tensor(value) for key, value in options}
        if self.explored is not None:
            tensors |= {EXPLORED + name: mask for name, mask in self.explored.masks.items()}
        tensors |= {MOMENTUM + name: average for name, average in self.momentum.items()}
        # On the CPU and contiguous, as safetensors requires.
        return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}

    def restore(self, tensors: Mapping[str, Tensor], *, epoch: int) -> None:
        """Go on from what ``tensors`` kept; the topology is given when the state is built."""
        self.network.module.load_state_dict(_under(NETWORK, tensors))
        for owner, defence in self.defences.items():
            defence.load_state_dict(_under(f"{DEFENCE}{owner}/", tensors))
        for owner, optimizer in self._opponents.items():
            _restore_moments(optimizer, _under(f"{OPPONENT}{owner}/", tensors))
        _restore_moments(self.optimizer, _under(OPTIMIZER, tensors))
        if self.scaler is not None:
            counters = {name: tensor.item() for name, tensor in _under(SCALER, tensors).items()}
            # Merged: what is configuration comes from the scaler as it was built.
            self.scaler.load_state_dict(self.scaler.state_dict() | counters)
        self.codes = dict(_codes(tensors))
        # The order of `topology` rather than that of the file, which sorts by name.
        if self.topology is not None:
            masks = _under(EXPLORED, tensors)
            self.explored = Topology.from_masks({name: masks[name] for name in self.topology.masks})
        self.momentum = {
            # empty_like keeps the memory layout of the weight, and copy_ moves between devices.
            name: torch.empty_like(self.weights[name]).copy_(average).detach()
            for name, average in _under(MOMENTUM, tensors).items()
        }
        self.epoch = epoch


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size | None]:
    """Of a module's parameters and buffers; whatever else it keeps may be of any shape."""
    # Extra state is serialised by the module itself, and its shape says nothing.
    extra_state = _EXTRA_STATE_KEY_SUFFIX
    return {
        name: None if name.endswith(extra_state) else tensor.shape for name, tensor in state.items()
    }


def _parameters_of(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    """Return all parameters that an optimizer trains, in its order."""
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _moments(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """An optimizer's state by ``<parameter's number>/<name>``."""
    return {
        f"{index}/{name}": value
        for index, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
        if isinstance(value, Tensor)  # SGD keeps None where it has no momentum
    }


def _restore_moments(optimizer: torch.optim.Optimizer, moments: Mapping[str, Tensor]) -> None:
    """Give an optimizer a state that `_moments` returned, laid out in memory as its parameters are.

    With another layout every step would be the same but for rounding.
    """
    parameters = _parameters_of(optimizer)
    state: dict[int, dict[str, Any]] = {}
    for key, tensor in moments.items():
        index, name = key.split("/")
        parameter = parameters[int(index)]
        # Scalars, such as a step counter, have no layout to keep.
        moment = torch.empty_like(parameter) if tensor.shape == parameter.shape else tensor.clone()
        state.setdefault(int(index), {})[name] = moment.detach().copy_(tensor)
    # Groups hold configuration, which comes from the optimizer as it was built.
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def read_topology(tensors: Mapping[str, Tensor], layers: Iterable[str]) -> Topology | None:
    """The topology among a checkpoint's tensors; None for a dense training state.

    A file sorts its tensors by name, but random growth goes through ``layers`` in their own order.
    """
    masks = _under(MASK, tensors)
    return Topology.from_masks({name: masks[name] for name in layers}) if masks else None


def _codes(tensors: Mapping[str, Tensor]) -> Iterator[tuple[str, WeightCode]]:
    """Yield name and code of each weight that a checkpoint holds in fewer bits."""
    for key, codes in _under(CODE, tensors).items():
        kind, _, name = key.partition("/")
        options = _under(f"{OPTION}{name}/", tensors)
        yield (
            name,
            read_code(
                kind,
                codes,
                _under(f"{TABLE}{name}/", tensors),
                {option: int(value) for option, value in options.items()},
            ),
        )


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
