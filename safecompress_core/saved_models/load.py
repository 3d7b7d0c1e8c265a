"""Model loading: the one way from a file or folder to a network.

- What a file holds is detected from its content (`safecompress_core.saved_models.model_format`).
- The network is built from the caller's architecture, or from the one that a file of SafeCompress
  names; its layers take the shapes in the file, then the weights are checked and loaded.
- Masks, layer shapes and the output guard of a file of SafeCompress come along.
- A model of outputs only (exported program, TorchScript, ONNX) is wrapped as a module.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.data.dataset import Inputs
from safecompress_core.errors import ModelError, SafeCompressError, StorageError, TopologyError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.networks.classifier import Classifier, ModelFactory
from safecompress_core.networks.input_rounding import InputRange, round_inputs
from safecompress_core.networks.layer_shapes import ARCHITECTURE_SHAPES, LayerShapes
from safecompress_core.networks.output_guard import GuardedClassifier
from safecompress_core.networks.sparse_layers import DEFAULT_RULE, sparsifiable_weights
from safecompress_core.saved_models.exported import load_exported
from safecompress_core.saved_models.input_rows import RowEncoder
from safecompress_core.saved_models.model_format import Format, GivenModel, detect_model
from safecompress_core.saved_models.objects.memory_model import MemoryModel
from safecompress_core.saved_models.outputs import OutputReader
from safecompress_core.saved_models.rebuild import factory_of, guarding_of
from safecompress_core.saved_models.shipped_model import ShippedModel
from safecompress_core.saved_models.state_dict import fill, list_first
from safecompress_core.saved_models.storage import load_model
from safecompress_core.sparse.topology import Masks, Topology
from safecompress_core.training.defence import Defence

__all__ = ["BuildModule", "LoadedModel", "Questions", "load_classifier", "load_network"]

BuildModule = Callable[[torch.Generator], nn.Module]
"""Builds a network that the weights of a file are loaded into; initial weights are drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """The samples that a model will be queried about, and how its outputs are read.

    Attributes:
        inputs: shape (N, ...).
        reading: which outputs count.
    """

    inputs: Tensor | Inputs
    reading: OutputReader


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """A model with everything that its file says of it.

    Attributes:
        module: from samples to outputs, in eval mode.
        parameters: how many it has; None if its file does not say.
        topology: its active weights; None if its file does not say.
        layer_shapes: how its layers differ from those of its architecture.
        rounded_inputs: the layers whose inputs are rounded, by name.
        guarding: the defence whose guard perturbs its outputs; None without one.
        factory: what built the architecture that its file names; None if the caller built it.
        device: where it takes samples.
        notes: what is done to samples and outputs, for the data card.
        total: what the probabilities of an answer sum to, 1 or 100; None for logits.
    """

    module: nn.Module
    parameters: int | None
    topology: Topology | None = None
    layer_shapes: LayerShapes = ARCHITECTURE_SHAPES
    rounded_inputs: Mapping[str, InputRange] = field(default_factory=dict)
    guarding: Defence | None = None
    factory: ModelFactory | None = None
    device: torch.device = torch.device("cpu")  # noqa: RUF009  immutable
    notes: tuple[str, ...] = ()
    total: float | None = None

    def to(self, device: torch.device) -> "LoadedModel":
        """Move network and guard to a device."""
        guarding = None if self.guarding is None else self.guarding.to(device)
        return replace(self, module=self.module.to(device), guarding=guarding, device=device)

    def as_classifier(self, network: Classifier) -> Classifier:
        """Give a classifier around ``module`` the file's topology, layer shapes and guard."""
        # The module rounds by itself; the classifier knows of it, so that it is stored again.
        network.rounded_inputs = self.rounded_inputs
        network.topology = self.topology
        network.layer_shapes = self.layer_shapes
        guard = None if self.guarding is None else self.guarding.guard
        return network if guard is None else GuardedClassifier(network, guard)

    @cached_property
    def sizes(self) -> dict[str, Any]:
        """Densities and counts, JSON-ready; None for what is not known.

        Without a topology, the weights that are not 0 count as active.
        """
        counted = self._masks()
        weights = sum(mask.numel() for mask in counted.values())
        if self.parameters is None or not weights:
            # Unknown densities stay None: 1.0 would claim a dense model.
            unknown = dict.fromkeys(("density", "model_density", "sparsifiable", "active"))
            return {**unknown, "parameters": self.parameters}
        active = sum(int(mask.sum()) for mask in counted.values())
        # Weights outside sparsifiable layers (biases, norms) always count as active.
        left = self.parameters - weights + active
        return {
            "density": active / weights,
            "model_density": left / self.parameters,
            "sparsifiable": weights / self.parameters,
            "parameters": self.parameters,
            "active": left,
        }

    def _masks(self) -> Masks:
        if self.topology is not None:
            return self.topology.masks
        try:
            weights = sparsifiable_weights(self.module, DEFAULT_RULE)
        except TopologyError:  # no layer of a kind that can be sparse
            return {}
        return {name: weight != 0 for name, weight in weights.items()}


