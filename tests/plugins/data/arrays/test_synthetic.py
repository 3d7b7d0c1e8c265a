"""Noise in the shape of real data."""

import pytest
import torch

from safecompress_core.api import DataDef
from safecompress_core.testing import DefinitionConformance
from safecompress_plugins.data.arrays.synthetic import SyntheticData
from safecompress_plugins.data.arrays.synthetic_manifest import (
    DEFINITIONS,
    SyntheticParams,
    synthetic_card,
)


class TestMadeUp(DefinitionConformance):
    definition: DataDef = DEFINITIONS[0]


@pytest.mark.parametrize("params", [{"shape": [3, 4, 5]}, {"words": 7, "classes": 3}])
def test_the_card_tells_what_is_made_up(params: dict[str, object]) -> None:
    """Shape, labels and texts; the same at every call."""
    given = SyntheticParams.model_validate({"samples": 12, **params})
    one, other = SyntheticData(given).load(), SyntheticData(given).load()

    assert one.card == synthetic_card(given)
    assert isinstance(one.inputs, torch.Tensor)
    assert torch.equal(one.inputs, other.inputs)  # type: ignore[arg-type]
    assert [len(text.split()) for text in one.texts] == [7] * 12 * bool(given.words)
