"""Small workshops on real data, for any method."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.host import load_plugins
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.specfile.load import load_spec


@dataclass
class Shop:
    """A method with all that it works with."""

    run_context: RunContext
    method_context: MethodContext

    def run(self) -> MethodOutcome:
        """What the method yields."""
        return self.run_context.method.run(self.method_context)


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Shop]:
    """Makes workshops for a method; ``task__model`` and the like change the rest of the spec.

    The uncompressed model has weights that nothing has trained: what it answers is arbitrary.
    """

    def made(method: dict[str, Any], name: str = "one", **changes: Any) -> Shop:
        spec: dict[str, Any] = {
            "version": 1,
            "name": "small",
            "seed": 3,
            "device": "cpu",
            "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [10, 8]}},
            "training": {"epochs": 6, "batch_size": 256, "learning_rate": 0.01},
            "method": method,
        }
        for path, value in changes.items():
            *sections, field = path.split("__")
            place = spec[sections[0]] if sections else spec
            place[field] = value
        file = tmp_path / f"{name}.yaml"
        file.write_text(json.dumps(spec))
        registry = load_plugins().registry
        run_context = build_run_context(load_spec(file, registry=registry), registry)
        context = run_context.method_context(
            "method",
            big=None,
            checkpoints=Checkpoints(tmp_path / name),
            archived=lambda model: tmp_path / name / model,
            events=EventLog(),
        )
        big = run_context.create_network()
        with torch.no_grad():
            for parameter in big.parameters():
                parameter.normal_(generator=torch.Generator().manual_seed(1))

        def teacher() -> Classifier:
            return copy.deepcopy(big).eval().requires_grad_(requires_grad=False)

        return Shop(
            run_context,
            replace(context, copy_uncompressed=lambda: copy.deepcopy(big), teacher=teacher),
        )

    return made
