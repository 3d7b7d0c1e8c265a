"""Network builder: fresh classifiers of the spec's model, or of another one, for a run's samples.

It is given to methods, so it holds nothing of the pools.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from safecompress_core.api import Params
from safecompress_core.host import Registry
from safecompress_core.host.boundary import owner_of, raising_as
from safecompress_core.methods.architecture import Architecture
from safecompress_core.networks.classifier import Classifier, ModelFactory
from safecompress_core.networks.layer_shapes import ARCHITECTURE_SHAPES, LayerShapes
from safecompress_core.networks.sparse_layers import SparseRule
from safecompress_core.seeding import Seed
from safecompress_core.specfile.models.run_spec import RunSpec
from safecompress_core.training.precision import choose_precision

__all__ = ["NetworkBuilder"]


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkBuilder:
    """Builder of networks for samples of one shape.

    Attributes:
        spec: its model, representation, sparse layers and precision.
        registry: creates the factories of other models.
        factory: of the spec's model; it has read the data.
        sample: an input, shape (1, ...).
        classes: how many labels there are.
        seed: of initial weights.
        device: where networks compute.
    """

    spec: RunSpec
    registry: Registry
    factory: ModelFactory
    sample: Tensor
    classes: int
    seed: Seed
    device: torch.device

    def create(self, *, seed: Seed | None = None) -> Classifier:
        """Build a fresh network of the spec's model; the same seed gives the same weights."""
        # ``or``: a seed of the caller gives other initial weights, as for held-out models.
        return self._create(self.factory, ARCHITECTURE_SHAPES, seed or self.seed)

    def build(self, model: Params, layer_shapes: LayerShapes = ARCHITECTURE_SHAPES) -> Classifier:
        """Build a fresh network of any model; layers of other shapes are 0."""
        is_own = model is self.spec.task.model
        # The factory of the spec's model has read the data, which a new one has not.
        factory = self.factory if is_own else self.registry.create(model)
        return self._create(factory, layer_shapes, self.seed)

    @property
    def architecture(self) -> Architecture:
        """Return the spec's model, with a builder of others for the same samples."""
        return Architecture(model=self.spec.task.model, build=self.build, sample=self.sample)

    def _create(self, factory: ModelFactory, layer_shapes: LayerShapes, seed: Seed) -> Classifier:
        module = self._build_module(factory, seed.torch())
        # Before the first forward pass, which reads the shapes.
        layer_shapes.apply(module)
        # The first forward pass finds the representation, and runs code of the model.
        with raising_as(owner_of(factory), "the forward pass of what it builds"):
            network = self.wrap(module)
        network.layer_shapes = layer_shapes
        return network

    def build_module(self, generator: torch.Generator) -> nn.Module:
        """Build the spec's model as a plain module."""
        return self._build_module(self.factory, generator)

    def _build_module(self, factory: ModelFactory, generator: torch.Generator) -> nn.Module:
        shape = tuple(self.sample.shape[1:])
        return factory.build(input_shape=shape, classes=self.classes, generator=generator)

    def wrap(self, module: nn.Module) -> Classifier:
        """Make a classifier of a module, on the device and in the memory layout of training."""
        task = self.spec.task
        rule = SparseRule(
            layers=tuple(task.sparsify.layers),
            include=tuple(task.sparsify.include),
            exclude=tuple(task.sparsify.exclude),
        )
        network = Classifier(
            module, sample=self.sample, representation=task.representation, rule=rule
        ).to(self.device)
        precision = choose_precision(self.spec.training, network, self.sample, self.device)
        # Memory layout is part of training: it changes the order of sums.
        precision.apply_memory_format(network)
        return network
