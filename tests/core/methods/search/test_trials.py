"""Trials in their checkpoints."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.search.trials import (
    Trial,
    TrialTest,
    load_trials,
    restore_model,
    save_trial,
)

Prepare = Callable[..., RunContext]
FIGURES = ModelFigures(**{field.name: np.array([0.25]) for field in fields(ModelFigures)})
TEST = TrialTest(id="r1c1", epoch=2, density=0.3, defences={}, attacks={"a": {}}, figures=FIGURES)


@pytest.mark.parametrize("is_pruned", [False, True])
def test_a_trial_comes_back_as_it_was(
    workshop: Callable[..., MethodContext], searching: Callable[..., dict[str, Any]], is_pruned: Any
) -> None:
    """With its model, if it was trained to its end; trials after it are none."""
    context = workshop(**searching())
    written = context.settings([], density=0.3, update_fraction=0.5)
    state = context.new_state(context.create_network(), None, written)
    trial = Trial(
        number=1,
        drawn=LineageSettings("as written", "random", written),
        values={"learning_rate": 0.1 + 0.2},
        attributes={"generation": 0},
        tests=(TEST,),
        is_pruned=is_pruned,
    )
    save_trial(context, trial, state)

    [loaded] = load_trials(context, written)

    assert [test.to_json() for test in loaded.tests] == [TEST.to_json()]
    assert np.array_equal(loaded.tests[0].figures.performance, FIGURES.performance)
    assert replace(loaded, tests=trial.tests) == trial
    if not is_pruned:
        restored = restore_model(context, loaded)
        assert restored.epoch == loaded.epochs == 2
        tensors = state.tensors()
        assert all(tensor.equal(tensors[name]) for name, tensor in restored.tensors().items())
