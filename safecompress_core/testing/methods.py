"""Conformance tests of methods."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from safecompress_core.api import DensityParams, Kind, MethodDef
from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.data.dataset import Dataset
from safecompress_core.host import Registry, load_plugins
from safecompress_core.host.sources import Origin
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.specfile.load import load_spec
from safecompress_core.testing.manifest import DefinitionConformance
from safecompress_core.training.training_state import TrainingState

__all__ = ["MethodConformance"]

EPOCHS, HIDDEN = 6, [10, 8]
TRAINING = {"epochs": EPOCHS, "batch_size": 256, "learning_rate": 0.01, "schedule": "cosine"}


class ProcessKilled(BaseException):
    """The process is gone."""


@dataclass(frozen=True)
class CompletedRun:
    """An undisturbed run of the method.

    Attributes:
        run_context: the kit's spec with the method.
        outcome: what the method yielded.
        file: the model file.
        trained: the epochs that were trained, all phases together.
        advanced: the units that progress has advanced by.
    """

    run_context: RunContext
    outcome: MethodOutcome
    file: Path
    trained: int
    advanced: int


COMPLETED_RUNS: dict[type["MethodConformance"], CompletedRun] = {}


@cache
def _data_cache() -> dict[str, Dataset]:
    """The kit's data, loaded once in a process."""
    return {}


@cache
def _load_registry() -> Registry:
    return load_plugins().registry


class MethodConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestHalving(MethodConformance):
            definition = HALVING
            params = {"density": 0.25}

    The network is an ``mlp`` with 832 weights on ``handwriting``, trained for six epochs.

    Attributes:
        definition: the method's definition.
        params: what a spec would write for it.
        hosts: a defence that it has to host.
        attackers: what tests candidates, for a method that has any.
        may_do_less: whether a run may train less than its workload says.
        kept: the density that the kit's network comes to, for a method without that parameter.
    """

    definition: ClassVar[MethodDef]
    params: ClassVar[Mapping[str, Any]] = {}
    hosts: ClassVar[Mapping[str, Any]] = {"type": "l2", "weight": 1.0}
    attackers: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    may_do_less: ClassVar[bool] = False
    kept: ClassVar[float] = 1.0

    @pytest.fixture
    def completed_run(self, tmp_path_factory: pytest.TempPathFactory) -> CompletedRun:
        """A run with the kit's parameters, made once for a class: checks only read it."""
        # by class: a subclass has other parameters, and a run of its own
        if type(self) not in COMPLETED_RUNS:
            COMPLETED_RUNS[type(self)] = self.complete_run(tmp_path_factory.mktemp("completed"))
        return COMPLETED_RUNS[type(self)]

    def complete_run(self, folder: Path) -> CompletedRun:
        """The same, made anew in an empty folder."""
        run_context = self.run_context(folder)
        shop = self.method_context(run_context, folder)
        shop.teacher()  # trained beforehand, as in a run: it is no part of the method's work
        train = shop.trainer.train
        trained: list[int] = []
        advanced: list[int] = []

        def train_and_count(state: TrainingState, **how: Any) -> None:
            before = state.epoch
            train(state, **how)
            trained.append(state.epoch - before)

        # Any state: a method that draws from the global one is found by comparison later.
        with torch.random.fork_rng(), pytest.MonkeyPatch.context() as patch:
            torch.manual_seed(1)
            # Counted at the trainer, which is the only way to train.
            patch.setattr(shop.trainer, "train", train_and_count)
            patch.setattr(shop.events, "advance", lambda units=1: advanced.append(units))
            outcome = run_context.method.run(shop)
        return CompletedRun(
            run_context=run_context,
            outcome=outcome,
            file=self.model_file(shop, outcome, folder),
            trained=sum(trained),
            advanced=sum(advanced),
        )

    @pytest.fixture
    def prepare(self, tmp_path: Path) -> Callable[..., RunContext]:
        """Prepares the kit's spec with the method, some of whose parameters are changed."""
        return partial(self.run_context, tmp_path)

    def run_context(self, folder: Path, **changes: Any) -> RunContext:
        """The kit's spec with the method."""
        spec = {
            "version": 1,
            # JSON is valid YAML, and needs no YAML writer.
            "name": "kit",
            "seed": 5,
            "device": "cpu",
            "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": HIDDEN}},
            "training": TRAINING,
            "method": {"type": self.definition.name, **self.params, **changes},
            "attackers": list(self.attackers),
        }
        file = folder / "spec.yaml"
        file.write_text(json.dumps(spec), encoding="utf-8")
        registry = self.registry()
        loaded = load_spec(file, registry=registry)
        # Data are loaded once for all checks of a process.
        return build_run_context(loaded, registry, dataset_cache=_data_cache())

    def registry(self) -> Registry:
        """All that is installed, and the method, which need not be."""
        installed = _load_registry()
        entries = [(definition, installed.origin(definition)) for definition in installed]
        # A method under development need not be installed as an entry point.
        if self.definition.name not in installed.definitions(Kind.METHOD):
            origin = Origin(plugin="kit", distribution="kit", version="0")
            entries.append((self.definition, origin))
        return Registry(entries)

    def method_context(self, run_context: RunContext, folder: Path) -> MethodContext:
        """Return the method's context; the uncompressed model is trained on first use."""
        plain = run_context.method_context(
            "baseline",
            big=None,
            checkpoints=Checkpoints(folder / "baseline"),
            archived=lambda model: folder / f"{model}.safetensors",
            events=EventLog(),
        )

        def big() -> Classifier:
            return Uncompressed(UncompressedParams()).run(plain).chosen.network

        return run_context.method_context(
            "method",
            big=big,
            checkpoints=Checkpoints(folder / "method"),
            archived=lambda model: folder / f"{model}.safetensors",
            events=EventLog(),
        )

    def run_method(self, run_context: RunContext, folder: Path) -> tuple[MethodOutcome, bytes]:
        """Run the method and save the model that ships."""
        context = self.method_context(run_context, folder)
        outcome = run_context.method.run(context)
        return outcome, self.model_file(context, outcome, folder).read_bytes()

    def model_file(self, context: MethodContext, outcome: MethodOutcome, folder: Path) -> Path:
        """The model file of an outcome."""
        file = folder / "model.safetensors"
        context.store(outcome.chosen, file, model=outcome.model)
        return file

    def test_it_keeps_exactly_so_many_weights(self, completed_run: CompletedRun) -> None:
        """As many as ``density`` says; another architecture or shape has at most as many."""
        run_context, outcome = completed_run.run_context, completed_run.outcome
        total = sum(
            weight.numel() for weight in run_context.create_network().sparse_parameters().values()
        )
        method = run_context.spec.method
        density = method.density if isinstance(method, DensityParams) else self.kept
        state = outcome.chosen
        active = round(state.density * sum(weight.numel() for weight in state.weights.values()))

        if outcome.model is None and not state.network.layer_shapes:
            # Exact unless the architecture or the layer shapes change, which fix the counts.
            assert active == round(density * total)
        else:
            assert 0 < active <= round(density * total)
        if state.topology is not None:
            for name, weight in state.weights.items():
                # A stored weight of 0 must not be counted as active.
                assert not weight[~state.topology.masks[name]].any(), "an inactive weight is not 0"

    def test_its_final_weights_are_trained_for_the_epochs_of_the_spec(
        self, completed_run: CompletedRun
    ) -> None:
        """No more and no less, whatever its phases: methods are compared at one budget."""
        assert completed_run.outcome.chosen.epoch == EPOCHS

    def test_its_workload_is_what_it_does(self, completed_run: CompletedRun) -> None:
        """A plan states how many epochs a run will train, and progress ends at its total."""
        assert self.definition.workload is not None, "a plan cannot say how long a run is"
        method = completed_run.run_context.method
        planned = self.definition.workload(completed_run.run_context.spec.method, EPOCHS).epochs
        trained = completed_run.trained

        assert trained <= planned if self.may_do_less else trained == planned
        assert completed_run.advanced == method.units()

    def test_the_same_seed_gives_the_same_bytes(
        self, completed_run: CompletedRun, prepare: Callable[..., RunContext], tmp_path: Path
    ) -> None:
        """All chance comes from the context's seed, whatever state the process is in."""
        with torch.random.fork_rng():
            torch.manual_seed(2)
            # Another folder and global state: only the seed is the same.
            _, again = self.run_method(prepare(), tmp_path)

        assert again == completed_run.file.read_bytes()

    def test_a_replay_of_its_lineage_gives_the_same_bytes(
        self, completed_run: CompletedRun, prepare: Callable[..., RunContext], tmp_path: Path
    ) -> None:
        """Reference models are trained as the chosen model was, for as many epochs as planned."""
        lineage = completed_run.outcome.lineage
        if not lineage:
            pytest.skip("the method chooses nothing: its run is its replay")
        assert self.definition.workload is not None, "a plan cannot say how long a replay is"
        run_context = prepare()
        context = self.method_context(run_context, tmp_path)
        # Through JSON, as it reaches other processes.
        state = run_context.method.replay(context, json.loads(json.dumps(lineage)))
        outcome = replace(completed_run.outcome, chosen=state)

        file = self.model_file(context, outcome, tmp_path)
        assert file.read_bytes() == completed_run.file.read_bytes()
        work = self.definition.workload(run_context.spec.method, EPOCHS)
        assert work.replay_epochs is not None, "a plan counts a whole run for each replay"

    def test_it_goes_on_after_a_stop_to_the_same_bytes(
        self,
        completed_run: CompletedRun,
        prepare: Callable[..., RunContext],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Wherever the process ends after a checkpoint, and as often as it likes."""
        attempts = 0
        while True:
            run_context = prepare()
            shop = self.method_context(run_context, tmp_path)
            save = shop.checkpoints.save

            def save_and_stop(name: str, *rest: Any, save: Callable[..., None] = save) -> None:
                # After saving: the checkpoint is complete when the process ends.
                save(name, *rest)
                raise ProcessKilled

            monkeypatch.setattr(shop.checkpoints, "save", save_and_stop)
            try:
                outcome = run_context.method.run(shop)
            except ProcessKilled:
                attempts += 1
                continue
            break

        assert attempts > 0, "nothing is kept, so a run that is stopped begins anew"
        assert (
            self.model_file(shop, outcome, tmp_path).read_bytes() == completed_run.file.read_bytes()
        )

    def test_its_model_can_be_rebuilt_from_its_file(self, completed_run: CompletedRun) -> None:
        """The model metadata names the architecture, and weights come back bit by bit."""
        run_context = completed_run.run_context
        network = run_context.load_network(completed_run.file)
        inputs = run_context.dataset.inputs[torch.arange(20)]

        with torch.no_grad():
            wanted = completed_run.outcome.chosen.shipped.eval()(inputs)
            assert torch.equal(network.eval()(inputs), wanted)

    def test_it_hosts_a_defence(
        self, completed_run: CompletedRun, prepare: Callable[..., RunContext], tmp_path: Path
    ) -> None:
        """A defence changes what comes out, and the budget and density stay."""
        defended, changed = self.run_method(prepare(defences=[dict(self.hosts)]), tmp_path)

        # Other bytes prove that the defence had an effect at all.
        assert completed_run.file.read_bytes() != changed
        assert defended.chosen.epoch == EPOCHS
        assert defended.chosen.density == completed_run.outcome.chosen.density

    def test_its_phases_and_facts_fit_into_results(self, completed_run: CompletedRun) -> None:
        """Phases have a name, epochs and a density; they and the facts are JSON-ready."""
        outcome = completed_run.outcome

        assert json.loads(json.dumps([outcome.phases, outcome.facts])) == [
            list(outcome.phases),
            dict(outcome.facts),
        ]
        for phase in outcome.phases:
            assert {"name", "epochs", "density"} <= phase.keys()

    def test_a_density_without_a_weight_for_each_layer_is_found_before_training(
        self, prepare: Callable[..., RunContext]
    ) -> None:
        """It names a field to change, and no one has trained anything by then."""
        if "density" not in self.definition.params.model_fields:
            pytest.skip("the method has no density")
        # Below one weight a layer, for the kit's 832 weights.
        run_context = prepare(density=0.001)
        problems = list(
            run_context.method.check(
                run_context.create_network(),
                run_context.recipe,
                run_context.registry.create,
                run_context.architecture,
            )
        )

        assert problems
        fields = {problem.path[0] for problem in problems}
        assert fields <= self.definition.params.model_fields.keys()
