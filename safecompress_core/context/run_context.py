"""Run context: data, pools, networks and training of a run, built from its spec."""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

from torch import Tensor

from safecompress_core.api import Need, component_id
from safecompress_core.context.held_out import train_held_out_models
from safecompress_core.context.network_builder import NetworkBuilder
from safecompress_core.context.samples import NetworkSamples, RunSamples
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.context.trainer_factory import TrainerFactory
from safecompress_core.context.twin_samples import TwinSamples
from safecompress_core.data.dataset import Dataset
from safecompress_core.host import Registry
from safecompress_core.methods.architecture import Architecture
from safecompress_core.methods.finisher import finish_model
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import (
    Method,
    MethodContext,
    MethodPart,
    Recipe,
    shared_teacher,
)
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.networks.classifier import Classifier
from safecompress_core.plan import chooses_by_tests
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.environment import threads_for
from safecompress_core.results.events import EventLog
from safecompress_core.saved_models.input_rows import digests_read
from safecompress_core.saved_models.load import load_network
from safecompress_core.saved_models.model_format import detect_model
from safecompress_core.seeding import Seed
from safecompress_core.specfile.checks.measure_checks import measure_weights
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.models.run_spec import RunSpec
from safecompress_core.training.defence import Schedule
from safecompress_core.training.precision import choose_precision
from safecompress_core.training.trainer import Trainer

__all__ = ["PartsElsewhere", "RunContext", "build_run_context"]

PartsElsewhere = Callable[[Sequence[MethodPart]], Iterator[MethodPart]]
"""Does parts of a method's work in other processes, and yields each that is done."""


