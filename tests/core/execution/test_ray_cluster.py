"""Connection to a Ray cluster, and what does not answer."""

import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from safecompress_core.errors import ExecutionError
from safecompress_core.execution.settings import Execution

ray = pytest.importorskip("ray", reason="needs the extra 'ray'")

from safecompress_core.execution import ray_cluster as module  # noqa: E402
from safecompress_core.execution.ray_cluster import (  # noqa: E402
    connect,
    packages_by_node,
    require_packages,
    require_resources,
)

pytestmark = pytest.mark.ray


@pytest.fixture
def silent_address() -> Iterator[str]:
    """An address at which something listens that never says anything."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1 (.*refused.*); start one with"),
        ("127.0.0.1:99999", "no Ray cluster answers at 127.0.0.1:99999"),
        ("cluster", "'cluster' is no address of Ray; write HOST:PORT"),
        ("ray://head", "'ray://head' is no address of Ray; write HOST:PORT"),
    ],
)
def test_an_address_that_is_none_is_refused_at_once(address: str, message: str) -> None:
    """Without a word of Ray's own."""
    begun = time.monotonic()

    with pytest.raises(ExecutionError, match=message.replace("(.*", r"\(.*").replace("*)", r"*\)")):
        connect(Execution(executor="ray", address=address))

    assert time.monotonic() - begun < module.ANSWER


def test_an_address_that_does_not_answer_is_given_up(
    silent_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray itself would wait for minutes."""
    monkeypatch.setattr(module, "ANSWER", 2.0)
    monkeypatch.setattr(ray, "init", lambda **_: time.sleep(60))
    begun = time.monotonic()

    with pytest.raises(ExecutionError, match=r"no Ray cluster answers .* within 2 s"):
        connect(Execution(executor="ray", address=silent_address))

    assert time.monotonic() - begun < 30


def test_auto_without_a_cluster_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to do instead."""

    def refuse(**_: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance.")

    monkeypatch.setattr(ray, "init", refuse)
    with pytest.raises(ExecutionError, match=r"at auto \(Could not find .*\); start one with"):
        connect(Execution(executor="ray", address="auto"))


def test_packages_must_be_those_of_this_machine() -> None:
    """Both versions are named; what is not needed may differ."""
    packages = {
        "10.0.0.1": {"safecompress": "0.1.0", "acme": "1"},
        "10.0.0.2": {"safecompress": "0.2"},
    }

    require_packages((("safecompress", "0.1.0"),), {"10.0.0.1": packages["10.0.0.1"]})
    with pytest.raises(
        ExecutionError, match="node 10.0.0.2 has safecompress 0.2, .* safecompress 0.1.0:"
    ):
        require_packages((("safecompress", "0.1.0"),), packages)
    with pytest.raises(
        ExecutionError, match="node 10.0.0.2 has no acme, and this machine has acme 1:"
    ):
        require_packages((("acme", "1"),), packages)


def test_a_unit_must_fit_on_one_node(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes that have left do not count; several small ones are no large one."""
    nodes = [
        {"Alive": True, "Resources": {"CPU": 2.0, "GPU": 1.0}},
        {"Alive": True, "Resources": {"CPU": 4.0}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
    ]
    monkeypatch.setattr(ray, "nodes", lambda: nodes)

    require_resources(threads=4, gpus=1)
    with pytest.raises(ExecutionError, match="a unit takes 6 CPU, and the node .* has 4"):
        require_resources(threads=6, gpus=0)
    with pytest.raises(ExecutionError, match="a unit takes 2 GPU, and the node .* has 1"):
        require_resources(threads=1, gpus=2)


@pytest.mark.slow
def test_a_cluster_is_connected_with_and_lists_its_packages(ray_cluster: Any) -> None:
    """Each node says what it has."""
    connect(Execution(executor="ray", address=ray_cluster.address))
    try:
        packages = packages_by_node()
    finally:
        ray.shutdown()

    assert packages
    for installed in packages.values():
        assert {"python", "safecompress"} <= set(installed)
