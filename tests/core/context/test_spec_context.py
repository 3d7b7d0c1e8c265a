"""What every audit needs of a spec: data, pools and metrics."""

from collections.abc import Callable

from safecompress_core.context.run_context import RunContext

Prepare = Callable[..., RunContext]


def test_performance_is_the_first_metric_over_samples(prepare: Prepare) -> None:
    """Whatever stands before it."""
    run_context = prepare(metrics=[{"type": "file-bytes"}, {"type": "accuracy"}])

    assert list(run_context.metrics) == ["file-bytes", "accuracy"]
    assert run_context.performance[0] == "accuracy"


def test_pools_are_described_by_sizes_and_fingerprints(prepare: Prepare) -> None:
    """Of 1,797 samples, half members; another seed gives other pools."""
    described = prepare().describe_pools()
    other = prepare(seed=4).describe_pools()

    assert {name: (one["members"], one["non_members"]) for name, one in described.items()} == {
        "attack_train": (359, 359),
        "select": (270, 270),
        "audit": (269, 270),
    }
    for name, one in described.items():
        assert len(one["fingerprint"]) == 64
        assert one["fingerprint"] != other[name]["fingerprint"]
