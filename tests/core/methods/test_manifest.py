"""The methods that core ships, and the work that they announce."""

from safecompress_core.methods.manifest import DEFINITIONS


def test_dense_training_is_one_pass_an_epoch() -> None:
    """Of one model, without a test."""
    [definition] = [one for one in DEFINITIONS if one.name == "uncompressed"]
    assert definition.workload is not None

    work = definition.workload(definition.params(), 7)

    assert (work.epochs, work.tests, work.candidates) == (7, 0, ())
