"""What is built from a spec before anything trains, and what a method gets of it."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor

from safecompress_core.context.run_context import RunContext
from safecompress_core.context.samples import RunSamples
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.methods.method import MethodContext
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.saved_models.storage import save_model
from safecompress_core.sparse.topology import Topology

Prepare = Callable[..., RunContext]


def workshop(run_context: RunContext, folder: Path, **more: Any) -> MethodContext:
    """A method's, without a big network."""
    return run_context.method_context(
        "method",
        **{
            "big": None,
            "checkpoints": Checkpoints(folder),
            "archived": lambda name: folder / name,
            "events": EventLog(),
            **more,
        },
    )


def reachable(start: Any) -> Iterator[Any]:
    """Everything that can be got at from an object, but for classes, modules and globals."""
    seen: set[int] = set()
    waiting = [start]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, FunctionType):
            waiting += [cell.cell_contents for cell in one.__closure__ or ()]
        elif isinstance(one, MethodType):
            waiting += [one.__self__, one.__func__]
        else:
            waiting += gc.get_referents(one)


def test_a_method_has_no_path_to_the_audit_pool(prepare: Prepare, tmp_path: Path) -> None:
    """Whatever it follows in its context, it meets attack-train and select alone."""
    run_context = prepare()
    given = workshop(run_context, tmp_path)
    given.copy_uncompressed()
    found = list(reachable(given))
    audit = run_context.pools.audit

    assert {one.name for one in found if isinstance(one, Pool)} == {"attack_train", "select"}
    assert not any(isinstance(one, SamplePools | RunContext | RunSamples) for one in found)
    tensors = [one for one in found if isinstance(one, Tensor)]
    for side in (audit.members, audit.non_members):
        assert not any(one.shape == side.shape and torch.equal(one, side) for one in tensors)
    assert audit in [one for one in reachable(run_context) if isinstance(one, Pool)]


def test_a_network_from_a_model_file_knows_which_weights_exist(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Weights alone cannot tell: an active one may be 0."""
    run_context = prepare()
    blank = run_context.create_network()
    masks = {name: weight > 0 for name, weight in blank.sparse_parameters().items()}
    state = {name: torch.zeros_like(tensor) for name, tensor in blank.state().items()}
    path = tmp_path / "model.safetensors"
    save_model(path, state, Topology.from_masks(masks), run_context.model_metadata)

    network = run_context.load_network(path)

    assert network.masks.keys() == masks.keys()
    assert all(torch.equal(network.masks[name], mask) for name, mask in masks.items())
    assert not any(tensor.any() for tensor in network.state().values())


def test_the_big_network_is_a_copy_each_time(prepare: Prepare, tmp_path: Path) -> None:
    """What a method does to it, no other sees; where there is none, it is a blank one."""
    run_context = prepare()
    big = run_context.create_network()
    with torch.no_grad():
        for parameter in big.parameters():
            parameter.fill_(2)
    given = workshop(run_context, tmp_path, big=lambda: big)
    with torch.no_grad():
        for parameter in given.copy_uncompressed().parameters():
            parameter.fill_(3)

    assert all(bool((parameter == 2).all()) for parameter in given.copy_uncompressed().parameters())
    without = workshop(run_context, tmp_path).copy_uncompressed()
    assert all(map(torch.equal, without.parameters(), run_context.create_network().parameters()))


def test_passport_and_card_tell_what_the_model_is_for(prepare: Prepare, tmp_path: Path) -> None:
    """Its architecture, its inputs and the names of its classes."""
    run_context = prepare()

    assert run_context.model_metadata["input_shape"] == [1, 8, 8]
    assert run_context.model_metadata["classes"][0] == "session 1"
    assert run_context.model_metadata["model"] == {"type": "mlp", "hidden": [8]}
    assert workshop(run_context, tmp_path).data_card.attributes == {"digit": 10}
