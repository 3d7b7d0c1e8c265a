"""A comparison for the tests of its tables and pages."""

from typing import Any

import pytest

from tests.core.fixtures.comparisons import comparison_content


@pytest.fixture
def comparison() -> dict[str, Any]:
    """A comparison as JSON, for a test to change and to read with ``typed``."""
    return comparison_content()
