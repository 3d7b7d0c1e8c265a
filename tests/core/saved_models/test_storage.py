"""A model file is small, exact to the bit, always the same bytes, and never half there."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from safecompress_core.errors import StorageError, TopologyError, WriteError
from safecompress_core.saved_models import storage
from safecompress_core.saved_models.storage import load_model, save_model
from safecompress_core.sparse.topology import Topology

# Same-sized integers, to write and compare bit patterns that no float operation could tell apart.
BITS = {
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.float32: torch.int32,
    torch.float64: torch.int64,
}
QUIET_NAN_WITH_PAYLOAD, SIGNALLING_NAN, MINUS_ZERO = 0x7FC00123, 0x7F800001, -(2**31)


def model(density: float = 0.05) -> tuple[dict[str, Tensor], Topology]:
    """A perceptron with exactly so many random weights in its hidden layers."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        network = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU())
        masks = {}
        for name in ("0.weight", "2.weight"):
            weight = network.get_parameter(name)
            order = torch.randperm(weight.numel()).view(weight.shape)
            masks[name] = order < round(density * weight.numel())
            weight.data *= masks[name]
    return dict(network.state_dict()), Topology.from_masks(masks)


def small_model() -> tuple[dict[str, Tensor], Topology]:
    """Three of five weights, a bias and a counter."""
    state = {
        "w": torch.tensor([1.5, 0.0, 0.0, -2.5, 0.25]),
        "bias": torch.tensor([0.5], dtype=torch.float64),
        "batches": torch.tensor(7),
    }
    return state, Topology.from_masks({"w": torch.tensor([1, 0, 1, 1, 0])}).replace(
        {"w": torch.tensor([False, False, True, False, False])},
        {"w": torch.tensor([False, False, False, False, True])},
    )


def same_bits(one: Tensor, two: Tensor) -> bool:
    """Equal in dtype, shape and every bit."""
    return (one.dtype, one.shape) == (two.dtype, two.shape) and torch.equal(
        one.view(BITS[one.dtype]), two.view(BITS[two.dtype])
    )


def test_state_topology_and_metadata_come_back(tmp_path: Path) -> None:
    """All three are what was saved, tensors outside the topology and non-floats included."""
    state, topology = small_model()

    save_model(tmp_path / "m.safetensors", state, topology, {"name": "erdős", "layers": [1, None]})
    stored = load_model(tmp_path / "m.safetensors")

    assert stored.state.keys() == state.keys()
    assert all(torch.equal(stored.state[name], tensor) for name, tensor in state.items())
    assert all(stored.state[name].dtype is tensor.dtype for name, tensor in state.items())
    assert stored.topology == topology
    assert stored.metadata == {"name": "erdős", "layers": [1, None]}


def test_special_values_keep_their_bits(tmp_path: Path) -> None:
    """NaN payloads, signalling NaN, infinities and −0.0 are copied and not computed with."""
    patterns = [QUIET_NAN_WITH_PAYLOAD, SIGNALLING_NAN, MINUS_ZERO, 0x7F800000, 1, 0]
    weight = torch.tensor(patterns, dtype=torch.int32).view(torch.float32)
    topology = Topology.from_masks({"w": torch.tensor([1, 1, 1, 1, 1, 0])})

    save_model(tmp_path / "m", {"w": weight, "b": weight.clone()}, topology, {})
    stored = load_model(tmp_path / "m")

    assert same_bits(stored.state["w"], weight)
    assert same_bits(stored.state["b"], weight)


