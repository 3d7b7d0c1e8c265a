"""The environment of a run: platform, packages, device, threads."""

import copy
import json
from importlib.metadata import version

import pytest
import torch
from threadpoolctl import threadpool_info
from torch import nn

from safecompress_core.results.environment import (
    environment,
    is_available,
    multiplications,
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


def test_work_is_what_counts_and_not_the_number_of_weights() -> None:
    """A convolution uses its weights once a pixel: 3·3·3·8 of them on 30 × 30 pixels."""
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(), nn.Flatten())
    before = copy.deepcopy(network.state_dict())

    assert multiplications(network, torch.zeros(1, 3, 32, 32)) == 3 * 3 * 3 * 8 * 30 * 30
    assert network.training
    assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())


def test_attention_is_counted_where_torch_would_fuse_it() -> None:
    """Per layer and token 4 projections of 8² and 2 of 8·16."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    network = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)

    assert multiplications(network, torch.zeros(1, 5, 8)) == 3 * 5 * (4 * 8 * 8 + 2 * 8 * 16)


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
