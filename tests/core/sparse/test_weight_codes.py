"""Weights in fewer bits: what their codes stand for, and what a file makes of them."""

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
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.weight_codes import (
    Clustered,
    Quantised,
    Rounded,
    WeightCode,
    read_code,
)


def quantised(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Quantised:
    """Some int8 weights, -128 among them."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(-128, 128, shape, generator=generator, dtype=torch.int8)
    values.view(-1)[0] = -128
    return Quantised(
        codes=values, scales=torch.rand(shape[0], generator=generator).to(dtype) + 0.01
    )


def bits(tensor: Tensor) -> Tensor:
    """Its bytes, which tell -0.0 from 0.0."""
    return tensor.contiguous().view(-1).view(torch.uint8)


def test_a_weight_is_its_value_times_the_scale_of_its_channel() -> None:
    """Worked out by hand, for a layer and for a convolution."""
    layer = Quantised(
        codes=torch.tensor([[1, -2], [127, -128]], dtype=torch.int8),
        scales=torch.tensor([0.5, 0.25]),
    )
    kernel = Quantised(codes=layer.codes.view(2, 1, 1, 2), scales=layer.scales)

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
    with pytest.raises(StorageError, match="one floating-point scale for each index"):
        Quantised(codes=values, scales=scales)


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
    own.codes.mul_(mask)
    path = tmp_path_factory.mktemp("int8") / "m"

    save_model(path, {"w": own.weight()}, Topology({"w": mask}), {}, codes={"w": own})
    stored = load_model(path)

    assert torch.equal(stored.codes["w"].codes, own.codes)
    assert torch.equal(bits(stored.codes["w"].scales), bits(own.scales))
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
        codes={"w": own},
    )

    with safe_open(tmp_path / "m", framework="np") as file:
        assert set(file.keys()) == {"w", "w.scales", "bias"}
        assert file.get_tensor("w").dtype == "int8"
        assert file.get_tensor("w").tolist() == own.codes.tolist()
        assert file.get_tensor("w.scales").tolist() == own.scales.tolist()
        entry = json.loads(file.metadata()["safecompress"])
    assert entry["layers"] == {"w": {"shape": [3, 4], "dtype": "float32", "quantised": "int8"}}


def test_a_file_of_int8_is_about_a_quarter(tmp_path: Path) -> None:
    """A byte a weight instead of four."""
    own = quantised(256, 256)
    state, topology = {"w": own.weight()}, Topology.dense({"w": (256, 256)})

    save_model(tmp_path / "int8", state, topology, {}, codes={"w": own})
    save_model(tmp_path / "float", state, topology, {})

    sizes = {name: (tmp_path / name).stat().st_size for name in ("int8", "float")}
    assert 0.25 < sizes["int8"] / sizes["float"] < 0.26


@pytest.mark.parametrize("kernel", [1, 3])
def test_layouts_of_memory_give_the_same_file(kernel: int, tmp_path: Path) -> None:
    """Channels last or not."""
    own = quantised(8, 4, kernel, kernel)
    topology = Topology.dense({"w": own.codes.shape})
    for name, layout in (("plain", torch.contiguous_format), ("last", torch.channels_last)):
        laid_out = Quantised(codes=own.codes.to(memory_format=layout), scales=own.scales)
        weight = laid_out.weight()
        save_model(tmp_path / name, {"w": weight}, topology, {}, codes={"w": laid_out})

    assert (tmp_path / "plain").read_bytes() == (tmp_path / "last").read_bytes()


def test_weights_that_int8_does_not_give_are_refused(tmp_path: Path) -> None:
    """One bit beside it: the file would give back another model."""
    own = quantised(2, 2)
    weight = own.weight()
    weight[1, 1] = torch.nextafter(weight[1, 1], torch.tensor(torch.inf))

    with pytest.raises(StorageError, match="w: the weight is not what its int8 codes"):
        save_model(
            tmp_path / "m", {"w": weight}, Topology.dense({"w": (2, 2)}), {}, codes={"w": own}
        )
    with pytest.raises(StorageError, match="v is quantised, and no layer of the topology"):
        save_model(
            tmp_path / "m", {"w": weight}, Topology.dense({"w": (2, 2)}), {}, codes={"v": own}
        )


def test_a_flipped_bit_of_a_scale_is_noticed(tmp_path: Path) -> None:
    """Scales are part of what is hashed."""
    own, path = quantised(2, 2), tmp_path / "m"
    save_model(path, {"w": own.weight()}, Topology.dense({"w": (2, 2)}), {}, codes={"w": own})
    content = bytearray(path.read_bytes())
    at = content.index(own.scales.numpy().tobytes())
    content[at] ^= 1
    path.write_bytes(content)

    with pytest.raises(StorageError, match="its SHA-256 is not the stated one"):
        load_model(path)


def test_groups_of_a_channel_have_scales_of_their_own() -> None:
    """Worked out by hand: groups of two, the last of them shorter."""
    coded = Quantised(
        codes=torch.tensor([[1, -8, 7]], dtype=torch.int8),
        scales=torch.tensor([[0.5, 0.25]]),
        width=4,
        group=2,
    )

    assert coded.weight().tolist() == [[0.5, -4.0, 1.75]]


def coded_examples(mask: Tensor) -> dict[str, WeightCode]:
    """A code of each kind for a weight of shape (6, 5), 0 outside a mask."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(6, 5, generator=generator) * mask
    small = torch.randint(-8, 8, (6, 5), generator=generator, dtype=torch.int8) * mask
    positions = (torch.randint(1, 7, (6, 5), generator=generator) * mask).to(torch.uint8)
    codebook = torch.cat([torch.zeros(1), torch.randn(6, generator=generator)])
    return {
        "int8": Quantised(codes=small, scales=torch.full((6,), 0.1)),
        "int4": Quantised(codes=small, scales=torch.rand(6, 2) + 0.1, width=4, group=3),
        "cluster": Clustered(codes=positions, codebook=codebook),
        "float16": Rounded(codes=weight.half()),
        "bfloat16": Rounded(codes=weight.bfloat16()),
    }


@pytest.mark.parametrize("density", [0.3, 1.0])
@pytest.mark.parametrize("name", ["int8", "int4", "cluster", "float16", "bfloat16"])
def test_every_code_comes_back_from_a_file(name: str, density: float, tmp_path: Path) -> None:
    """Codes, tables and the weight, in a file that is no larger than its bits."""
    mask = torch.rand(6, 5, generator=torch.Generator().manual_seed(0)) < density
    code = coded_examples(mask)[name]
    state, path = {"w": code.weight(), "b": torch.ones(6)}, tmp_path / "m"

    save_model(path, state, Topology({"w": mask}), {}, codes={"w": code})
    stored = load_model(path)

    assert stored.codes["w"].name == name
    assert torch.equal(stored.codes["w"].codes, code.codes)
    assert torch.equal(stored.state["w"], code.weight())
    with safe_open(path, framework="pt") as file:
        place = "w" if density == 1 else "w.values"
        assert file.get_tensor(place).nbytes == -(-int(mask.sum()) * code.bits // 8)


def test_a_codebook_begins_with_0() -> None:
    """Or weights that a topology leaves out would not be 0."""
    codes = torch.zeros(2, 2, dtype=torch.uint8)

    with pytest.raises(StorageError, match="the first of them 0"):
        Clustered(codes=codes, codebook=torch.tensor([0.5, 0.0]))
    with pytest.raises(StorageError, match="code 2 is beyond 2 shared values"):
        Clustered(codes=codes + 2, codebook=torch.tensor([0.0, 0.5]))


def test_floats_of_other_dtypes_are_no_rounded_weight() -> None:
    """Only half precision saves anything."""
    with pytest.raises(StorageError, match="no float16 or bfloat16"):
        Rounded(codes=torch.zeros(2))


def test_an_unknown_code_is_refused() -> None:
    """A file of a later version."""
    with pytest.raises(StorageError, match="no code of weights is called 'int2'"):
        read_code("int2", torch.zeros(1), {}, {})
