"""The kit for methods tells good ones from bad ones."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from safecompress_core.api import Density, DensityParams, MethodDef, Workload
from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import Method, MethodContext, MethodOutcome
from safecompress_core.problems import Problem
from safecompress_core.sparse.selection import largest_overall
from safecompress_core.sparse.topology import Topology
from safecompress_core.testing.methods import CompletedRun, MethodConformance
from safecompress_core.training.training_state import TrainingState

EPOCHS = 6


class Params(DensityParams):
    """Parameters of the methods here."""

    density: Density = 0.5
    """Fraction kept."""


class Good(Method):
    """Keeps the largest of the fresh weights, trains them, and keeps a checkpoint of it."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def units(self) -> int:
        return 1

    def check(self, network: Any, *_: Any) -> list[Problem]:
        weights = network.sparse_parameters()
        few = round(self.params.density * sum(w.numel() for w in weights.values())) < len(weights)
        return [Problem(path=("density",), message="too few", hint="more")] if few else []

    def run(self, context: MethodContext) -> MethodOutcome:
        settings = context.settings(self.defences())
        kept = context.checkpoints.load("done")
        if kept is not None:
            state = context.restore_state(kept[1][0], settings, epoch=EPOCHS)
        else:
            network = context.create_network()
            sizes = {name: w.detach().abs() for name, w in network.sparse_parameters().items()}
            topology = Topology.from_masks(largest_overall(sizes, self.count(sizes)))
            state = context.new_state(network, topology, settings)
            self.train(context, state)
            context.checkpoints.save("done", {}, [state.tensors()])
        context.events.advance()
        return MethodOutcome(chosen=state)

    def defences(self) -> list[Any]:
        return self.params.defences

    def count(self, sizes: dict[str, torch.Tensor]) -> int:
        return round(self.params.density * sum(size.numel() for size in sizes.values()))

    def train(self, context: MethodContext, state: TrainingState) -> None:
        context.trainer.train(state, until=EPOCHS, topology_schedule=None, what="it")


class OneTooMany(Good):
    def count(self, sizes: dict[str, torch.Tensor]) -> int:
        return super().count(sizes) + 1


class TrainsLonger(Good):
    def train(self, context: MethodContext, state: TrainingState) -> None:
        context.trainer.train(state, until=EPOCHS + 1, topology_schedule=None, what="it")


class TrainsInSecret(Good):
    def train(self, context: MethodContext, state: TrainingState) -> None:
        super().train(context, state)
        state.epoch = 0
        super().train(context, state)


class Gambles(Good):
    def train(self, context: MethodContext, state: TrainingState) -> None:
        with torch.no_grad():
            state.network.head.bias.add_(torch.rand(()))
        super().train(context, state)


class IgnoresDefences(Good):
    def defences(self) -> list[Any]:
        return []


class KeepsNothing(Good):
    def run(self, context: MethodContext) -> MethodOutcome:
        state = context.new_state(context.create_network(), None, context.settings([]))
        self.train(context, state)
        return MethodOutcome(chosen=state)


class ForgetsItsOptimizer(Good):
    """Two halves, and a checkpoint between them that lacks what Adam has learned."""

    def train(self, context: MethodContext, state: TrainingState) -> None:
        half = context.checkpoints.load("half")
        if half is None:
            context.trainer.train(state, until=3, topology_schedule=None, what="it")
            context.checkpoints.save("half", {}, [state.network.state()])
        else:
            state.network.module.load_state_dict(half[1][0])
            state.epoch = 3
        context.trainer.train(state, until=EPOCHS, topology_schedule=None, what="it")


class SeesNoProblem(Good):
    def check(self, network: Any, *_: Any) -> list[Problem]:
        return []


def kit(method: type[Good]) -> MethodConformance:
    """The checks, for one of these methods."""

    class Kit(MethodConformance):
        definition: ClassVar[MethodDef] = MethodDef(
            name="tried",
            params=Params,
            target=f"{__name__}:{method.__name__}",
            summary="It is held against the kit.",
            workload=lambda _, epochs: Workload(epochs=epochs),
        )

        def prepared(self, folder: Path, **changes: Any) -> RunContext:
            made = super().run_context(folder, **changes)
            vars(made)["method"] = method(made.spec.method)  # type: ignore[arg-type]  # test files cannot be imported
            return made

    return Kit()


def checks(one: MethodConformance, folder: Path) -> dict[str, Callable[[], None]]:
    """Those that run the method, each in a folder of its own."""
    found: dict[str, Callable[[], None]] = {}

    @cache
    def completed_run() -> CompletedRun:
        return one.complete_run(folder)

    for name in dir(MethodConformance):
        code = getattr(getattr(MethodConformance, name), "__code__", None)
        wanted = code.co_varnames[1 : code.co_argcount] if code else ()
        if not name.startswith("test_") or not {"prepare", "completed_run"} & {*wanted}:
            continue

        def run(name: str = name, wanted: tuple[str, ...] = wanted) -> None:
            place = folder / name
            place.mkdir()
            with pytest.MonkeyPatch.context() as patch:
                given = {
                    "prepare": lambda **changes: one.run_context(place, **changes),
                    "tmp_path": place,
                    "monkeypatch": patch,
                }
                if "completed_run" in wanted:
                    given["completed_run"] = completed_run()
                getattr(one, name)(**{key: given[key] for key in wanted})

        found[name] = run
    return found


def test_a_good_method_passes(tmp_path: Path) -> None:
    """All that the kit asks of it."""
    for check in checks(kit(Good), tmp_path).values():
        check()


@pytest.mark.parametrize(
    ("method", "check"),
    [
        (OneTooMany, "test_it_keeps_exactly_so_many_weights"),
        (TrainsLonger, "test_its_final_weights_are_trained_for_the_epochs_of_the_spec"),
        (TrainsInSecret, "test_its_workload_is_what_it_does"),
        (Gambles, "test_the_same_seed_gives_the_same_bytes"),
        (IgnoresDefences, "test_it_hosts_a_defence"),
        (KeepsNothing, "test_it_goes_on_after_a_stop_to_the_same_bytes"),
        (ForgetsItsOptimizer, "test_it_goes_on_after_a_stop_to_the_same_bytes"),
        (
            SeesNoProblem,
            "test_a_density_without_a_weight_for_each_layer_is_found_before_training",
        ),
    ],
)
def test_a_bad_one_fails_at_what_it_does_wrong(
    method: type[Good], check: str, tmp_path: Path
) -> None:
    """And is told so by the check of that name."""
    with pytest.raises(AssertionError):
        checks(kit(method), tmp_path)[check]()
