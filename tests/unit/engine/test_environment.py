"""What a run ran on."""

import json

import pytest
import torch
from torch import nn

from safecompress_core.engine.environment import (
    environment,
    is_available,
    pick_device,
    threads_for,
)


def test_the_environment_names_what_may_change_the_bytes() -> None:
    """Versions and the number of threads, as JSON."""
    found = environment(torch.device("cpu"))

    assert json.loads(json.dumps(found)) == found
    assert found["packages"]["torch"] == torch.__version__
    assert found["device"] == "cpu"
    assert found["accelerator"] is None
    assert found["threads"] == torch.get_num_threads()


@pytest.mark.parametrize(
    ("cuda", "mps", "picked"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_an_accelerator_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, picked: str
) -> None:
    """A wish is granted as it is, and known to be impossible where it is."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)

    assert pick_device("auto").type == picked
    assert pick_device("cpu").type == "cpu"
    assert [is_available(wanted) for wanted in ("auto", "cpu", "cuda", "mps")] == [
        *(True, True, cuda, mps)
    ]


def test_a_small_network_is_trained_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever torch would take; a large one leaves that alone."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)

    assert threads_for(nn.Linear(999, 1000)) == 1
    assert threads_for(nn.Linear(1000, 1000)) == 7
