"""What a spec's network is made of."""

import json
from collections.abc import Callable

from safecompress_core.context.model_summary import summarise_model
from safecompress_core.context.run_context import RunContext


def test_modules_and_weights_are_those_of_the_network(prepare: Callable[..., RunContext]) -> None:
    """Hand-worked for 64 inputs, hidden layers of 8 and 6, and 14 labels."""
    found = json.loads(json.dumps(summarise_model(prepare(task__model__hidden=[8, 6]))))

    assert [(one["layer"], one["shape"]) for one in found["representations"]] == [
        ("Flatten", [64]),
        ("Linear", [8]),
        ("ReLU", [8]),
        ("Linear", [6]),
        ("ReLU", [6]),
        ("Linear", [14]),
    ]
    assert [one["weights"] for one in found["sparse"]] == [64 * 8, 8 * 6, 6 * 14]
    assert found["sparse_weights"] == 64 * 8 + 8 * 6 + 6 * 14
    assert found["parameters"] - found["sparse_weights"] == 8 + 6 + 14
    assert (found["input_shape"], found["outputs"], found["representation"]) == ([1, 8, 8], 14, 6)
    assert found["head"] == found["sparse"][-1]["name"].removesuffix(".weight")
