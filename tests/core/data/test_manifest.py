"""The data set that core ships."""

import pytest
from pydantic import ValidationError

from safecompress_core.data.manifest import DEFINITIONS, InMemoryParams
from safecompress_core.specfile.component_files import implementation


def test_samples_in_memory_are_named_by_their_fingerprint() -> None:
    """There is nothing else to say of them, and nothing to read."""
    (definition,) = DEFINITIONS

    assert definition.name == "in-memory"
    assert implementation(definition).__name__ == "InMemoryData"
    with pytest.raises(ValidationError, match="fingerprint"):
        InMemoryParams.model_validate({})