@dataclass(frozen=True, eq=False, kw_only=True)
class RunContext(SpecContext):
    """The spec of a run with everything that it names, loaded and built when first used.

    Attributes:
        samples: data and pools, with the factory of networks for them.
        trainer_of: makes the trainer of the members.
    """

    samples: NetworkSamples
    trainer_of: Callable[["RunContext"], Trainer]

    @property
    def spec(self) -> RunSpec:
        """The spec as it was validated."""
        spec: RunSpec = self.loaded.spec
        return spec

    @cached_property
    def method(self) -> Method:
        """Return the method."""
        method: Method = self.registry.create(self.spec.method)
        return method

    @cached_property
    def networks(self) -> NetworkBuilder:
        """Return the builder of fresh networks."""
        return NetworkBuilder(
            spec=self.spec,
            registry=self.registry,
            factory=self.samples.factory,
            sample=self.sample,
            classes=len(self.dataset.classes),
            seed=self.seed.child("network"),
            device=self.device,
        )

    @cached_property
    def create_network(self) -> Callable[[], Classifier]:
        """Build a fresh network; the same weights at every call."""
        return self.networks.create

    @property
    def architecture(self) -> Architecture:
        """Return the spec's model, with a builder of others for the same samples."""
        return self.networks.architecture

    def load_network(self, path: Path) -> Classifier:
        """Load a model file of this run, with its weights, topology, layer shapes and guard."""
        # Not needed for our own files, which hold weights only.
        given = detect_model(path, allow_code=False)
        is_own = given.model_metadata.get("model") == self.model_metadata["model"]
        loaded = load_network(
            given,
            registry=self.registry,
            allow_code=self.loaded.allow_code,
            # Only for the spec's own architecture; another one is rebuilt from the file.
            build=self.networks.build_module if is_own else None,
        )
        return loaded.to(self.device).as_classifier(self.networks.wrap(loaded.module))

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
        # Files next to the model, such as a tokenizer, are recorded by hash.
        read = digests_read(definition_of(model), model)
        return model_metadata | ({"reads": read} if read else {})

    @cached_property
    def trainers(self) -> TrainerFactory:
        """Return the factory of trainers."""
        training = self.spec.training
        return TrainerFactory(
            training=training,
            dataset=self.dataset,
            reference=self.pools.reference,
            device=self.device,
            # ``auto`` depends on the network: bfloat16 is faster only if layers reuse their
            # weights.
            precision=choose_precision(training, self.create_network(), self.sample, self.device),
        )

    @cached_property
    def threads(self) -> int:
        """Return the number of torch threads, on which rounding depends."""
        return threads_for(self.create_network(), self.sample, wanted=self.spec.training.threads)

    @property
    def recipe(self) -> Recipe:
        """Return the recipe of training."""
        return self.trainers.recipe

    @property
    def schedule(self) -> Schedule:
        """Return the length of training in a whole run."""
        return self._trainer.schedule

    @property
    def has_twins(self) -> bool:
        """Return whether the method trains swap twins for an attack that compares with one."""
        is_asked = any(Need.TWIN in attack.needs for attack in self.attacks)
        return is_asked and definition_of(self.spec.method).has_twins

    @cached_property
    def twin_samples(self) -> TwinSamples:
        """Return the samples of the models' swap twins."""
        return TwinSamples(origin=self.samples, seed=self.seed)

    @cached_property
    def _trainer(self) -> Trainer:
        return self.trainer_of(self)

    def _trains_part(self, events: EventLog) -> Callable[[Tensor, Seed], Trainer]:
        """Makes a trainer for a part of the members, which reports its steps.

        Methods get it, so it holds no preparation, from which the audit pool could be reached.
        """
        create, members = self.trainers.create, len(self.pools.members)

        def make(rows: Tensor, seed: Seed) -> Trainer:
            # Of fewer members an epoch is shorter, which the time estimate must know.
            share = len(rows) / members
            return create(rows, seed).with_listener(partial(events.add_step, share=share))

        return make

    def method_context(
        self,
        unit: str,
        *,
        big: Callable[[], Classifier] | None,
        checkpoints: Checkpoints,
        archived: Callable[[str], Path],
        events: EventLog,
        do_parts: PartsElsewhere | None = None,
    ) -> MethodContext:
        """Return the context of a method.

        Args:
            unit: names the method's own branch of the seed.
            big: returns the trained uncompressed network, where there is one: a method gets
                copies. None for a fresh one.
            checkpoints: where the method keeps what it has reached.
            archived: the file of a model of the archive.
            events: the event log.
            do_parts: does parts of the method's work elsewhere; None for here.
        """
        create_network = self.create_network

        def original() -> Classifier:
            # A copy every time, since methods train what they get.
            return create_network() if big is None else copy.deepcopy(big())

        create, epochs = self.networks.create, self.recipe.epochs

        def train_model(trainer: Trainer, seed: Seed) -> Classifier:
            # No defences: held-out answers are those of plainly trained models.
            state = context.new_state(create(seed=seed), None, context.settings([]))
            what = "a model of a part of the members"
            trainer.train(state, until=epochs, topology_schedule=None, what=what)
            return state.network

        metrics = {component_id(params): params for params in self.spec.metrics}
        evaluator = CandidateEvaluator(
            self.attacks,
            self.performance[1],
            dataset=self.dataset,
            pools=self.pools,
            # Only where an attack compares with a twin: a pool may be too small to exchange.
            exchanged=self.twin_samples.exchanged if self.has_twins else None,
            create=self.registry.create,
            events=events,
            # A branch of its own: adding an attacker leaves the training unchanged.
            seed=self.seed.child("select"),
            measures={
                name: self.registry.create(metrics[name]) for name in measure_weights(self.spec)
            },
        )
        context = MethodContext(
            recipe=self.recipe,
            trainer=self._trainer.with_listener(events.add_step),
            evaluator=evaluator,
            aggregator=self.registry.create(self.spec.choose),
            create_component=self.registry.create,
            create_network=create_network,
            copy_uncompressed=original,
            teacher=shared_teacher(original),
            chooses=chooses_by_tests(self.spec),
            data_card=self.dataset.card,
            architecture=self.architecture,
            # ``unit`` separates baseline and method, so that neither shifts the other's draws.
            seed=self.seed.child(unit),
            checkpoints=checkpoints,
            archive_path=archived,
            finish=partial(
                finish_model,
                stages=self.spec.method.finish,
                create_component=self.registry.create,
                calibration=self._calibration(),
            ),
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
            twin=self._twin_context(
                unit,
                inherits=big is not None,
                checkpoints=checkpoints.within("twin"),
                archived=archived,
                events=events.for_inner_work(),
            )
            if self.has_twins
            else None,
            do_parts=do_parts,
        )
        return context

    def _calibration(self) -> Callable[[], Tensor]:
        """Make what returns the inputs of the members of *attack-train*, for finishers.

        Methods get it, so it holds no context, from which the audit pool could be reached.
        """
        inputs, members = self.dataset.inputs, self.pools.attack_train.members
        return lambda: inputs[members]

    @cached_property
    def _twin(self) -> "RunContext":
        """Return the context of the swap twins, whose trainer all methods of the run share."""
        return replace(self, samples=self.twin_samples, selecting=())

    def _twin_context(
        self,
        unit: str,
        *,
        inherits: bool,
        checkpoints: Checkpoints,
        archived: Callable[[str], Path],
        events: EventLog,
    ) -> MethodContext:
        """Return the same context on the twin's pools, whose big model is a twin as well.

        A twin that inherited from the run's own uncompressed model would know the exchanged
        samples.
        """
        twin = self._twin
        # Built here, since a method could reach the audit pool through the run's context.
        context = twin.method_context(
            "baseline",
            big=None,
            checkpoints=checkpoints.within("uncompressed"),
            archived=archived,
            events=events,
        )

        @cache
        def big() -> Classifier:
            return Uncompressed(UncompressedParams()).run(context).chosen.network

        return twin.method_context(
            unit,
            big=big if inherits else None,
            checkpoints=checkpoints,
            archived=archived,
            events=events,
        )


def build_run_context(
    loaded: LoadedSpec[Any], registry: Registry, *, dataset_cache: dict[str, Dataset] | None = None
) -> RunContext:
    """Build the context of a run from its spec.

    Args:
        loaded: a valid spec.
        registry: what its components are made of.
        dataset_cache: what other runs of this process have loaded; see `RunSamples`.
    """
    seed = Seed(loaded.spec.seed)
    dataset_cache = {} if dataset_cache is None else dataset_cache
    samples = RunSamples(loaded=loaded, registry=registry, seed=seed, dataset_cache=dataset_cache)
    return RunContext(
        loaded=loaded,
        registry=registry,
        seed=seed,
        samples=samples,
        selecting=loaded.spec.attackers,
        trainer_of=_trainer_of_members,
    )


def _trainer_of_members(run_context: RunContext) -> Trainer:
    """Return the trainer of all members of a context."""
    return run_context.trainers.create(
        run_context.pools.members, run_context.seed.child("training")
    )
