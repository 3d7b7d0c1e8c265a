"""The compact form of a model file, and the file that comes back."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save
from scipy.stats import entropy

from safecompress_core.errors import StorageError
from safecompress_core.saved_models.compact import compress_model, expand_model, is_compact
from safecompress_core.saved_models.model_format import detect_model
from safecompress_core.saved_models.storage import load_model, save_model
from safecompress_core.sparse.topology import Topology

pytest.importorskip("constriction")
zstandard = pytest.importorskip("zstandard")

METADATA = {"model": {"type": "mlp"}, "classes": ["a", "b"], "input_shape": [4]}


def model_file(path: Path, density: float, *, shape: tuple[int, int] = (300, 400)) -> Path:
    """A model of one sparse layer, a dense one and biases, of random numbers."""
    generator = torch.Generator().manual_seed(5)
    mask = torch.rand(shape, generator=generator) < density
    state = {
        "0.weight": torch.randn(shape, generator=generator) * mask,
        "0.bias": torch.randn(shape[0], generator=generator),
        "2.weight": torch.randn(2, shape[0], generator=generator),
    }
    masks = {"0.weight": mask, "2.weight": torch.ones(2, shape[0])}
    save_model(path, state, Topology.from_masks(masks), METADATA)
    return path


@pytest.mark.parametrize("density", [0.001, 0.05, 0.5, 0.999])
def test_the_model_file_comes_back_byte_by_byte(tmp_path: Path, density: float) -> None:
    """Whatever its masks are like."""
    content = model_file(tmp_path / "model.safetensors", density).read_bytes()

    compact = compress_model(content)

    assert expand_model(compact) == content
    assert compress_model(content) == compact


@pytest.mark.parametrize("density", [0.05, 0.1, 0.5])
def test_positions_cost_their_entropy(tmp_path: Path, density: float) -> None:
    """By scipy: at most 1.03 times as much, where a bitmask has a bit a position."""
    path = model_file(tmp_path / "model.safetensors", density)
    share = float(load_model(path).topology.masks["0.weight"].double().mean())
    limit = 300 * 400 * entropy([share, 1 - share], base=2) / 8

    frame = compress_model(path.read_bytes())

    tensors = load(zstandard.ZstdDecompressor().decompress(frame))
    assert limit <= tensors["0.weight.positions"].nbytes <= 1.03 * limit
    assert "0.weight.bitmask" not in tensors
    # And zstd adds nothing to them: less than the values, biases and the dense layer take.
    assert len(frame) <= 1.03 * limit + 4 * (share * 300 * 400 + 300 + 600) + 600


def test_a_compact_file_is_read_like_a_model_file(tmp_path: Path) -> None:
    """By all that reads models: weights, masks and metadata are the same."""
    path = model_file(tmp_path / "model.safetensors", 0.1)
    place = tmp_path / "model.safetensors.zst"
    place.write_bytes(compress_model(path.read_bytes()))

    expected, found = load_model(path), load_model(place)

    assert is_compact(place)
    assert not is_compact(path)
    assert found.topology == expected.topology
    assert found.metadata == METADATA
    assert all(torch.equal(found.state[name], tensor) for name, tensor in expected.state.items())
    assert detect_model(place, allow_code=False).model_metadata == METADATA


def test_a_file_of_another_program_is_refused() -> None:
    """It states no layers, so nothing says which of its tensors are masks."""
    with pytest.raises(StorageError, match="was not written by SafeCompress"):
        compress_model(save({"weight": torch.ones(2)}))
    with pytest.raises(StorageError, match="there is no header|holds no safetensors file"):
        compress_model(b"something else entirely")


@pytest.mark.parametrize("place", [3, 40, -1])
def test_damage_is_found(tmp_path: Path, place: int) -> None:
    """By zstd, by the coder, or by the SHA-256 of the model file."""
    content = model_file(tmp_path / "model.safetensors", 0.1).read_bytes()
    compact = bytearray(compress_model(content))
    compact[place] ^= 0xFF
    path = tmp_path / "model.safetensors.zst"
    path.write_bytes(compact)

    with pytest.raises(StorageError):
        load_model(path)


def test_a_truncated_file_is_found(tmp_path: Path) -> None:
    """Of any length."""
    content = model_file(tmp_path / "model.safetensors", 0.1).read_bytes()
    compact = compress_model(content)

    for length in (4, 20, len(compact) // 2, len(compact) - 1):
        with pytest.raises(StorageError, match="damaged"):
            expand_model(compact[:length])
