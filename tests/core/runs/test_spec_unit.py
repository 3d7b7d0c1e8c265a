"""Units of a run: its spec as text, its data checked where they are read."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import ExecutionError
from safecompress_core.host import load_plugins
from safecompress_core.runs.spec_unit import (
    SpecUnit,
    UnitSpec,
    load_unit_spec,
    needed_distributions,
    unit_settings,
)

Prepare = Callable[..., RunContext]


@dataclass(frozen=True, kw_only=True)
class Asks(SpecUnit):
    """Has a mark, as a unit must."""

    mark = "done"

    def work(self) -> None:
        """Nothing."""


def test_a_worker_has_the_run_that_the_driver_has(prepare: Prepare, tmp_path: Path) -> None:
    """The same spec, samples and pools, and as many threads as the unit says."""
    run_context = prepare()
    unit = Asks(label="a", folder=tmp_path, spec=UnitSpec.of(run_context), threads=1)

    with unit.in_context() as same:
        assert torch.get_num_threads() == 1
        assert same.loaded.resolved == run_context.loaded.resolved
        assert same.identity() == run_context.identity()
        assert same is not run_context
    with replace(unit, label="b").in_context() as again:
        assert again is same  # loaded once


def test_other_data_on_a_worker_are_refused(prepare: Prepare, tmp_path: Path) -> None:
    """Their results would be of something else; the error says what differs."""
    spec = UnitSpec.of(prepare())
    other = json.dumps({**spec.hashes, "the label names": "0"})
    unit = Asks(label="a", folder=tmp_path, spec=replace(spec, identity=other))

    with (
        pytest.raises(ExecutionError, match="a worker reads other data .*: the label names; the"),
        unit.in_context(),
    ):
        pass


def test_a_spec_as_text_is_the_same_spec(prepare: Prepare) -> None:
    """Code is allowed only if it was."""
    run_context = prepare()
    spec = UnitSpec.of(run_context)

    loaded = load_unit_spec(spec, run_context.registry)

    assert loaded.resolved == run_context.loaded.resolved
    assert not loaded.allow_code
    assert load_unit_spec(replace(spec, allow_code=True), run_context.registry).allow_code


def test_distributions_are_those_of_the_components(prepare: Prepare, tmp_path: Path) -> None:
    """A single-file plugin has none: it is sent."""
    resolved = prepare().loaded.resolved
    (tmp_path / "mine.py").write_text(
        "from safecompress_core.api import MetricDef, MetricParams, hookimpl\n"
        "class MineParams(MetricParams):\n    '''None.'''\n"
        "@hookimpl\ndef safecompress_metrics():\n"
        "    return [MetricDef(name='mine', params=MineParams, target='a:B', summary='Mine.')]\n"
    )
    registry = load_plugins(plugins_dir=tmp_path).registry

    [(name, version)] = needed_distributions({**resolved, "metrics": [{"type": "mine"}]}, registry)

    assert (name, version) == ("safecompress", registry.origin(next(iter(registry))).version)


def test_threads_and_device_are_the_run_s(prepare: Prepare) -> None:
    """Whoever executes it."""
    assert unit_settings(prepare()) == {"threads": 1, "device": "cpu"}
    assert unit_settings(prepare(training__threads=3))["threads"] == 3
