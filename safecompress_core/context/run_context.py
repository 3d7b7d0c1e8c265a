"""All that stands before the first epoch: data, pools and components, built from a spec."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.api import Params
from safecompress_core.context.held_out import train_held_out_models
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.data.canaries import mislabel
from safecompress_core.data.dataset import Dataset, DataSource
from safecompress_core.data.duplicates import without_copies
from safecompress_core.data.labels import unify_labels
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.play import Attack
from safecompress_core.host.boundary import owner_of, raising_as
from safecompress_core.methods.architecture import Architecture, Build
from safecompress_core.methods.method import Method, MethodContext, Recipe, shared_teacher
from safecompress_core.methods.test_driven.evaluator import CandidateEvaluator
from safecompress_core.networks.classifier import Classifier, ModelFactory
from safecompress_core.networks.layer_shapes import ARCHITECTURE_SHAPES, LayerShapes
from safecompress_core.networks.sparse_layers import SparseRule
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.saved_models.input_rows import digests_read
from safecompress_core.saved_models.load import load_network
from safecompress_core.saved_models.model_format import detect_model
from safecompress_core.saved_models.output_labels import align_labels
from safecompress_core.seeding import Seed
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.models.run_spec import RunSpec, Training
from safecompress_core.training.defence import Schedule
from safecompress_core.training.learning_rate import LearningRate
from safecompress_core.training.precision import choose_precision
from safecompress_core.training.trainer import Trainer

__all__ = ["RunContext"]


@dataclass(frozen=True, eq=False)
class RunContext(SpecContext):
    """The spec of a run with everything that it names loaded and built.

    Attributes:
        dataset_cache: what runs of this process have loaded, by their data's parameters; several
            that are given the same one load the same data once.
    """

    dataset_cache: dict[str, Dataset] = field(default_factory=dict, kw_only=True)

    @property
    def spec(self) -> RunSpec:
        """The spec as it was validated."""
        spec: RunSpec = self.loaded.spec
        return spec

    @cached_property
    def original(self) -> Dataset:
        """The data as the model takes them, loaded once, and without copies if the spec says so."""
        prepared = align_labels(self._factory.prepare(self._loaded_data), self._factory.labels)
        prepared = self.with_membership_note(prepared)
        return without_copies(prepared) if self.spec.pools.duplicates == "remove" else prepared

    @cached_property
    def _loaded_data(self) -> Dataset:
        source: DataSource = self.registry.create(self.spec.task.data)
        key = json.dumps(self.loaded.resolved["task"]["data"], sort_keys=True)
        if key not in self.dataset_cache:
            self.dataset_cache[key] = unify_labels(source.load())
        return self.dataset_cache[key]

    @cached_property
    def _factory(self) -> ModelFactory:
        factory: ModelFactory = self.registry.create(self.spec.task.model)
        return factory

    @cached_property
    def dataset(self) -> Dataset:
        """The data of the run: canaries, if there are any, have a wrong label."""
        canaries = self.pools.canaries if self.spec.pools.canaries else None
        if canaries is None:
            return self.original
        generator = self.seed.child("canaries").torch()
        return mislabel(self.original, canaries, generator=generator)

    @cached_property
    def pools(self) -> SamplePools:
        """Return the pools, split once."""
        generator = self.seed.child("pools", "reference").torch()
        return self._whole_pools.with_reference(self.spec.pools.reference, generator=generator)

    @cached_property
    def _whole_pools(self) -> SamplePools:
        """Before a defence gets its part."""
        declared = self.spec.pools
        shares = (declared.attack_train, declared.select, declared.audit)
        return self.cut(declared.members, shares, canaries=declared.canaries)

    @cached_property
    def method(self) -> Method:
        """Return the method."""
        method: Method = self.registry.create(self.spec.method)
        return method

    @cached_property
    def attacks(self) -> tuple[Attack, ...]:
        """Return the attacks that test candidates."""
        return tuple(self.build_attacks(self.spec.attackers))

    @cached_property
    def create_network(self) -> Callable[[], Classifier]:
        """Makes a fresh network; the same weights at every call."""
        return partial(self._make, self._factory)

    @cached_property
    def build_network(self) -> Build:
        """Makes a fresh network of any model, for samples as the spec's model takes them."""
        create, make = self.registry.create, self._make
        declared, own = self.spec.task.model, self._factory  # it has read the data already

        def built(model: Params, layer_shapes: LayerShapes = ARCHITECTURE_SHAPES) -> Classifier:
            return make(own if model is declared else create(model), layer_shapes)

        return built

    @property
    def architecture(self) -> Architecture:
        """The spec's model, and what else can be built for the same samples."""
        return Architecture(
            model=self.spec.task.model, build=self.build_network, sample=self.sample
        )

    @cached_property
    def _make(self) -> Callable[..., Classifier]:
        """Makes a network of what a factory builds, by another seed if one is given.

        It holds nothing of the pools.
        """
        seed, build, wrap = self.seed.child("network"), self._module, self._wrap

        def made(
            factory: ModelFactory,
            layer_shapes: LayerShapes = ARCHITECTURE_SHAPES,
            *,
            seed: Seed = seed,
        ) -> Classifier:
            module = build(factory, seed.torch())
            layer_shapes.apply(module)
            with raising_as(owner_of(factory), "the forward pass of what it builds"):
                network = wrap(module)
            network.layer_shapes = layer_shapes
            return network

        return made

    @cached_property
    def _module(self) -> Callable[[ModelFactory, torch.Generator], nn.Module]:
        """Builds what a factory makes for the samples; it holds nothing of the pools."""
        shape, classes = tuple(self.dataset.inputs.shape[1:]), len(self.dataset.classes)

        def built(factory: ModelFactory, generator: torch.Generator) -> nn.Module:
            return factory.build(input_shape=shape, classes=classes, generator=generator)

        return built

    @cached_property
    def _wrap(self) -> Callable[[nn.Module], Classifier]:
        """Makes a classifier of a module, on its device and laid out; it holds no pools."""
        training, sample, task, device = (
            self.spec.training,
            self.sample,
            self.spec.task,
            self.device,
        )
        rule = SparseRule(
            layers=tuple(task.sparsify.layers),
            include=tuple(task.sparsify.include),
            exclude=tuple(task.sparsify.exclude),
        )

        def wrapped(module: nn.Module) -> Classifier:
            network = Classifier(
                module, sample=sample, representation=task.representation, rule=rule
            ).to(device)
            choose_precision(training, network, sample, device).apply_memory_format(network)
            return network

        return wrapped

    def load_network(self, path: Path) -> Classifier:
        """A model file of this run as a network, with its weights, masks, shapes and guard."""
        given = detect_model(path, allow_code=False)
        is_own = given.model_metadata.get("model") == self.model_metadata["model"]
        found = load_network(
            given,
            registry=self.registry,
            allow_code=self.loaded.allow_code,
            build=partial(self._module, self._factory) if is_own else None,
        )
        return found.to(self.device).as_classifier(self._wrap(found.module))

    @cached_property
    def model_metadata(self) -> dict[str, Any]:
        """Return the metadata of a model file."""
        model, data, encoder = self.spec.task.model, self.spec.task.data, self.dataset.encoder
        model_metadata = {
            "model": model.model_dump(mode="json"),
            "input_shape": list(self.dataset.inputs.shape[1:]),
            "classes": list(self.dataset.classes),
        }
        if encoder is not None:
            name = definition_of(data).name
            model_metadata["encoder"] = {"data": name, "record": dict(encoder.record)}
        read = digests_read(definition_of(model), model)
        return model_metadata | ({"reads": read} if read else {})

    @cached_property
    def recipe(self) -> Recipe:
        """Return the recipe of training."""
        training = self.spec.training
        return Recipe(
            epochs=training.epochs,
            learning_rate=training.learning_rate,
            optimizer=_optimizer(training),
            precision=choose_precision(training, self.create_network(), self.sample, self.device),
        )

    @property
    def schedule(self) -> Schedule:
        """Return the length of training in a whole run."""
        return self._trainer.schedule

    @cached_property
    def _trainer(self) -> Trainer:
        return self._trains(self.pools.members, self.seed.child("training"))

    @cached_property
    def _trains(self) -> Callable[[Tensor, Seed], Trainer]:
        """Makes a trainer for some samples; it holds nothing of the pools but the reference."""
        training, reference = self.spec.training, self.pools.reference
        dataset, device, precision = self.dataset, self.device, self.recipe.precision

        def made(members: Tensor, seed: Seed) -> Trainer:
            return Trainer(
                dataset,
                members,
                batch_size=training.batch_size,
                device=device,
                seed=seed,
                epochs=training.epochs,
                learning_rate=LearningRate(shape=training.schedule, warmup=training.warmup),
                clip_norm=training.clip_norm,
                precision=precision,
                reference=reference,
            )

        return made

    def _trains_part(self, events: EventLog) -> Callable[[Tensor, Seed], Trainer]:
        """Makes a trainer for a part of the members, which tells of its steps.

        Methods get it, so it holds no preparation, from which the audit pool could be reached.
        """
        trains, members = self._trains, len(self.pools.members)

        def made(rows: Tensor, seed: Seed) -> Trainer:
            share = len(rows) / members
            return trains(rows, seed).with_listener(partial(events.add_step, share=share))

        return made

    def method_context(
        self,
        unit: str,
        *,
        big: Classifier | None,
        checkpoints: Checkpoints,
        archived: Callable[[str], Path],
        events: EventLog,
    ) -> MethodContext:
        """Return the context of a method.

        Args:
            unit: names the method's own branch of the seed.
            big: the trained uncompressed network, where there is one already.
            checkpoints: where the method keeps what it has reached.
            archived: the file of a model of the archive.
            events: the event log.
        """
        blank = self.create_network

        def original() -> Classifier:
            return copy.deepcopy(big) if big is not None else blank()

        make, factory, epochs = self._make, self._factory, self.recipe.epochs

        def train_model(trainer: Trainer, seed: Seed) -> Classifier:
            state = context.new_state(make(factory, seed=seed), None, context.settings([]))
            what = "a model of a part of the members"
            trainer.train(state, until=epochs, topology_schedule=None, what=what)
            return state.network

        evaluator = CandidateEvaluator(
            self.attacks,
            self.performance[1],
            dataset=self.dataset,
            pools=self.pools,
            create=self.registry.create,
            events=events,
            seed=self.seed.child("select"),
        )
        context = MethodContext(
            recipe=self.recipe,
            trainer=self._trainer.with_listener(events.add_step),
            evaluator=evaluator,
            aggregator=self.registry.create(self.spec.choose),
            create_component=self.registry.create,
            create_network=blank,
            copy_uncompressed=original,
            teacher=shared_teacher(original),
            data_card=self.dataset.card,
            architecture=self.architecture,
            seed=self.seed.child(unit),
            checkpoints=checkpoints,
            archive_path=archived,
            held_out=train_held_out_models(
                self.dataset,
                self.pools.members,
                seed=self.seed.child("held-out"),
                trainer=self._trains_part(events),
                epochs=epochs,
                train_model=train_model,
                checkpoints=checkpoints,
                events=events,
            ),
            model_metadata=self.model_metadata,
            events=events,
        )
        return context


def _optimizer(training: Training) -> Callable[[list[nn.Parameter], float], torch.optim.Optimizer]:
    """Build the optimizer of the spec's training section."""

    def adam(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=learning_rate, weight_decay=training.weight_decay)

    def adamw(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=training.weight_decay)

    def sgd(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters,
            lr=learning_rate,
            momentum=training.momentum,
            weight_decay=training.weight_decay,
        )

    return {"adam": adam, "adamw": adamw, "sgd": sgd}[training.optimizer]
