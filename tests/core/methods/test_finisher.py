"""Stages that a trained model goes through, applied to a copy of it."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from safecompress_core.api import FinisherDef, Params
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import ComponentError
from safecompress_core.host import Origin, Registry
from safecompress_core.methods.finisher import (
    Finish,
    FinishContext,
    FinishedModel,
    Finisher,
    finish_model,
)
from safecompress_core.networks.input_rounding import InputRange
from safecompress_core.sparse.weight_codes import Rounded
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.training.training_state import TrainingState

ORIGIN = Origin(plugin="tests", distribution="tests", version="1")


class HalfParams(Params):
    """Half precision."""


class Half(Finisher):
    """Rounds weights to float16, and the inputs of one layer."""

    layer: str | None = "0"

    def __init__(self, params: Params) -> None:
        """Accept no parameters."""

    def finish(self, context: FinishContext) -> Finish:
        return Finish(
            codes={name: Rounded(codes=w.half()) for name, w in context.weights.items()},
            inputs={self.layer: InputRange(scale=0.01, zero_point=-128)} if self.layer else {},
            # What it was shown, for the tests.
            facts={
                "sum": sum(float(weight.sum()) for weight in context.weights.values()),
                "samples": len(context.calibration),
                "trains": context.network.training,
            },
        )


class Second(Half):
    """The same, of weights alone."""

    layer = None


class Invents(Half):
    """Makes weights of what a topology leaves out."""

    def finish(self, context: FinishContext) -> Finish:
        codes = {name: Rounded(codes=(w + 1).half()) for name, w in context.weights.items()}
        return Finish(codes=codes)


class Narrows(Half):
    """Codes a part of a weight."""

    def finish(self, context: FinishContext) -> Finish:
        codes = {name: Rounded(codes=w[:1].half()) for name, w in context.weights.items()}
        return Finish(codes=codes)


def finished(state: TrainingState, digits: Dataset, *finishers: type[Finisher]) -> FinishedModel:
    """The model after these stages, built as a run builds them."""
    stages = [_params(number, finisher) for number, finisher in enumerate(finishers)]
    registry = Registry((definition_of(params), ORIGIN) for params in stages)
    return finish_model(
        state,
        stages,
        create_component=registry.create,
        calibration=lambda: digits.inputs[:7],
    )


def _params(number: int, finisher: type[Finisher]) -> Params:
    """Parameters as a spec makes them, which know their definition."""
    definition = FinisherDef(
        name=f"stage-{number}",
        params=HalfParams,
        target=f"{__name__}:{finisher.__name__}",
        summary="A stage.",
    )
    stage: Any = type("StageParams", (HalfParams,), {"definition": definition})
    params: Params = stage()
    return params


@pytest.fixture
def state(make_state: Callable[..., TrainingState]) -> TrainingState:
    """A sparse model."""
    return make_state()


def test_without_stages_the_model_is_itself(state: TrainingState, digits: Dataset) -> None:
    """Nothing is copied."""
    assert finished(state, digits).state is state


def test_a_finished_model_is_a_copy(state: TrainingState, digits: Dataset) -> None:
    """The trained one is audited next to it, and stays as it is."""
    before = {name: tensor.clone() for name, tensor in state.network.state().items()}

    model = finished(state, digits, Half)

    assert [stage["type"] for stage in model.stages] == ["stage-0"]
    for name, weight in model.state.weights.items():
        assert torch.equal(weight, before[name].half().float())
        assert model.state.codes[name].name == "float16"
    assert model.state.network.rounded_inputs.keys() == {"0"}
    assert model.state.topology == state.topology
    assert state.codes == {}
    assert state.network.rounded_inputs == {}
    for name, tensor in state.network.state().items():
        assert torch.equal(tensor, before[name])


def test_a_stage_sees_the_model_as_earlier_ones_have_left_it(
    state: TrainingState, digits: Dataset
) -> None:
    """In eval mode, with the inputs to calibrate on."""
    model = finished(state, digits, Half, Second)

    halves = [weight.detach().half().float() for weight in state.weights.values()]
    assert [stage["type"] for stage in model.stages] == ["stage-0", "stage-1"]
    assert model.stages[1]["facts"] == {
        "sum": pytest.approx(sum(float(half.sum()) for half in halves)),
        "samples": 7,
        "trains": False,
    }


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        (Invents, "stand for weights other than 0 where they are 0"),
        (Narrows, "the weight is torch.float32 of shape"),
    ],
)
def test_codes_that_do_not_fit_name_the_stage(
    state: TrainingState, digits: Dataset, stage: type[Finisher], message: str
) -> None:
    """Density is the method's to decide, and shapes are the network's."""
    with pytest.raises(ComponentError, match=f"stage-0.*{message}"):
        finished(state, digits, stage)
