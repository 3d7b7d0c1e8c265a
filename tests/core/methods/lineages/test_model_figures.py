"""Figures of a test: what counts, and that a checkpoint keeps them to the last bit."""

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import numpy as np
import safetensors.torch

from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.lineages.params import LineageParams
from safecompress_core.methods.method import MethodContext

COSTS = np.array([0.25, 0.5])

Workshop = Callable[..., MethodContext]


def figures(
    workshop: Workshop, prepare: Callable[..., Any], **changes: Any
) -> tuple[ModelFigures, MethodContext]:
    """Of an untrained model of the small spec."""
    context, params = workshop(**changes), prepare(**changes).spec.method
    assert isinstance(params, LineageParams)
    evaluation = context.evaluator.fit_and_evaluate(
        context.create_network(), unit="0", facts={"round": 1, "candidate": "m", "strategy": "s"}
    )
    return ModelFigures.of(evaluation, context.evaluator, params, costs=COSTS), context


def test_a_checkpoint_keeps_figures_to_the_last_bit(
    workshop: Workshop, prepare: Callable[..., Any]
) -> None:
    """So that a resumed run chooses as one that was not interrupted."""
    made, context = figures(workshop, prepare)

    kept = safetensors.torch.load(safetensors.torch.save(made.tensors()))
    restored = ModelFigures.restore(kept)

    for field in fields(ModelFigures):
        assert np.array_equal(getattr(restored, field.name), getattr(made, field.name))
    draws = len(context.evaluator.resampling)
    assert made.advantage_draws.shape == (len(context.evaluator.attacks), draws)


def test_an_inversion_counts_by_its_classes(
    workshop: Workshop, prepare: Callable[..., Any]
) -> None:
    """Its draws are of the classes, the same for each model of a round."""
    changes = {"attackers": [{"type": "loss-threshold"}, {"type": "mi-face", "steps": 20}]}
    first, context = figures(workshop, prepare, **changes)
    again, _ = figures(workshop, prepare, **changes)

    assert first.advantage_draws.shape == (2, len(context.evaluator.resampling))
    assert np.array_equal(first.advantage_draws, again.advantage_draws)
    assert ((first.advantage_draws[1] >= 0) & (first.advantage_draws[1] <= 1)).all()
    assert first.attack_accuracy[1] == (1 + first.advantage[1]) / 2


def test_a_careful_bound_counts_no_less_than_the_estimate(
    workshop: Workshop, prepare: Callable[..., Any]
) -> None:
    """The upper end of an interval; draws are the same."""
    careful, _ = figures(workshop, prepare, method__bound="careful")
    estimate, _ = figures(workshop, prepare, method__bound="estimate")

    assert (careful.advantage >= estimate.advantage).all()
    assert careful.advantage.sum() > estimate.advantage.sum()
    assert np.array_equal(careful.advantage_draws, estimate.advantage_draws)
