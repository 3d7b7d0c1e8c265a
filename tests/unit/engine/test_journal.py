"""Events tell what happened and how far the run is."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from safecompress_core.engine.journal import Journal


def test_every_sink_is_told_with_time_and_progress() -> None:
    """In the order of events; facts are passed on as they are."""
    first: list[Mapping[str, Any]] = []
    second: list[Mapping[str, Any]] = []
    journal = Journal(first.append, second.append, total=5)

    journal.tell("run_started", name="it")
    journal.advance()
    journal.advance(2)
    journal.tell("round_finished", round=1, candidates=[])

    assert first == second
    assert [(one["event"], one["done"], one["total"]) for one in first] == [
        ("run_started", 0, 5),
        ("round_finished", 3, 5),
    ]
    assert first[0]["name"] == "it"
    assert datetime.fromisoformat(first[0]["time"]).utcoffset() is not None
    json.dumps(first)
