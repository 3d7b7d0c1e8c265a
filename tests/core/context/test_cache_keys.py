"""Names of trained models by everything that they depend on."""

from collections.abc import Callable

import pytest

from safecompress_core.context.cache_keys import content_key, trains_plainly
from safecompress_core.context.run_context import RunContext
from safecompress_core.plan import PLAIN

Prepare = Callable[..., RunContext]


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"name": "other"}, True),
        ({"method__density": 0.5}, True),
        ({"audit__attackers": []}, True),
        ({"seed": 4}, False),
        ({"training__epochs": 5}, False),
        ({"training__threads": 2}, False),
        ({"task__model": {"type": "mlp", "hidden": [9]}}, False),
        ({"pools": {"members": 0.4}}, False),
    ],
)
def test_a_key_follows_what_the_uncompressed_model_depends_on(
    prepare: Prepare, changes: dict[str, object], *, is_same: bool
) -> None:
    """And nothing else, so that variants share it."""
    key = content_key(prepare(), method=PLAIN)

    assert (content_key(prepare(**changes), method=PLAIN) == key) == is_same
    assert len(key) == 16


def test_more_content_is_another_key(prepare: Prepare) -> None:
    """The same content is the same one, whatever its order."""
    run_context = prepare()
    one = content_key(run_context, method=PLAIN, audit={"a": 1, "b": 2})

    assert one == content_key(run_context, audit={"b": 2, "a": 1}, method=PLAIN)
    assert one != content_key(run_context, method=PLAIN)


def test_plain_training_is_told_from_any_other(prepare: Prepare) -> None:
    """A defence makes it another one."""
    assert trains_plainly(prepare(method={"type": "uncompressed"}))
    assert not trains_plainly(prepare())
    defended = {"type": "uncompressed", "defences": [{"type": "mixup"}]}
    assert not trains_plainly(prepare(method=defended))
