"""A model file without SafeCompress: the example answers as the product does."""

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from safecompress import load_classifier
from tests.examples.conftest import make_run

EXAMPLE = Path(__file__).parents[2] / "examples" / "plain_torch.py"
METHODS = {
    "dense": {"type": "uncompressed"},
    "sparse": {"type": "prune", "density": 0.2},
    "sparse and int8": {"type": "prune", "density": 0.2, "finish": [{"type": "quantize"}]},
    "dense and float16": {"type": "uncompressed", "finish": [{"type": "cast"}]},
}


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """The module of the example."""
    spec = spec_from_file_location("plain_torch", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=METHODS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of each kind."""
    method: dict[str, Any] = METHODS[request.param]
    run = make_run(tmp_path_factory.mktemp("example"), method, training={"epochs": 4})
    return run / "model" / "model.safetensors"


def test_it_answers_as_the_product_does(example: ModuleType, model: Path) -> None:
    """The same logits for scikit-learn's digits."""
    digits = torch.from_numpy(load_digits().data / 16).float().view(-1, 1, 8, 8)

    network = example.perceptron(example.load_state(str(model)))

    with torch.no_grad():
        torch.testing.assert_close(network(digits), load_classifier(model)(digits))


def test_it_runs_by_itself(model: Path) -> None:
    """It imports nothing of SafeCompress, and prints every tensor."""
    assert "import safecompress" not in EXAMPLE.read_text(encoding="utf-8")

    outcome = subprocess.run(
        [sys.executable, str(EXAMPLE), str(model)], capture_output=True, text=True, check=True
    )

    assert len(outcome.stdout.splitlines()) == 4
    assert outcome.stdout.startswith("1.bias")