def load_network(
    given: GivenModel,
    *,
    registry: Registry,
    allow_code: bool,
    build: BuildModule | None = None,
    questions: Questions | None = None,
) -> LoadedModel:
    """Load a model of any format.

    Args:
        given: the file or folder, with its format.
        registry: what is installed.
        allow_code: whether code that the file names may be imported and run.
        build: builds the architecture; None to build the one that the file names.
        questions: what an audit will query it about; a model of outputs only needs them.

    Raises:
        StorageError: if its file is damaged, holds what is never loaded, or names what is not
            installed or not allowed.
        ModelError: if weights and architecture do not fit each other.
        MissingExtraError: if a package is missing.
    """
    # Samples are what the model answered, so nothing is left to compute.
    if given.format.is_answered:
        return LoadedModel(module=nn.Identity(), parameters=None)
    if isinstance(given, MemoryModel):
        return _as_loaded_model(given.copy_module())
    # Outputs only: there are no weights to load, and the samples decide dtype and batch.
    if given.format.access is Access.BLACK_BOX:
        assert questions is not None  # an audit, the one caller with such formats, has them
        exported = load_exported(
            given.path, given.format, inputs=questions.inputs, reading=questions.reading
        )
        return LoadedModel(
            module=exported.module.eval(), parameters=exported.parameters, notes=exported.notes
        )
    if given.model_metadata:
        # Shape first: its error names the data, where a failed forward pass names a layer.
        if questions is not None:
            _require_shape(given, tuple(questions.inputs.shape[1:]))
        return _load_own(given, registry, build, allow_code=allow_code)
    assert build is not None  # such a file names no architecture, so the spec has one
    # Any seed: each initial weight is replaced by the file's.
    module = build(_generator(0))
    if given.format is Format.HUGGINGFACE:
        # Two builds with different seeds agree only in weights that came from the folder.
        _require_learned(module, build(_generator(1)), given, questions)
    else:
        fill(module, _plain(given.path), origin=given.path)
    return _as_loaded_model(module)


