"""Label smoothing, held against torch's own."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from safecompress_core.toolkit import Batch
from safecompress_plugins.defences.manifest import LabelSmoothingParams
from safecompress_plugins.defences.training.label_smoothing import LabelSmoothing

Made = Callable[[float], LabelSmoothing]


@pytest.fixture
def smoothing() -> Made:
    """Makes the defence for four classes."""

    def made(amount: float) -> LabelSmoothing:
        defence = LabelSmoothing(LabelSmoothingParams(amount=amount))
        defence.prepare(
            representation=3, classes=4, attributes={}, generator=torch.Generator().manual_seed(0)
        )
        return defence

    return made


@pytest.mark.parametrize("amount", [0.0, 0.1, 0.7])
def test_the_loss_is_that_of_torch(smoothing: Made, amount: float) -> None:
    """``cross_entropy(label_smoothing=…)`` has the same definition."""
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(6, 4, generator=generator)
    labels = torch.randint(4, (6,), generator=generator)
    batch = Batch(inputs=torch.zeros(6, 2), labels=labels, attributes={})

    targets = smoothing(amount).transform(batch, generator=generator).targets

    assert targets is not None
    expected = F.cross_entropy(logits, labels, label_smoothing=amount, reduction="none")
    torch.testing.assert_close(F.cross_entropy(logits, targets, reduction="none"), expected)


def test_it_smooths_the_targets_that_another_defence_has_set(smoothing: Made) -> None:
    """0.8 · (0.5, 0.5, 0, 0) and 0.2 spread over four."""
    mixed = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    batch = Batch(inputs=torch.zeros(1, 2), labels=torch.tensor([0]), attributes={}, targets=mixed)

    targets = smoothing(0.2).transform(batch, generator=torch.Generator()).targets

    torch.testing.assert_close(targets, torch.tensor([[0.45, 0.45, 0.05, 0.05]]))
