"""A small search on real data."""

from collections.abc import Callable
from typing import Any

import pytest

GRADIENT = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
RANDOM = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}
OPEN = {"learning_rate": {"low": 0.002, "high": 0.05, "scale": "log"}, "density": [0.3, 0.2]}


@pytest.fixture
def searching() -> Callable[..., dict[str, Any]]:
    """Changes of the small spec that make it a search, some of whose parameters are changed."""

    def made(**params: Any) -> dict[str, Any]:
        method = {
            "type": "search",
            "density": 0.3,
            "update_every": 1,
            "twins": False,
            "budget": 3,
            "strategies": [GRADIENT, {**RANDOM, "set": OPEN}],
            **params,
        }
        twins = [{"type": "counterfactual"}] if method["twins"] else []
        return {"method": method, "attackers": [{"type": "loss-threshold"}, *twins]}

    return made