@given(data=st.data(), dtype=st.sampled_from(list(BITS)))
def test_any_bits_in_any_precision_come_back(
    data: st.DataObject, dtype: torch.dtype, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Random bit patterns under random masks are the same after a round trip."""
    limits = torch.iinfo(BITS[dtype])
    active = data.draw(st.lists(st.booleans(), min_size=1, max_size=20).filter(any))
    bits = [data.draw(st.integers(limits.min, limits.max)) if flag else 0 for flag in active]
    weight = torch.tensor(bits, dtype=BITS[dtype]).view(dtype)
    topology = Topology.from_masks({"w": torch.tensor(active)})
    path = tmp_path_factory.mktemp("bits") / "m"

    save_model(path, {"w": weight}, topology, {})
    stored = load_model(path)

    assert same_bits(stored.state["w"], weight)
    assert stored.topology == topology


def test_an_active_zero_stays_active(tmp_path: Path) -> None:
    """The topology is read from the mask: a weight that happens to be 0 is still one."""
    topology = Topology.from_masks({"w": torch.tensor([1, 1, 0])})

    save_model(tmp_path / "m", {"w": torch.tensor([0.0, 1.0, 0.0])}, topology, {})

    assert load_model(tmp_path / "m").topology == topology


def test_a_five_percent_checkpoint_is_far_smaller_than_the_dense_one(tmp_path: Path) -> None:
    """The published 5 % checkpoint was four times the dense model; ours is a tenth of it."""
    state, topology = model(density=0.05)
    dense = Topology.dense(topology.shapes)

    save_model(tmp_path / "sparse", state, topology, {})
    save_model(tmp_path / "dense", state, dense, {})

    sizes = {name: (tmp_path / name).stat().st_size for name in ("sparse", "dense")}
    assert sizes["sparse"] < 0.1 * sizes["dense"]


def test_the_layout_is_values_and_packed_bits(tmp_path: Path) -> None:
    """Any safetensors reader finds the active values in order and numpy's packed mask."""
    state, topology = small_model()
    save_model(tmp_path / "m", state, topology, {})

    with safe_open(tmp_path / "m", framework="np") as file:
        names = set(file.keys())
        values, bits = file.get_tensor("w.values"), file.get_tensor("w.bitmask")
        entry = json.loads(file.metadata()["safecompress"])

    assert names == {"w.values", "w.bitmask", "bias", "batches"}
    assert values.tolist() == [1.5, -2.5, 0.25]
    assert bits.tolist() == np.packbits([1, 0, 0, 1, 1]).tolist()
    assert entry["version"] == 1
    assert entry["layers"] == {"w": {"shape": [5], "dtype": "float32"}}


def test_a_dense_layer_costs_no_bitmask(tmp_path: Path) -> None:
    """At density 1 a layer is stored as it is, and is still known to be of the topology."""
    state, topology = {"w": torch.ones(4)}, Topology.dense({"w": (4,)})

    save_model(tmp_path / "m", state, topology, {})

    with safe_open(tmp_path / "m", framework="np") as file:
        assert list(file.keys()) == ["w"]
    assert load_model(tmp_path / "m").topology == topology


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    """Neither a second run nor the order of names changes a byte."""
    state, topology = small_model()
    metadata = {"a": 1, "b": {"c": 2, "d": 3}}
    shuffled = {"b": {"d": 3, "c": 2}, "a": 1}

    for number in range(5):
        save_model(tmp_path / str(number), state, topology, metadata)
    save_model(tmp_path / "5", dict(reversed(state.items())), topology, shuffled)

    assert len({(tmp_path / str(number)).read_bytes() for number in range(6)}) == 1


def test_tied_weights_are_stored_under_both_names(tmp_path: Path) -> None:
    """Tensors that share memory are no obstacle."""
    weight = torch.ones(2, 2)
    state = {"embed": weight, "head": weight.view(-1), "bias": torch.zeros(3)}

    save_model(tmp_path / "m", state, Topology.dense({"embed": (2, 2)}), {})

    assert torch.equal(load_model(tmp_path / "m").state["head"], torch.ones(4))


def test_a_weight_outside_the_topology_is_refused(tmp_path: Path) -> None:
    """A value that the file could not give back is an error, not a silent loss."""
    state, topology = small_model()
    state["w"][1] = 0.1

    with pytest.raises(TopologyError, match="w: weights that are not active are not zero"):
        save_model(tmp_path / "m", state, topology, {})


def test_colliding_names_are_refused(tmp_path: Path) -> None:
    """A tensor that has the name of another's part would be lost."""
    state, topology = small_model()
    state["w.values"] = torch.ones(1)

    with pytest.raises(StorageError, match="would be stored as w.values"):
        save_model(tmp_path / "m", state, topology, {})


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fails, what was there stays, and no partial file is left."""
    state, topology = small_model()
    path = tmp_path / "m"
    save_model(path, state, topology, {"try": 1})
    old = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match="cannot be written: No space left on device"):
        save_model(path, state, topology, {"try": 2})

    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_every_flipped_byte_is_noticed(tmp_path: Path) -> None:
    """Wherever a byte of the file changes, header, mask or values, the file is refused."""
    path = tmp_path / "m"
    save_model(path, *small_model(), {"name": "x"})
    good = path.read_bytes()

    for index in range(len(good)):
        path.write_bytes(good[:index] + bytes([good[index] ^ 0x11]) + good[index + 1 :])
        with pytest.raises(StorageError):
            load_model(path)


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    """A file that ends early is refused, however early."""
    path = tmp_path / "m"
    save_model(path, *small_model(), {})
    good = path.read_bytes()

    for length in range(0, len(good), 7):
        path.write_bytes(good[:length])
        with pytest.raises(StorageError, match="cannot be read as a model file"):
            load_model(path)


def test_a_missing_file_is_a_storage_error(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(StorageError, match="absent.safetensors: cannot be read"):
        load_model(tmp_path / "absent.safetensors")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (None, "was not written by SafeCompress"),
        ({"safecompress": "{"}, "its metadata is not JSON"),
        ({"safecompress": "[]"}, "was not written by SafeCompress"),
        ({"safecompress": '{"version": 2}'}, "the format version is 2, .* reads version 1"),
        ({"safecompress": '{"version": 1, "layers": {}}'}, "its SHA-256 is not the stated one"),
    ],
)
def test_foreign_files_are_refused(
    entry: dict[str, str] | None, message: str, tmp_path: Path
) -> None:
    """A safetensors file that is not ours, or not of our time, is told from a damaged one."""
    save_file({"w": torch.ones(2)}, tmp_path / "m", entry)

    with pytest.raises(StorageError, match=message):
        load_model(tmp_path / "m")


Tensors = dict[str, Tensor]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t, _: t.update({"w.values": torch.ones(2)}), "has 2 values for 3 active weights"),
        (lambda t, _: t.update({"w.values": torch.ones(3, 1)}), "values for 3 active weights"),
        (
            lambda t, _: t.update({"w.bitmask": torch.zeros(2, dtype=torch.uint8)}),
            "has 2 mask bytes for 5 weights",
        ),
        (lambda t, _: t.pop("w.bitmask"), "w.bitmask"),
        (lambda t, _: t.update({"w.values": torch.ones(3).half()}), "not of the stated shape and"),
        (lambda t, _: t.update({"w": torch.ones(4)}), "not of the stated shape and"),
        (lambda _, h: h.pop("layers"), "layers"),
        (lambda _, h: h.update({"layers": {}}), "at least one layer"),
        (lambda _, h: h["layers"]["w"].update({"shape": "5"}), "contradicts itself"),
    ],
)
def test_contradictions_are_refused(
    change: Callable[[Tensors, dict[str, Any]], object], message: str, tmp_path: Path
) -> None:
    """Counts, shapes and dtypes are checked even where a faulty writer has signed the file."""
    tensors: Tensors = {
        "w.values": torch.ones(3),
        "w.bitmask": torch.from_numpy(np.packbits([1, 0, 1, 1, 0])),
    }
    layers = {"w": {"shape": [5], "dtype": "float32"}}
    header: dict[str, Any] = {"version": 1, "layers": layers, "metadata": {}}
    change(tensors, header)
    header["sha256"] = storage._fingerprint(header, tensors)
    save_file(tensors, tmp_path / "m", {"safecompress": json.dumps(header)})

    with pytest.raises(StorageError, match=message):
        load_model(tmp_path / "m")


@pytest.mark.parametrize("kernel", [1, 3])
def test_weights_laid_out_channels_last_give_the_bytes_of_any_others(
    kernel: int, tmp_path: Path
) -> None:
    """Also those of a 1 x 1 kernel, which torch calls contiguous in both layouts."""
    weight = torch.randn(8, 4, kernel, kernel, generator=torch.Generator().manual_seed(0))
    mask = weight > 0
    topology, state = Topology.from_masks({"w": mask}), {"w": torch.where(mask, weight, 0)}
    for name, layout in (("plain", torch.contiguous_format), ("last", torch.channels_last)):
        one = {"w": torch.empty_like(state["w"], memory_format=layout).copy_(state["w"])}
        save_model(tmp_path / name, one, topology, {})

    assert (tmp_path / "plain").read_bytes() == (tmp_path / "last").read_bytes()
    assert same_bits(load_model(tmp_path / "last").state["w"], state["w"])
