"""Which value of an attribute explains the task label best, on tables worked out by hand."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, tensor

from safecompress_core.api import AttackerDef
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import AdversaryKnowledge, PoolError
from safecompress_plugins.attackers.attribute.attribute_imputation_gain import (
    AttributeImputationGain,
    confusion,
)
from safecompress_plugins.attackers.attribute.manifest import (
    DEFINITIONS,
    AttributeImputationGainParams,
)

[GAIN] = [one for one in DEFINITIONS if one.name == "attribute-imputation-gain"]

MakeEvidence = Callable[..., AdversaryKnowledge]


class TestImputationGainByConfusion(AttackerConformance):
    definition: AttackerDef = GAIN
    params = {"attribute": "group"}


class TestImputationGainByPosterior(AttackerConformance):
    definition: AttackerDef = GAIN
    params = {"attribute": "group", "by": "posterior", "prior": "features"}


class TestImputationGainByCsmia(AttackerConformance):
    definition: AttackerDef = GAIN
    params = {"attribute": "group", "by": "csmia"}


def scores(table: MakeEvidence, by: Any) -> Tensor:
    """Of records A to D with the labels 1, 1, 1 and 0; value 0 is known five times, 1 once.

    The model answers label 0 three times where 0 is right, and 1 three times, right in two.
    """
    attacker = AttributeImputationGain(AttributeImputationGainParams(attribute="sex", by=by))
    known = table("CCAAAB", [0, 0, 0, 1, 1, 0], [0, 0, 1, 0, 0, 0])
    attacker.fit(known, generator=torch.Generator())
    return attacker.score(table("ABCD", [1, 1, 1, 0]))


def test_a_posterior_is_weighed_with_the_prior(table: MakeEvidence) -> None:
    """Pr(v) is 6/8 and 2/8 with one more of each; times the posterior of the label."""
    worked_out = tensor(
        [
            [0.75 * 0.9, 0.25 * 0.3],
            [0.75 * 0.6, 0.25 * 0.8],
            [0.75 * 0.1, 0.25 * 0.4],
            [0.75 * 0.3, 0.25 * 0.8],
        ]
    )

    parts = worked_out / worked_out.sum(dim=1, keepdim=True)
    torch.testing.assert_close(scores(table, "posterior").float(), parts)


def test_a_predicted_label_is_weighed_by_the_confusion_matrix(table: MakeEvidence) -> None:
    """Of predicted 0, 4/5 are 0 and 1/5 are 1; of predicted 1, 2/5 and 3/5; one more of each."""
    worked_out = tensor(
        [
            [0.75 * 0.6, 0.25 * 0.2],  # with value 0 the model says 1, with value 1 it says 0
            [0.75 * 0.6, 0.25 * 0.6],
            [0.75 * 0.2, 0.25 * 0.2],
            [0.75 * 0.4, 0.25 * 0.8],
        ]
    )

    parts = worked_out / worked_out.sum(dim=1, keepdim=True)
    torch.testing.assert_close(scores(table, "confusion").float(), parts)


def test_csmia_decides_by_its_three_cases(table: MakeEvidence) -> None:
    """Mehnaz et al. 2022, cases 1 to 3.

    A: right with 0 alone. B: right with both, surer with 1. C: wrong with both, surer with 0 (0.9
    against 0.6), so 1. D: right with 1 alone.
    """
    assert scores(table, "csmia").argmax(dim=1).tolist() == [0, 1, 1, 1]


def test_the_prior_may_depend_on_public_features(table: MakeEvidence) -> None:
    """Record A always has value 1, the others have 0: so the features say, whatever is frequent."""
    known = table("ABCD" * 20, [1, 1, 1, 0] * 20, [1, 0, 0, 0] * 20)
    decided = {}
    for prior in ("frequency", "features"):
        params = AttributeImputationGainParams(attribute="sex", by="posterior", prior=prior)
        attacker = AttributeImputationGain(params)
        attacker.fit(known, generator=torch.Generator())
        decided[prior] = int(attacker.score(table("A", [1])).argmax())

    assert decided == {"frequency": 0, "features": 1}


def test_of_equal_samples_the_confusion_matrix_counts_pairs() -> None:
    """Rows are predictions: each sums to 1, with one more of each pair than there is."""
    matrix = confusion(tensor([0, 0, 1]), tensor([0, 1, 1]), classes=3)

    third = [1 / 3] * 3
    expected = tensor([[2 / 5, 2 / 5, 1 / 5], [1 / 4, 2 / 4, 1 / 4], third], dtype=torch.float64)
    torch.testing.assert_close(matrix, expected)


def test_an_attribute_that_is_no_input_cannot_be_asked_about(table: MakeEvidence) -> None:
    """The error says what is missing."""
    known = table("ABCD", [1, 1, 1, 0], [0, 1, 0, 1])
    attacker = AttributeImputationGain(AttributeImputationGainParams(attribute="sex"))
    attacker.fit(known, generator=torch.Generator())

    with pytest.raises(PoolError, match="not part of the model's input"):
        attacker.score(replace(known, encoding=None, truth=None))
