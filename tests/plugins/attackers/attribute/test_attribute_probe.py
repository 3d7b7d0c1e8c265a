"""The probe at the edges of what it may be given."""

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    Observations,
    PoolError,
    observe,
)
from safecompress_plugins.attackers.attribute.attribute_probe import AttributeProbe
from safecompress_plugins.attackers.attribute.manifest import AttributeProbeParams


def seen(hidden: Tensor) -> Observations:
    """A model of one layer, whose representation this is."""
    return observe(Classifier(nn.Linear(2, 2)), hidden, torch.zeros(len(hidden), dtype=torch.int64))


def fitted(hidden: Tensor, truth: Tensor, *, values: int) -> AttributeProbe:
    """A logistic probe that has learned from this."""
    probe = AttributeProbe(AttributeProbeParams(attribute="group"))
    known = AdversaryKnowledge(seen=seen(hidden), truth=truth, values=values)
    probe.fit(known, generator=torch.Generator().manual_seed(0))
    return probe


def test_an_absent_value_gets_probability_0() -> None:
    """Columns stand for values, not for the classes that scikit-learn happened to see."""
    hidden = torch.tensor([[-1.0, 0.0], [-1.1, 0.0], [1.0, 0.0], [1.1, 0.0]])
    probe = fitted(hidden, torch.tensor([0, 0, 3, 3]), values=5)

    scores = probe.score(AdversaryKnowledge(seen=seen(hidden), truth=None, values=5))

    assert scores.argmax(dim=1).tolist() == [0, 0, 3, 3]
    assert not scores[:, [1, 2, 4]].any()
    torch.testing.assert_close(scores.sum(dim=1), torch.ones(4))


def test_a_single_known_value_is_the_answer_to_everything() -> None:
    """A later fit to more values replaces it."""
    hidden = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    probe = fitted(hidden, torch.full((6,), 2), values=3)
    asked = AdversaryKnowledge(seen=seen(hidden), truth=None, values=3)

    assert probe.score(asked).tolist() == [[0, 0, 1]] * 6


def test_the_scale_of_the_representation_does_not_matter() -> None:
    """It is standardised by attack-train, so a hidden unit in other units tells as much."""
    hidden = torch.randn(60, 2, generator=torch.Generator().manual_seed(0))
    truth = (hidden[:, 1] > 0).long()
    scale = torch.tensor([1000.0, 0.001])
    plain, scaled = fitted(hidden, truth, values=2), fitted(hidden * scale, truth, values=2)

    torch.testing.assert_close(
        plain.score(AdversaryKnowledge(seen=seen(hidden), truth=None, values=2)),
        scaled.score(AdversaryKnowledge(seen=seen(hidden * scale), truth=None, values=2)),
        atol=1e-3,
        rtol=1e-3,
    )


def test_there_must_be_something_to_learn_from() -> None:
    """An empty pool is an error with words, not one from inside scikit-learn."""
    with pytest.raises(PoolError, match="samples with a known attribute"):
        fitted(torch.zeros(0, 2), torch.zeros(0, dtype=torch.int64), values=2)
