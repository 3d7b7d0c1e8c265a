"""The environment of a run: platform, packages, device, threads."""

import json
from importlib.metadata import version

import pytest
import torch
from threadpoolctl import threadpool_info
from torch import nn

from safecompress_core.results.environment import (
    environment,
    is_available,
    pick_device,
    reproducible,
    threads_for,
)
from safecompress_core.training.precision import PLAIN


def test_the_environment_names_what_may_change_the_bytes() -> None:
    """Versions and the number of threads, as JSON."""
    found = environment(torch.device("cpu"), PLAIN)

    assert json.loads(json.dumps(found)) == found
    assert found["packages"]["torch"] == version("torch")
    assert found["device"] == "cpu"
    assert found["accelerator"] is None
    assert found["threads"] == torch.get_num_threads()
    assert found["training"]["precision"] == "float32"


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
    """The default of torch does not matter, and a large network keeps it."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)

    assert threads_for(nn.Linear(500, 1000), torch.zeros(1, 500)) == 1
    assert threads_for(nn.Linear(501, 1000), torch.zeros(1, 501)) == 7
    for width in (500, 501):
        network, sample = nn.Linear(width, 1000), torch.zeros(1, width)
        assert threads_for(network, sample, wanted=3) == 3


def test_a_numbered_device_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first is number 0."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)

    assert is_available("cuda:1")
    assert not is_available("cuda:2")
    assert pick_device("cuda:1") == torch.device("cuda", 1)


def test_work_is_what_counts_and_not_the_number_of_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    """A convolution uses its weights once a pixel: 3·3·3·8 of them on 50 × 50 pixels."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten())

    assert threads_for(network, torch.zeros(1, 3, 32, 32)) == 1
    assert threads_for(network, torch.zeros(1, 3, 52, 52)) == 7


def test_blas_computes_by_as_many_threads_as_torch() -> None:
    """The limit ends with the run, since a caller's own code shares the process."""
    before = _blas_threads()

    with reproducible(1):
        assert set(_blas_threads()) == {1}
        assert torch.get_num_threads() == 1

    assert _blas_threads() == before


def _blas_threads() -> list[int]:
    """The threads of each BLAS library that is loaded; numpy brings one."""
    found = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
    assert found
    return found
