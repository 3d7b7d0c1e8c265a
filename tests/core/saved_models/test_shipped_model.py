"""A model as whoever asks meets it."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.data.dataset import EncodedRows
from safecompress_core.networks.output_guard import GuardTrainingData, OutputGuard
from safecompress_core.saved_models import shipped_model as module
from safecompress_core.saved_models.shipped_model import ShippedModel

CLASSES = ("no", "yes", "maybe")


class Numbers:
    """Encodes lists of numbers; rows are called by their number."""

    def encode(self, rows: Any) -> EncodedRows:
        inputs = torch.as_tensor(rows, dtype=torch.float32).reshape(-1, 2)
        return EncodedRows(inputs=inputs, names=tuple(str(n + 1) for n in range(len(inputs))))


class Halving(OutputGuard):
    """Halves every logit."""

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        pass

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return logits / 2


@pytest.fixture
def network() -> nn.Linear:
    """Two inputs, three labels."""
    layer = nn.Linear(2, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]))
        layer.bias.zero_()
    return layer


def shipped(network: nn.Module, guard: OutputGuard | None = None) -> ShippedModel:
    """The network as it ships."""
    return ShippedModel(network, guard, CLASSES, Numbers())  # type: ignore[arg-type]


def test_labels_are_those_of_the_largest_probability(network: nn.Linear) -> None:
    """Held against softmax by hand; rows keep their order and names."""
    found = shipped(network).predict([[3, 0], [0, 2], [-1, -1]])

    assert found.labels == ("no", "yes", "maybe")
    assert found.names == ("1", "2", "3")
    logits = torch.tensor([[3.0, 0, -3], [0, 2, -2], [-1, -1, 2]])
    torch.testing.assert_close(found.probabilities, logits.softmax(dim=1))


def test_answers_go_through_the_guard(network: nn.Linear) -> None:
    """Also those of the network as a module; the network itself stays as it is."""
    guarded = shipped(network, Halving())
    inputs = torch.tensor([[3.0, 0.0]])

    torch.testing.assert_close(guarded(inputs), network(inputs) / 2)
    torch.testing.assert_close(
        guarded.predict([[3, 0]]).probabilities, (network(inputs) / 2).softmax(dim=1)
    )


def test_batches_make_no_difference(network: nn.Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does a table without a row."""
    rows = torch.randn(7, 2, generator=torch.Generator().manual_seed(1)).tolist()
    whole = shipped(network).predict(rows)
    monkeypatch.setattr(module, "BATCH", 3)

    parts = shipped(network).predict(rows)

    assert parts.labels == whole.labels
    torch.testing.assert_close(parts.probabilities, whole.probabilities)
    assert shipped(network).predict([]).probabilities.shape == (0, 3)
