"""Parameters that methods share which train lineages."""

from collections.abc import Callable

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.params import LineageParams

Prepare = Callable[..., RunContext]


def test_a_lineage_is_one_model_or_two(prepare: Prepare) -> None:
    """Its own and, where it has one, its swap twin."""
    params = prepare().spec.method
    assert isinstance(params, LineageParams)

    assert params.model_copy(update={"twins": False}).models == 1
    assert params.model_copy(update={"twins": True}).models == 2


def test_strategies_open_their_updates_and_values(prepare: Prepare) -> None:
    """A strategy is named by its two parts; equal parts are one update."""
    rigl = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
    wider = {**rigl, "set": {"learning_rate": [0.001, 0.01]}}
    params = prepare(method__strategies=[rigl, wider]).spec.method
    assert isinstance(params, LineageParams)

    assert [strategy.describe() for strategy in params.strategies] == ["magnitude × gradient"] * 2
    assert params.open_settings.rules == (0,)
    assert params.open_settings.count == 3
