"""Tested lineages and their checkpoints."""

from collections.abc import Callable

import numpy as np
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.lineage_training import LineageTraining
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.methods.test_driven.tested_models import (
    TestedModel,
    load_tested,
    part_name,
    save_tested,
)


def test_a_tested_lineage_comes_back_as_it_was(
    prepare: Callable[..., RunContext], workshop: Callable[..., MethodContext]
) -> None:
    """Its weights, settings, figures and the events of its test; a name without one gives None."""
    context, params = workshop(), prepare().spec.method
    rules = [(strategy.prune, strategy.grow) for strategy in params.strategies]
    sparse = SparseTraining(params, rules, starts=True)
    training, settings = LineageTraining(context, sparse, twins=False), sparse.settings(context)
    lineage = training.start(2, LineageSettings("as written", "random", settings))
    training.train(lineage, until=1, what="a lineage")
    draws = np.random.default_rng(1).random((1, 7))
    figures = ModelFigures(
        performance=np.array([0.1, 1.0]),
        advantage=np.array([0.2]),
        attack_accuracy=np.array([0.6]),
        advantage_draws=draws,
        accuracy_draws=draws / 2,
        costs=np.array([0.5]),
    )
    model = TestedModel(
        lineage=lineage,
        parent="initial",
        strategy="as written",
        pair=training.as_tested(lineage),
        attacks={"a": 0.1},
        figures=figures,
    )
    assert load_tested(training, part_name(1, 2), settings) is None

    save_tested(training, part_name(1, 2), model, [{"event": "attack_finished", "x": 0.3}])
    kept = load_tested(training, part_name(1, 2), settings)

    assert kept is not None
    same, reports = kept
    assert reports == [{"event": "attack_finished", "x": 0.3}]
    assert (same.parent, same.strategy, same.attacks) == ("initial", "as written", {"a": 0.1})
    assert same.lineage.to_json() == lineage.to_json()
    before, after = lineage.state.tensors(), same.lineage.state.tensors()
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert np.array_equal(same.figures.advantage_draws, draws)
    assert np.array_equal(same.figures.performance, figures.performance)
