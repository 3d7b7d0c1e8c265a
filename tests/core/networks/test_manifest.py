"""The model that core ships."""

import pytest
from pydantic import ValidationError

from safecompress_core.networks.manifest import DEFINITIONS, InMemoryModelParams
from safecompress_core.specfile.component_files import implementation


def test_a_network_in_memory_is_named_by_its_fingerprint() -> None:
    """There is nothing else to say of it."""
    (definition,) = DEFINITIONS

    assert definition.name == "in-memory"
    assert implementation(definition).__name__ == "InMemoryModel"
    with pytest.raises(ValidationError, match="fingerprint"):
        InMemoryModelParams.model_validate({})
