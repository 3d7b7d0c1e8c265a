"""Offering names."""

from safecompress_core.specfile.names import list_names, nearest, offer


def test_near_names_are_offered_before_all_of_them() -> None:
    """At most two, the nearest first."""
    names = ["neural-blackbox", "neural-whitebox", "loss-threshold"]

    assert nearest("neural-whitbox", names).startswith("did you mean 'neural-whitebox'")
    assert offer("zzz", names) == f"there are: {', '.join(names)}"
    assert offer("loss-treshold", names) == "did you mean 'loss-threshold'?"


def test_no_names_at_all_have_their_own_words() -> None:
    """An empty list after a colon would read like a mistake of ours."""
    assert list_names([], none="the method has none") == "the method has none"
    assert offer("a", []) == "there are none"
