"""Whether runs of a comparison are about the same samples."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.specfile.checks.comparability import other_samples
from safecompress_core.specfile.load import LoadedSpec

Load = Callable[..., LoadedSpec[Any]]


def told(load: Load, *overrides: str) -> list[tuple[str, str]]:
    """Where and why a run with these changes cannot be compared with the good one."""
    problems = other_samples(load(*overrides), load(), name="first")
    return [(one.path, one.message.partition(":")[0]) for one in problems]


@pytest.mark.parametrize(
    "override", ["seed=7", "task.model.hidden=[4]", "method.density=0.5", "audit.attackers=[]"]
)
def test_what_leaves_the_samples_alone_can_be_compared(loaded: Load, override: str) -> None:
    """Seeds, models, methods and attackers are what comparisons are of."""
    more = ("gate=[]",) if override == "audit.attackers=[]" else ()

    assert told(loaded, override, *more) == []


def test_every_field_that_decides_on_samples_is_told(loaded: Load) -> None:
    """With both values and the other variant's name."""
    assert told(loaded, "task.data.count=50", "pools.members=20") == [
        ("task.data.count", "50 here, and 100 for 'first'"),
        ("pools.members", "20 here, and 0.5 for 'first'"),
    ]


def test_of_other_data_the_type_alone_is_told(loaded: Load) -> None:
    """Their fields have nothing to do with each other."""
    assert told(loaded, "task.data={type: unknown}") == [
        ("task.data.type", "'unknown' here, and 'letters' for 'first'")
    ]
