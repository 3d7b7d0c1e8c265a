"""Objects of the calling process."""

from safecompress_core.data.held_objects import HeldObjects


def test_an_object_is_there_while_it_is_held() -> None:
    """An inner call may hold an equal one, which does not end the outer one's."""
    held: HeldObjects[str] = HeldObjects()

    with held.hold("key", "outer"):
        with held.hold("key", "inner"):
            assert held.get("key") == "inner"
        assert held.get("key") == "outer"
        assert held.get("other") is None

    assert held.get("key") is None
