"""Sources of an audit's reference models."""

import pytest

from safecompress_core.runs.audits.audit_references import ReadyModels
from safecompress_core.runs.audits.reference_source import ReferenceSource
from safecompress_core.runs.audits.trained_models import TrainedModels


@pytest.mark.parametrize(("source", "method"), [(ReadyModels, "given"), (TrainedModels, "train")])
def test_results_say_where_reference_models_come_from(
    source: type[ReferenceSource], method: str
) -> None:
    """Both kinds have a method of that name, and answer alike."""
    assert issubclass(source, ReferenceSource)
    assert source.method == method
