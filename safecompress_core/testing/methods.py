"""What every method must keep to, as tests that a plugin author inherits."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from safecompress_core.api import Kind, MethodDef
from safecompress_core.context.run_context import Preparation
from safecompress_core.host import Registry, load_plugins
from safecompress_core.host.sources import Origin
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import Outcome, Workshop
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import Journal
from safecompress_core.specfile.load import load_spec
from safecompress_core.testing.manifest import DefinitionConformance
from safecompress_core.training.training_state import Learner

__all__ = ["MethodConformance"]

EPOCHS, HIDDEN = 6, [10, 8]
TRAINING = {"epochs": EPOCHS, "batch_size": 256, "learning_rate": 0.01, "schedule": "cosine"}


class Stopped(BaseException):
    """The process is gone."""


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
    def prepare(self, tmp_path: Path) -> Callable[..., Preparation]:
        """Prepares the kit's spec with the method, some of whose parameters are changed."""
        return partial(self.prepared, tmp_path)

    def prepared(self, folder: Path, **changes: Any) -> Preparation:
        """The kit's spec with the method."""
        spec = {
            "version": 1,
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
        return Preparation(load_spec(file, registry=registry), registry)

    def registry(self) -> Registry:
        """All that is installed, and the method, which need not be."""
        installed = load_plugins().registry
        entries = [(one, installed.origin(one)) for one in installed]
        if self.definition.name not in installed.definitions(Kind.METHOD):
            own = Origin(plugin="kit", distribution="kit", version="0")
            entries.append((self.definition, own))
        return Registry(entries)

    def workshop(self, prepared: Preparation, folder: Path) -> Workshop:
        """What the method works with; the uncompressed model is trained when it is asked for."""
        plain = prepared.workshop(
            "baseline",
            big=None,
            checkpoints=Checkpoints(folder / "baseline"),
            archived=lambda model: folder / f"{model}.safetensors",
            journal=Journal(),
        )
        asked = prepared.workshop(
            "method",
            big=None,
            checkpoints=Checkpoints(folder / "method"),
            archived=lambda model: folder / f"{model}.safetensors",
            journal=Journal(),
        )

        def big() -> Any:
            return Uncompressed(UncompressedParams()).run(plain).chosen.network

        return replace(
            asked, big=big, teacher=lambda: big().eval().requires_grad_(requires_grad=False)
        )

    def done(self, prepared: Preparation, folder: Path) -> tuple[Outcome, bytes]:
        """What the method yields, and the file that ships."""
        workshop = self.workshop(prepared, folder)
        outcome = prepared.method.run(workshop)
        return outcome, self.shipped(workshop, outcome, folder).read_bytes()

    def shipped(self, workshop: Workshop, outcome: Outcome, folder: Path) -> Path:
        """The model file of an outcome."""
        file = folder / "model.safetensors"
        workshop.store(outcome.chosen, file, model=outcome.model)
        return file

    def test_it_keeps_exactly_so_many_weights(
        self, prepare: Callable[..., Preparation], tmp_path: Path
    ) -> None:
        """As many as ``density`` says; another architecture or shape has at most as many."""
        prepared = prepare()
        outcome, _ = self.done(prepared, tmp_path)
        total = sum(one.numel() for one in prepared.blank().sparse_parameters().values())
        density = getattr(prepared.spec.method, "density", self.kept)
        learner = outcome.chosen
        active = round(learner.density * sum(one.numel() for one in learner.weights.values()))

        if outcome.model is None and not learner.network.reshaping:
            assert active == round(density * total)
        else:
            assert 0 < active <= round(density * total)
        if learner.topology is not None:
            for name, weight in learner.weights.items():
                assert not weight[~learner.topology.masks[name]].any(), (
                    "an inactive weight is not 0"
                )

    def test_its_final_weights_are_trained_for_the_epochs_of_the_spec(
        self, prepare: Callable[..., Preparation], tmp_path: Path
    ) -> None:
        """No more and no less, whatever its phases: methods are compared at one budget."""
        outcome, _ = self.done(prepare(), tmp_path)

        assert outcome.chosen.epoch == EPOCHS

    def test_its_workload_is_what_it_does(
        self,
        prepare: Callable[..., Preparation],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A plan tells how many epochs a run will train, and progress ends where it was said to."""
        prepared = prepare()
        shop = self.workshop(prepared, tmp_path)
        shop.teacher()  # trained beforehand, as in a run: it is no part of the method's work
        train, trained, told = shop.trainer.train, [0], [0]

        def counted(learner: Learner, **how: Any) -> None:
            before = learner.epoch
            train(learner, **how)
            trained[0] += learner.epoch - before

        monkeypatch.setattr(shop.trainer, "train", counted)
        monkeypatch.setattr(
            shop.journal, "advance", lambda units=1: told.__setitem__(0, told[0] + units)
        )
        prepared.method.run(shop)

        assert self.definition.workload is not None, "a plan cannot say how long a run is"
        workload = self.definition.workload(prepared.spec.method, EPOCHS)
        assert trained[0] <= workload.epochs if self.may_do_less else trained[0] == workload.epochs
        assert told[0] == prepared.method.units()

    def test_the_same_seed_gives_the_same_bytes(
        self, prepare: Callable[..., Preparation], tmp_path: Path
    ) -> None:
        """All chance comes from the workshop's seed, whatever state the process is in."""
        files = []
        for state in (1, 2):
            with torch.random.fork_rng():
                torch.manual_seed(state)
                files.append(self.done(prepare(), tmp_path / str(state))[1])

        assert files[0] == files[1]

    def test_it_goes_on_after_a_stop_to_the_same_bytes(
        self,
        prepare: Callable[..., Preparation],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """Wherever the process ends after a checkpoint, and as often as it likes."""
        _, expected = self.done(prepare(), tmp_path / "undisturbed")
        folder, attempts = tmp_path / "disturbed", 0
        while True:
            prepared = prepare()
            shop = self.workshop(prepared, folder)
            save = shop.checkpoints.save

            def stopped(name: str, *rest: Any, save: Callable[..., None] = save) -> None:
                save(name, *rest)
                raise Stopped

            monkeypatch.setattr(shop.checkpoints, "save", stopped)
            try:
                outcome = prepared.method.run(shop)
            except Stopped:
                attempts += 1
                continue
            break

        assert attempts > 0, "nothing is kept, so a run that is stopped begins anew"
        assert self.shipped(shop, outcome, folder).read_bytes() == expected

    def test_its_model_can_be_rebuilt_from_its_file(
        self, prepare: Callable[..., Preparation], tmp_path: Path
    ) -> None:
        """The passport tells the architecture, and weights come back bit by bit."""
        prepared = prepare()
        outcome, _ = self.done(prepared, tmp_path)
        network = prepared.load_network(tmp_path / "model.safetensors")
        inputs = prepared.dataset.inputs[torch.arange(20)]

        with torch.no_grad():
            wanted = outcome.chosen.shipped.eval()(inputs)
            assert torch.equal(network.eval()(inputs), wanted)

    def test_it_hosts_a_defence(self, prepare: Callable[..., Preparation], tmp_path: Path) -> None:
        """A defence changes what comes out, and the budget and density stay."""
        plain, bare = self.done(prepare(), tmp_path / "plain")
        defended, changed = self.done(prepare(defences=[dict(self.hosts)]), tmp_path / "defended")

        assert bare != changed
        assert defended.chosen.epoch == EPOCHS
        assert defended.chosen.density == plain.chosen.density

    def test_what_it_tells_of_its_work_fits_into_results(
        self, prepare: Callable[..., Preparation], tmp_path: Path
    ) -> None:
        """Phases have a name, epochs and a density; they and the facts are JSON-ready."""
        outcome, _ = self.done(prepare(), tmp_path)

        assert json.loads(json.dumps([outcome.phases, outcome.facts])) == [
            list(outcome.phases),
            dict(outcome.facts),
        ]
        for phase in outcome.phases:
            assert {"name", "epochs", "density"} <= phase.keys()

    def test_a_density_without_a_weight_for_each_layer_is_found_before_training(
        self, prepare: Callable[..., Preparation]
    ) -> None:
        """It names a field to change, and nobody has trained anything by then."""
        if "density" not in self.definition.params.model_fields:
            pytest.skip("the method has no density")
        prepared = prepare(density=0.001)
        flaws = list(
            prepared.method.flaws(
                prepared.blank(), prepared.recipe, prepared.registry.create, prepared.architecture
            )
        )

        assert flaws
        assert {flaw.field for flaw in flaws} <= self.definition.params.model_fields.keys()
