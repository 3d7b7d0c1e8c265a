"""Observations of the pools of an audit."""

from collections.abc import Callable
from typing import Any

import torch

from safecompress_core.api import Need
from safecompress_core.audit.pool_observer import PoolObserver
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.networks.classifier import Classifier


def test_other_models_are_observed_once_and_only_where_they_are_asked_for(
    mislabelled: Dataset,
    pools: SamplePools,
    spies: Any,
    network: Callable[..., Classifier],
    overfitted: Classifier,
) -> None:
    """The uncompressed one for whatever needs it, other versions next to a version."""
    big, best, other = (network() for _ in range(3))
    forwarded: list[str] = []
    for name, model in {"big": big, "best": best, "other": other}.items():
        model.register_forward_hook(lambda *_, name=name: forwarded.append(name))

    def observer(*needs: Need) -> PoolObserver:
        return PoolObserver(
            dataset=mislabelled,
            pools=pools,
            attacks=[spies.attack("reader")],
            metric_needs=frozenset(needs),
            uncompressed=big,
            versions={"best": best, "other": other},
        )

    alone = observer().observe(overfitted, pools.audit, references=None, version=None)
    assert (alone.uncompressed, alone.versions, forwarded) == (None, (), [])

    beside = observer(Need.UNCOMPRESSED)
    for _ in range(2):
        seen = beside.observe(best, pools.audit, references=None, version="best")

    assert seen.uncompressed is not None
    torch.testing.assert_close(
        seen.versions[0].logits, other(mislabelled.inputs[pools.audit.indices]).detach()
    )
    # Once a pool: attack-train and audit; never select.
    assert (forwarded.count("big"), forwarded.count("other")) == (2, 2)
