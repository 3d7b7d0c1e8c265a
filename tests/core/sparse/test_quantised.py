"""Weights in int8: what they stand for, and what a file makes of them."""

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from torch import Tensor

from safecompress_core.errors import StorageError
from safecompress_core.saved_models.storage import load_model, save_model
from safecompress_core.sparse.quantised import Quantised
from safecompress_core.sparse.topology import Topology


def quantised(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Quantised:
    """Some int8 weights, -128 among them."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(-128, 128, shape, generator=generator, dtype=torch.int8)
    values.view(-1)[0] = -128
    return Quantised(
        values=values, scales=torch.rand(shape[0], generator=generator).to(dtype) + 0.01
    )


def bits(tensor: Tensor) -> Tensor:
    """Its bytes, which tell -0.0 from 0.0."""
    return tensor.contiguous().view(-1).view(torch.uint8)


def test_a_weight_is_its_value_times_the_scale_of_its_channel() -> None:
    """Worked out by hand, for a layer and for a convolution."""
    layer = Quantised(
        values=torch.tensor([[1, -2], [127, -128]], dtype=torch.int8),
        scales=torch.tensor([0.5, 0.25]),
    )
    kernel = Quantised(values=layer.values.view(2, 1, 1, 2), scales=layer.scales)

    assert layer.weight().tolist() == [[0.5, -1.0], [31.75, -32.0]]
    assert kernel.weight().tolist() == [[[[0.5, -1.0]]], [[[31.75, -32.0]]]]


@pytest.mark.parametrize(
    ("values", "scales"),
    [
        (torch.zeros(2, 3), torch.ones(2)),
        (torch.zeros(2, 3, dtype=torch.int8), torch.ones(3)),
        (torch.zeros(2, 3, dtype=torch.int8), torch.ones(2, dtype=torch.int32)),
        (torch.zeros((), dtype=torch.int8), torch.ones(())),
    ],
)
def test_other_tensors_are_refused(values: Tensor, scales: Tensor) -> None:
    """Values are int8, and each output channel has one scale that is no integer."""
    with pytest.raises(StorageError, match="int8 values need one floating-point scale for each"):
        Quantised(values=values, scales=scales)


@given(
    rows=st.integers(1, 6),
    columns=st.integers(1, 9),
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from([torch.float32, torch.bfloat16, torch.float16]),
    kept=st.floats(0, 1),
)
def test_what_was_saved_comes_back_bit_by_bit(
    rows: int,
    columns: int,
    seed: int,
    *,
    dtype: torch.dtype,
    kept: float,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Values, scales and the weights that they stand for, dense or under a mask."""
    own = quantised(rows, columns, seed=seed, dtype=dtype)
    mask = torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) < kept
    mask[0, 0] = True
    own.values.mul_(mask)
    path = tmp_path_factory.mktemp("int8") / "m"

    save_model(path, {"w": own.weight()}, Topology({"w": mask}), {}, quantised={"w": own})
    stored = load_model(path)

    assert torch.equal(stored.quantised["w"].values, own.values)
    assert torch.equal(bits(stored.quantised["w"].scales), bits(own.scales))
    assert stored.state["w"].dtype is dtype
    assert torch.equal(bits(stored.state["w"]), bits(own.weight()))
    assert torch.equal(stored.topology.masks["w"], mask)


def test_any_reader_finds_int8_and_scales(tmp_path: Path) -> None:
    """The header says which tensors are quantised, and in what they are computed."""
    own = quantised(3, 4)

    save_model(
        tmp_path / "m",
        {"w": own.weight(), "bias": torch.ones(3)},
        Topology.dense({"w": (3, 4)}),
        {},
        quantised={"w": own},
    )

    with safe_open(tmp_path / "m", framework="np") as file:
        assert set(file.keys()) == {"w", "w.scales", "bias"}
        assert file.get_tensor("w").dtype == "int8"
        assert file.get_tensor("w").tolist() == own.values.tolist()
        assert file.get_tensor("w.scales").tolist() == own.scales.tolist()
        entry = json.loads(file.metadata()["safecompress"])
    assert entry["layers"] == {"w": {"shape": [3, 4], "dtype": "float32", "quantised": "int8"}}


def test_a_file_of_int8_is_about_a_quarter(tmp_path: Path) -> None:
    """A byte a weight instead of four."""
    own = quantised(256, 256)
    state, topology = {"w": own.weight()}, Topology.dense({"w": (256, 256)})

    save_model(tmp_path / "int8", state, topology, {}, quantised={"w": own})
    save_model(tmp_path / "float", state, topology, {})

    sizes = {name: (tmp_path / name).stat().st_size for name in ("int8", "float")}
    assert 0.25 < sizes["int8"] / sizes["float"] < 0.26


@pytest.mark.parametrize("kernel", [1, 3])
def test_layouts_of_memory_give_the_same_file(kernel: int, tmp_path: Path) -> None:
    """Channels last or not."""
    own = quantised(8, 4, kernel, kernel)
    topology = Topology.dense({"w": own.values.shape})
    for name, layout in (("plain", torch.contiguous_format), ("last", torch.channels_last)):
        laid_out = Quantised(values=own.values.to(memory_format=layout), scales=own.scales)
        weight = laid_out.weight()
        save_model(tmp_path / name, {"w": weight}, topology, {}, quantised={"w": laid_out})

    assert (tmp_path / "plain").read_bytes() == (tmp_path / "last").read_bytes()


def test_weights_that_int8_does_not_give_are_refused(tmp_path: Path) -> None:
    """One bit beside it: the file would give back another model."""
    own = quantised(2, 2)
    weight = own.weight()
    weight[1, 1] = torch.nextafter(weight[1, 1], torch.tensor(torch.inf))

    with pytest.raises(StorageError, match="w: the weight is not what its int8 values"):
        save_model(
            tmp_path / "m", {"w": weight}, Topology.dense({"w": (2, 2)}), {}, quantised={"w": own}
        )
    with pytest.raises(StorageError, match="v is quantised, and no layer of the topology"):
        save_model(
            tmp_path / "m", {"w": weight}, Topology.dense({"w": (2, 2)}), {}, quantised={"v": own}
        )


def test_a_flipped_bit_of_a_scale_is_noticed(tmp_path: Path) -> None:
    """Scales are part of what is hashed."""
    own, path = quantised(2, 2), tmp_path / "m"
    save_model(path, {"w": own.weight()}, Topology.dense({"w": (2, 2)}), {}, quantised={"w": own})
    content = bytearray(path.read_bytes())
    at = content.index(own.scales.numpy().tobytes())
    content[at] ^= 1
    path.write_bytes(content)

    with pytest.raises(StorageError, match="its SHA-256 is not the stated one"):
        load_model(path)
