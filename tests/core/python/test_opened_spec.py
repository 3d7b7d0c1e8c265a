"""Opening of a call."""

from typing import Any

import numpy as np
import pytest
from torch import nn

from safecompress_core.errors import ExecutionError
from safecompress_core.execution.settings import HERE, Execution
from safecompress_core.python.opened_spec import OpenedSpec, open_spec

SPEC = {"task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [8]}}}
SAMPLES = (np.ones((4, 2)), [0, 1, 0, 1])


def opened(**given: Any) -> Any:
    """The spec, opened with some objects."""
    default = {"data": None, "model": None, "overrides": (), "execution": HERE, "plugins_dir": None}
    return open_spec(SPEC, **{**default, **given})


def task_of(call: OpenedSpec, *within: str) -> Any:
    """The task of a spec, as plain values."""
    values = call.composed.root.plain()
    for field in (*within, "task"):
        values = values[field]
    return values


def test_without_objects_the_spec_stays() -> None:
    """Its own data and model are named."""
    with opened() as call:
        assert task_of(call) == SPEC["task"]
        assert call.architecture is None


def test_objects_replace_what_the_spec_names() -> None:
    """By their fingerprints; a comparison has them in its changes."""
    with opened(data=SAMPLES, model=nn.Linear(2, 2)) as call:
        task = task_of(call)
        assert [task[part]["type"] for part in ("data", "model")] == ["in-memory"] * 2
        assert call.architecture is not None
    with opened(data=SAMPLES, within=("changes",)) as call:
        assert task_of(call, "changes")["data"] == task["data"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"data": SAMPLES}, "data: samples in memory cannot be brought .*task.data names"),
        ({"model": nn.Linear(2, 2)}, "model: a network in memory cannot .*type: python"),
    ],
)
def test_objects_stay_in_this_process(given: dict[str, Any], message: str) -> None:
    """Workers would have to be sent them."""
    with (
        pytest.raises(ExecutionError, match=message),
        opened(**given, execution=Execution(workers=2)),
    ):
        pass
