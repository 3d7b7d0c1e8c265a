"""The training part of HAMP, held against scipy's entropy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch import tensor

from safecompress_core.toolkit import Batch, Step
from safecompress_plugins.defences.hamp import Hamp, largest_share
from safecompress_plugins.defences.manifest import HampParams


def hamp(classes: int, **params: float) -> Hamp:
    """The defence for so many classes."""
    defence = Hamp(HampParams(**params))
    defence.prepare(representation=3, classes=classes, attributes={}, generator=torch.Generator())
    return defence


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_labels_have_the_entropy_that_was_asked_for(classes: int, share: float) -> None:
    """As a share of log C; and no larger share of the label's own class would have it."""

    def reached(p: float) -> float:
        others = np.full(classes - 1, (1 - p) / (classes - 1))
        return float(entropy([p, *others])) / math.log(classes)

    p = largest_share(share, classes)

    assert 1 / classes < p < 1
    assert reached(p) == pytest.approx(share, abs=1e-9)
    assert reached(p + 1e-4) < share


def test_the_labels_class_stays_the_likeliest() -> None:
    """Others have what is left, all alike; targets of another defence are evened out as much."""
    batch = Batch(inputs=torch.zeros(2, 3), labels=tensor([1, 0]), attributes={})
    defence = hamp(3, entropy=0.8)
    p = largest_share(0.8, 3)

    hard = defence.transform(batch, generator=torch.Generator()).targets
    mixed = defence.transform(
        Batch(
            inputs=batch.inputs,
            labels=batch.labels,
            attributes={},
            targets=tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]),
        ),
        generator=torch.Generator(),
    ).targets

    low = (1 - p) / 2
    torch.testing.assert_close(hard, tensor([[low, p, low], [p, low, low]]))
    torch.testing.assert_close(mixed, tensor([[(p + low) / 2, (p + low) / 2, low], [p, low, low]]))


def test_unsure_answers_are_rewarded(make_step: Callable[..., Step]) -> None:
    """Entropies of (1/2, 1/2) and (1/4, 3/4), averaged, times the weight."""
    step = make_step(tensor([[0.0, 0.0], [0.0, math.log(3)]]), tensor([0, 0]))

    loss = hamp(2, weight=0.4).loss(step, tensor(1.0))

    mean = (entropy([0.5, 0.5]) + entropy([0.25, 0.75])) / 2
    assert float(loss) == pytest.approx(1 - 0.4 * mean)
