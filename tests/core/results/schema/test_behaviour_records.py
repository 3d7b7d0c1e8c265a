"""Behaviours in results."""

import pytest
from pydantic import ValidationError

from safecompress_core.results.schema import BehaviourRecord
from tests.core.fixtures.records import estimate

ROW = BehaviourRecord(
    name="accuracy",
    kind="metric",
    higher="better",
    before=estimate(0.5),
    after=estimate(0.4),
    change=estimate(-0.1),
    retrained=(estimate(0.01),),
    relative=False,
    verdict="cannot tell",
)


@pytest.mark.parametrize("change", [{"verdict": "perhaps"}, {"kind": "gate"}, {"change": None}])
def test_what_readers_do_not_know_is_refused(change: dict[str, object]) -> None:
    """An unknown verdict or kind, or a row without a change."""
    content = ROW.to_json()
    assert BehaviourRecord.model_validate(content) == ROW

    with pytest.raises(ValidationError, match=next(iter(change))):
        BehaviourRecord.model_validate(content | change)
