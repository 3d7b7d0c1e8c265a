"""Sparse training from the first step, as several methods use it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch

from safecompress_core.api import Params, SparseTrainingParams, Start
from safecompress_core.errors import TopologyError
from safecompress_core.methods.method import MethodContext
from safecompress_core.networks.classifier import Classifier
from safecompress_core.problems import Problem, SpecPath
from safecompress_core.sparse.allocation import erdos_renyi
from safecompress_core.sparse.reallocation import reallocate
from safecompress_core.sparse.strategy import Initial, LossGradients
from safecompress_core.sparse.topology import Topology
from safecompress_core.specfile.models.changes import LAYER_DENSITY, expand
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.names import offer
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import TopologySchedule
from safecompress_core.training.training_state import TrainingState

__all__ = ["SparseTraining"]

Create = Callable[[Params], Any]


class SparseTraining:
    """Start of sparse networks and schedule of their topology.

    Args:
        params: of the method.
        rules: the prune and grow parts that a training state's ``settings.rule`` picks from.
        starts: whether the method trains models from several kinds of weights.
    """

    def __init__(
        self,
        params: SparseTrainingParams,
        rules: Sequence[tuple[Params, Params]],
        *,
        starts: bool = False,
    ) -> None:
        self._params = params
        self._rules = rules
        self._has_starts = starts

    @property
    def starts(self) -> tuple[Start, ...]:
        """Return the kinds of weights that models start from: ``InitialParams.starts``."""
        initial: Any = self._params.initial
        starts: tuple[Start, ...] = initial.starts
        return starts

    @property
    def start(self) -> Start:
        """Return the source of the first model's weights."""
        return self.starts[0]

    def check(
        self,
        network: Classifier,
        create: Create,
        changes: Sequence[Mapping[str, Any]] = (),
    ) -> Iterator[Problem]:
        """Each layer needs a weight, and most methods start from one kind of weights.

        Args:
            network: as it is before training.
            create: builds a component from its parameters.
            changes: ``set`` of each of the method's strategies, whose densities are checked too.
        """
        if len(self.starts) > 1 and not self._has_starts:
            yield Problem(
                path=("initial", "weights"),
                message=f"{definition_of(self._params).name} starts from one kind of weights",
                hint=f"write {' or '.join(self.starts)}",
            )
        initial: Initial = create(self._params.initial)
        weights = {name: one.detach() for name, one in network.sparse_parameters().items()}
        # Only counts matter here, and the true slopes take samples.
        loss_gradients = LossGradients(
            gradients=weights, curvature=weights if initial.needs_curvature else None
        )
        yield from _unknown_layers(weights, changes)
        for path, density in self._densities(changes):
            try:
                self._initial_topology(
                    initial,
                    network,
                    density=density,
                    start=self.start,
                    generator=torch.Generator(),
                    slopes=lambda: loss_gradients,
                )
            except TopologyError as error:
                yield Problem(path=path, message=str(error), hint="ask for more")

    def _densities(self, changes: Sequence[Mapping[str, Any]]) -> Iterator[tuple[SpecPath, float]]:
        """Yield every density that the spec names, factors by what they first lead to."""
        yield ("density",), self._params.density
        for index, strategy in enumerate(changes):
            path = ("strategies", index, "set", "density")
            if "density" in strategy:
                options = expand({"density": strategy["density"]})
                densities = [each["density"].apply(self._params.density) for each in options]
                # Of several, only the lowest can leave a layer empty that the others do not.
                yield path, min(densities)

    def settings(self, context: MethodContext) -> Settings:
        """Return the initial settings of a model."""
        return context.settings(
            self._params.defences,
            density=self._params.density,
            update_fraction=self._params.update_fraction,
        )

    def topology_schedule(self, context: MethodContext) -> TopologySchedule:
        """Return the schedule of topology updates."""
        params = self._params
        return TopologySchedule(
            rules=tuple(
                (context.create_component(prune), context.create_component(grow))
                # Created once: all models of the run share the rules.
                for prune, grow in self._rules
            ),
            every=params.update_every,
            schedule=params.schedule,
            until=params.update_until * context.recipe.epochs,
        )

    def facts(
        self, context: MethodContext, state: TrainingState, *, start: Start | None = None
    ) -> dict[str, Any]:
        """Return facts about the origin and history of a model's weights for the results.

        ``start`` is what the model started from, by default the first kind that the spec names.
        ``explored`` is the share of all sparsifiable weights that have been active at any time
        since the first topology, in (0, 1]; reported where the topology is updated, with the facts
        of the prune rules. ``layers`` has the density of each layer, next to the one that an
        Erdős–Rényi kernel topology of the same density has.

        Source: Liu et al. 2021, "Do We Actually Need Dense Over-Parameterization? In-Time
        Over-Parameterization in Sparse Training", ICML: the rate R_s.
        """
        facts: dict[str, Any] = {}
        if (start or self.start) == "inherit":
            # Inherited weights were trained before, which a comparison of budgets has to state.
            facts["inherited_epochs"] = context.recipe.epochs
        assert state.topology is not None  # it is sparse
        facts["layers"] = _layer_densities(state.topology)
        if self._rules:
            assert state.explored is not None
            facts["explored"] = state.explored.density
            for prune, _ in self._rules:
                facts |= context.create_component(prune).facts(state.topology)
        return facts

    def create_state(
        self, context: MethodContext, settings: Settings, *, start: Start | None = None
    ) -> TrainingState:
        """An untrained training state with the first topology, of the settings' density.

        Args:
            context: of the method.
            settings: of the model.
            start: what its weights are; by default the first kind that the spec names.
        """
        start = start or self.start
        # "pretrained" weights come with the fresh network, so only "inherit" needs a copy.
        network = context.copy_uncompressed() if start == "inherit" else context.create_network()
        initial: Initial = context.create_component(self._params.initial)
        generator = context.seed.child("initial").torch()
        topology = self._initial_topology(
            initial,
            network,
            density=settings.density,
            start=start,
            generator=generator,
            slopes=lambda: context.trainer.loss_gradients(
                network, batches=initial.gradient_batches, curvature=initial.needs_curvature
            ),
        )
        if settings.layers:
            topology = reallocate(
                topology,
                network.sparse_parameters(),
                settings.layers,
                by_magnitude=start != "random",
                generator=generator,
            )
        return context.new_state(network, topology, settings)

    def _initial_topology(
        self,
        initial: Initial,
        network: Classifier,
        *,
        density: float,
        start: Start,
        generator: torch.Generator,
        slopes: Callable[[], LossGradients],
    ) -> Topology:
        weights = network.sparse_parameters()
        # A lambda, since gradients cost batches and are computed only on request.
        asked = {"loss_gradients": _on_cpu(slopes())} if initial.gradient_batches else {}
        return initial.topology(
            {name: weight.detach().cpu() for name, weight in weights.items()},
            density,
            inherited=start != "random",
            generator=generator,
            **asked,
        )


