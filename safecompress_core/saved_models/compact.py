"""Compact model file: a model file whose masks are entropy-coded, in one zstd frame.

Three decisions:

- It holds the model file and nothing else: expanded, it is that file byte by byte, so all that is
  said of model files, their SHA-256 included, holds for it.
- A mask of n positions, k of them active, is ``<name>.positions`` instead of ``<name>.bitmask``:
  int32, first k, then the words of a range coder with the model Bernoulli(k / n). That is the
  mask's entropy and a few bytes, where a bitmask costs a bit a position.
- zstd (level 9) packs the rest: names, header, and codes that are not equally frequent. The bits
  of float32 weights are nearly random, so it gains little there.

Sources: constriction (Bamler 2022, "Understanding Entropy Coding With Asymmetric Numeral Systems");
zstd (RFC 8878).
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from safecompress_core.errors import StorageError

__all__ = ["compress_model", "expand_model", "is_compact", "read_header"]

MAGIC = b"\x28\xb5\x2f\xfd"
"""The first bytes of a zstd frame."""
LEVEL = 9
"""Level 19 gains at most a percent, and takes many times as long."""
ENTRY = "safecompress"
BITMASK, POSITIONS = ".bitmask", ".positions"


def is_compact(path: Path) -> bool:
    """Return whether a file begins as a compact model file does.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def compress_model(content: bytes) -> bytes:
    """Return the compact form of a model file; the same file always gives the same bytes.

    Args:
        content: of a model file.

    Raises:
        StorageError: if it is no model file, or would not come back byte by byte.
        ModuleNotFoundError: if constriction or zstandard is not installed (extra ``compact``).
    """
    import zstandard  # noqa: PLC0415  an extra

    tensors, metadata = _parse(content)
    for name, count in _layers(metadata).items():
        packed = tensors.pop(name + BITMASK, None)
        # A dense layer has no mask.
        if packed is not None:
            mask = np.unpackbits(packed.numpy(), count=count)
            tensors[name + POSITIONS] = torch.from_numpy(_encode(mask))
    compact: bytes = zstandard.ZstdCompressor(level=LEVEL).compress(save(tensors, metadata))
    # Checked here, where the original still exists.
    if expand_model(compact) != content:
        raise StorageError("the file was written by another program, and would not come back as is")
    return compact


def expand_model(compact: bytes) -> bytes:
    """Return the model file that a compact one holds.

    Raises:
        StorageError: if it is damaged, or holds something else.
        ModuleNotFoundError: if constriction or zstandard is not installed (extra ``compact``).
    """
    import zstandard  # noqa: PLC0415  an extra

    try:
        tensors, metadata = _parse(zstandard.ZstdDecompressor().decompress(compact))
        for name, count in _layers(metadata).items():
            coded = tensors.pop(name + POSITIONS, None)
            if coded is not None:
                mask = _decode(coded.numpy(), count)
                tensors[name + BITMASK] = torch.from_numpy(np.packbits(mask))
        return save(tensors, metadata)
    except (zstandard.ZstdError, ValueError, AssertionError) as error:
        raise StorageError(f"the compact file is damaged: {error}") from error


def read_header(content: bytes) -> dict[str, Any]:
    """The header of a safetensors file: its length in 8 bytes, then JSON.

    Raises:
        StorageError: if there is none.
    """
    try:
        (size,) = struct.unpack_from("<Q", content)
        header = json.loads(content[8 : 8 + size])
        assert isinstance(header, dict)
    except (struct.error, ValueError, AssertionError) as error:
        raise StorageError("there is no header of a safetensors file") from error
    return header


def _parse(content: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata of a safetensors file."""
    try:
        return load(content), read_header(content).get("__metadata__", {})
    except SafetensorError as error:
        raise StorageError(f"it holds no safetensors file: {error}") from error


def _layers(metadata: dict[str, str]) -> dict[str, int]:
    """The number of weights of each layer that may be sparse."""
    try:
        layers = json.loads(metadata[ENTRY])["layers"]
        return {name: int(np.prod(layer["shape"])) for name, layer in layers.items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError("it was not written by SafeCompress") from error


def _encode(mask: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The number of active positions, then the words of the coder; int32."""
    import constriction  # noqa: PLC0415  an extra

    active = int(mask.sum())
    encoder = constriction.stream.queue.RangeEncoder()
    encoder.encode(mask.astype(np.int32), _model(active, len(mask)))
    words = encoder.get_compressed()
    return np.concatenate([np.array([active], np.uint32), words]).view(np.int32)


def _decode(coded: NDArray[np.int32], count: int) -> NDArray[np.uint8]:
    """The mask, shape (count,), uint8."""
    import constriction  # noqa: PLC0415  an extra

    words = coded.view(np.uint32)
    active = int(words[0])
    if not 0 < active < count:
        raise ValueError(f"{active} of {count} positions are active")
    decoder = constriction.stream.queue.RangeDecoder(words[1:].copy())
    mask: NDArray[np.int32] = decoder.decode(_model(active, count), count)
    return mask.astype(np.uint8)


def _model(active: int, count: int) -> Any:
    import constriction  # noqa: PLC0415  an extra

    # Both ends compute it from whole numbers, so they have the same bits.
    return constriction.stream.model.Bernoulli(active / count, perfect=False)