def load_classifier(
    path: str | Path,
    *,
    network: nn.Module | None = None,
    allow_code: bool = False,
    registry: Registry | None = None,
) -> ShippedModel:
    """Return the model of a file, in eval mode and on the CPU.

    Args:
        path: what ``safecompress run`` has written.
        network: is filled with the file's weights, instead of a network that the file's metadata
            describe; of the shapes of the architecture, or of those that the file holds.
        allow_code: whether code that the file's metadata name may be imported and run, from a
            folder that they name.
        registry: what is installed; loaded if none is given.

    Raises:
        StorageError: if the file cannot be read, names what is not installed, does not fit, or
            names code that is not allowed.
    """
    path = Path(path)
    given = detect_model(path, allow_code=True)  # formats with code are refused below
    if not given.model_metadata:
        raise StorageError(f"{path}: was not written by SafeCompress")
    # Plugins are loaded only if needed, since that imports every installed distribution.
    registry = registry or load_plugins().registry
    build = None if network is None else lambda _: network
    try:
        classes = tuple(map(str, given.model_metadata["classes"]))
        loaded = load_network(given, registry=registry, allow_code=allow_code, build=build)
    except (KeyError, TypeError, ValueError, RuntimeError, SafeCompressError) as error:
        reason = " ".join(str(error).removeprefix(f"{path}: ").split())
        raise StorageError(f"{path}: its model cannot be made again: {reason}") from error
    # A factory may have placed the network on another device than the guard.
    loaded = loaded.to(torch.device("cpu"))
    guard = None if loaded.guarding is None else loaded.guarding.guard
    rows = RowEncoder(given.model_metadata, registry, loaded.factory)
    return ShippedModel(loaded.module, guard, classes, rows).eval()


def _load_own(
    given: GivenModel, registry: Registry, build: BuildModule | None, *, allow_code: bool
) -> LoadedModel:
    """Load a file of SafeCompress."""
    stored = load_model(given.path)
    factory = None
    if build is None:
        factory = factory_of(registry, stored.metadata, allow_code=allow_code)
        module = factory.build(
            input_shape=tuple(stored.metadata["input_shape"]),
            classes=len(stored.metadata["classes"]),
            generator=_generator(0),
        )
    else:
        module = build(_generator(0))
    layer_shapes = LayerShapes.from_json(stored.metadata.get("reshaping", {}))
    # Only if shapes differ: a caller's network may already have the shapes of the file.
    if _shapes(module.state_dict()) != _shapes(stored.state):
        layer_shapes.apply(module)
    # Before the guard: a damaged network is the error to report first.
    fill(module, stored.state, origin=given.path)
    round_inputs(module, stored.inputs)
    guarding = guarding_of(registry, stored, allow_code=allow_code)
    return replace(
        _as_loaded_model(module),
        rounded_inputs=stored.inputs,
        topology=stored.topology,
        layer_shapes=layer_shapes,
        guarding=guarding,
        factory=factory,
    )


def _as_loaded_model(module: nn.Module) -> LoadedModel:
    parameters = sum(parameter.numel() for parameter in module.parameters())
    return LoadedModel(module=module.eval(), parameters=parameters)


def _shapes(state: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in state.items()}


def _generator(seed: int) -> torch.Generator:
    """Return a generator of initial weights, which those of the file replace."""
    return torch.Generator().manual_seed(seed)


def _plain(path: Path) -> Mapping[str, Tensor]:
    """Read the weights of a safetensors file that others have written."""
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{path}: cannot be read as safetensors: {error}") from error


def _require_shape(given: GivenModel, shape: tuple[int, ...]) -> None:
    wanted = given.model_metadata.get("input_shape")
    if wanted is not None and tuple(wanted) != shape:
        raise ModelError(
            f"the model takes samples of shape {tuple(wanted)}, and these have {shape}",
            hint="give the data that it was made for, read in the same way",
        )


def _require_learned(
    module: nn.Module, other: nn.Module, given: GivenModel, questions: Questions | None
) -> None:
    """Refuse a pretrained model with weights that differ between two builds: they were drawn."""
    again = other.state_dict()
    drawn = [
        name for name, tensor in module.state_dict().items() if not torch.equal(tensor, again[name])
    ]
    if drawn:
        data = "" if questions is None else f", and the data have {len(questions.reading.classes)}"
        raise ModelError(
            f"{given.path} has no weights of the right size for {list_first(drawn)}; it knows "
            f"{len(given.labels)} labels{data}",
            hint="name a folder with a trained classifier, and data with its labels",
        )