def _unknown_layers(
    weights: Mapping[str, Any], changes: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Report every change of the density of a layer that the network does not have."""
    for index, strategy in enumerate(changes):
        for key in strategy:
            layer = key.removeprefix(LAYER_DENSITY)
            if key.startswith(LAYER_DENSITY) and layer not in weights:
                yield Problem(
                    path=("strategies", index, "set", key),
                    message=f"no layer that may be sparse has a weight called {layer!r}",
                    hint=offer(layer, weights),
                    at_key=True,
                )


def _layer_densities(topology: Topology) -> list[dict[str, Any]]:
    """Return each layer's density, and that of an Erdős–Rényi kernel topology as dense."""
    shapes = topology.shapes
    try:
        expected = erdos_renyi(shapes, topology.density, kernel=True)
    # So sparse that the rule would empty a layer.
    except TopologyError:
        expected = {}
    sizes = {name: math.prod(shape) for name, shape in shapes.items()}
    return [
        {
            "name": name,
            "density": active / sizes[name],
            "erdos_renyi": expected[name] / sizes[name] if expected else None,
        }
        for name, active in topology.active().items()
    ]


def _on_cpu(loss_gradients: LossGradients) -> LossGradients:
    """Topologies are chosen there, whatever device trains."""
    curvature = loss_gradients.curvature
    return LossGradients(
        gradients={name: gradient.cpu() for name, gradient in loss_gradients.gradients.items()},
        # ``and`` keeps None, which means that no curvature was asked for.
        curvature=curvature and {name: tensor.cpu() for name, tensor in curvature.items()},
    )
