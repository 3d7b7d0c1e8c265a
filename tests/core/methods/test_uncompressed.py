"""Dense training: what compression is compared with."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog

Prepare = Callable[..., RunContext]
DENSE = {"type": "uncompressed"}


def workshop(run_context: RunContext, folder: Path) -> MethodContext:
    """What the method works with."""
    return run_context.method_context(
        "method",
        big=None,
        checkpoints=Checkpoints(folder),
        archived=lambda name: folder / name,
        events=EventLog(),
    )


def test_every_weight_is_trained_for_all_epochs_and_kept(prepare: Prepare, tmp_path: Path) -> None:
    """A second run takes what the first has trained, to the last bit."""
    run_context = prepare(method=DENSE)
    first = run_context.method.run(workshop(run_context, tmp_path)).chosen

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("trained again")

    run_context._trainer.train = forbidden  # type: ignore[method-assign]
    again = run_context.method.run(workshop(run_context, tmp_path)).chosen

    assert (first.epoch, again.epoch) == (4, 4)
    assert first.topology is None
    assert first.density == 1.0
    states = first.network.state(), again.network.state()
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_a_defence_changes_dense_training_too(prepare: Prepare, tmp_path: Path) -> None:
    """A method and a defence are named in a spec, and any two go together."""
    defended = {**DENSE, "defences": [{"type": "l2", "weight": 1.0}]}
    sizes = {}
    for name, method in (("plain", DENSE), ("defended", defended)):
        run_context = prepare(method=method)
        state = run_context.method.run(workshop(run_context, tmp_path / name)).chosen
        sizes[name] = sum(
            float(weight.detach().square().sum()) for weight in state.weights.values()
        )

    assert sizes["defended"] < 0.7 * sizes["plain"]


def test_it_promises_one_unit_of_work(prepare: Prepare) -> None:
    """One model is trained."""
    assert prepare(method=DENSE).method.units() == 1
