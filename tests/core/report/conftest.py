"""Results for the tests of the report."""

from typing import Any

import pytest

from tests.core.fixtures.results import run_results


@pytest.fixture
def results() -> dict[str, Any]:
    """Results as JSON, for a test to change and to read with ``typed``."""
    return run_results().to_json()
