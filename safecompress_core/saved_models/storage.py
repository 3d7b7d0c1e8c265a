"""The model file: small because it stores active weights only, and exact to the last bit.

A safetensors file, readable by anything that knows the format:

- a sparse tensor is ``<name>.values``, its active values in memory order, and ``<name>.bitmask``,
  the mask packed eight positions to a byte (``numpy.packbits``);
- a quantised tensor has int8 instead of its values, and ``<name>.scales``, one for each index
  of its first dimension, by which they are multiplied;
- what guards the model's answers has tensors of its own, ``guard/<name>``;
- a tensor with every weight active is ``<name>``, as it is, and so is everything outside the
  topology (biases, statistics): density 1 costs no mask;
- one metadata entry, ``safecompress``, is JSON: format version, shape and dtype of each sparse
  tensor, the caller's metadata, and a SHA-256 over all this and the tensors' bytes.

There is one metadata entry and not several because safetensors writes them in no fixed order, and
the same model shall give the same bytes.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.errors import StorageError, TopologyError
from safecompress_core.sparse.quantised import Quantised
from safecompress_core.sparse.topology import Topology

__all__ = ["FORMAT_VERSION", "StoredModel", "load_model", "save_model"]

FORMAT_VERSION = 1
_ENTRY = "safecompress"
_VALUES, _BITMASK, _SCALES = ".values", ".bitmask", ".scales"
_GUARD = "guard/"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """Content of a model file.

    Attributes:
        state: every parameter and buffer by name, dense, on the CPU; 0 where not active.
        topology: which weights are active.
        metadata: what the caller of `save_model` put there.
        quantised: by name, the tensors of ``state`` that the file holds as int8.
        guard: the tensors of what stands before the model's answers, by name; empty for nothing.
    """

    state: dict[str, Tensor]
    topology: Topology
    metadata: dict[str, Any]
    quantised: dict[str, Quantised] = field(default_factory=dict)
    guard: dict[str, Tensor] = field(default_factory=dict)


def save_model(
    path: Path,
    state: Mapping[str, Tensor],
    topology: Topology,
    metadata: Mapping[str, Any],
    *,
    quantised: Mapping[str, Quantised] | None = None,
    guard: Mapping[str, Tensor] = MappingProxyType({}),
) -> None:
    """Write a model file; the same model always gives the same bytes.

    The file is complete or not there: it is written next to ``path``, synced and renamed.

    Args:
        path: the file; an existing one is replaced.
        state: all parameters and buffers by name, on any device.
        topology: names some of them; what it does not name is stored dense.
        metadata: JSON-ready.
        quantised: layers of the topology that are stored as int8, by name.
        guard: the tensors of what stands before the model's answers, by name.

    Raises:
        TopologyError: if a layer is missing or of another shape, or a weight that is not active is
            not zero (the file could not give it back).
        StorageError: if two tensors would have one name, or a quantised weight is not what its int8
            values stand for or is no layer.
        WriteError: if the file cannot be written.
    """
    quantised = quantised or {}
    # Before anything is written: a mismatch must not replace an existing file.
    topology.require_match(state, what="tensors")
    if strangers := sorted(quantised.keys() - topology.masks.keys()):
        raise StorageError(f"{strangers[0]} is quantised, and no layer of the topology")
    tensors: dict[str, Tensor] = {}
    layers: dict[str, Any] = {}
    for name, tensor in state.items():
        # Contiguous: bytes are stored in memory order, and a channels-last tensor has another.
        stored = tensor.detach().cpu().contiguous()
        parts = {name: stored}
        if name in topology.masks:
            layers[name] = {"shape": list(stored.shape), "dtype": _dtype_name(stored)}
            mask, int8 = topology.masks[name], quantised.get(name)
            if int8 is None:
                parts = _pack(name, stored, mask)
            else:
                layers[name]["quantised"] = "int8"
                parts = _pack(name, _values_of(name, stored, int8), mask)
                parts[name + _SCALES] = int8.scales.detach().cpu()
        # A model may have a parameter that is itself called ``x.values``.
        if clash := sorted(parts.keys() & tensors.keys()):
            raise StorageError(f"two tensors of the model would be stored as {clash[0]}")
        tensors |= parts
    tensors |= {_GUARD + name: tensor.detach().cpu() for name, tensor in guard.items()}
    header = {"version": FORMAT_VERSION, "layers": layers, "metadata": dict(metadata)}
    # The hash covers the header without itself, as the reader removes it before comparing.
    header["sha256"] = _fingerprint(header, tensors)
    # Tied weights share memory, which safetensors refuses: each is stored under its own name.
    content = save({name: t.clone() for name, t in tensors.items()}, {_ENTRY: _json(header)})
    write_bytes(path, content)


def load_model(path: Path) -> StoredModel:
    """Read a model file; every active value comes back with the bits it was saved with.

    Raises:
        StorageError: if the file cannot be read, is damaged, was not written by SafeCompress, or
            has another format version.
    """
    header, tensors = _read(path)
    if header.get("version") != FORMAT_VERSION:
        raise StorageError(
            f"{path}: the format version is {header.get('version')}, "
            f"this SafeCompress reads version {FORMAT_VERSION}"
        )
    stated = header.pop("sha256", None)
    # The whole content is hashed, so a flipped bit in any tensor is found before it is used.
    if stated != _fingerprint(header, tensors):
        raise StorageError(f"{path}: the file is damaged; its SHA-256 is not the stated one")
    try:
        return _restore(header, tensors)
    except (KeyError, TypeError, ValueError, RuntimeError, StorageError, TopologyError) as error:
        raise StorageError(f"{path}: the file contradicts itself: {error}") from error


def _restore(header: Mapping[str, Any], tensors: dict[str, Tensor]) -> StoredModel:
    """Restore what was saved; each layer's dense form replaces its parts in ``tensors``."""
    layers = header["layers"]
    guard = {name: tensors.pop(name) for name in list(tensors) if name.startswith(_GUARD)}
    masks = {name: _unpack(name, layer, tensors) for name, layer in layers.items()}
    quantised = {
        name: Quantised(values=tensors[name], scales=tensors.pop(name + _SCALES))
        for name, layer in layers.items()
        if "quantised" in layer
    }
    # Dense weights are recomputed from int8 and scales, so the file stores them once.
    tensors |= {name: int8.weight() for name, int8 in quantised.items()}
    for name, layer in layers.items():
        if _dtype_name(tensors[name]) != layer["dtype"]:
            raise ValueError(f"{name} is not of the stated shape and dtype")
    return StoredModel(
        state=tensors,
        topology=Topology.from_masks(masks),
        metadata=header["metadata"],
        quantised=quantised,
        guard={name.removeprefix(_GUARD): tensor for name, tensor in guard.items()},
    )


def _pack(name: str, tensor: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """The tensors that store one layer."""
    if bool(mask.all()):
        return {name: tensor}
    # Exactly zero: a non-zero inactive weight could not be restored from the file.
    if bool(tensor[~mask].count_nonzero()):
        raise TopologyError(f"{name}: weights that are not active are not zero")
    bits = np.packbits(mask.flatten().numpy())
    # As rows of bytes: comparison and copy keep every bit, also of NaN and −0.
    values = _rows_of_bytes(tensor)[mask.flatten()].flatten().view(tensor.dtype)
    return {name + _VALUES: values, name + _BITMASK: torch.from_numpy(bits)}


def _unpack(name: str, layer: Mapping[str, Any], tensors: dict[str, Tensor]) -> Tensor:
    """A layer's mask; in ``tensors`` its dense form takes the place of its parts."""
    shape = torch.Size(layer["shape"])
    if name in tensors:
        mask = torch.ones(shape, dtype=torch.bool)
    else:
        values, bits = tensors.pop(name + _VALUES), tensors.pop(name + _BITMASK).numpy()
        # Ceiling division: eight mask bits to a byte.
        if len(bits) != -(-shape.numel() // 8):
            raise ValueError(f"{name} has {len(bits)} mask bytes for {shape.numel()} weights")
        # ``count`` drops the padding bits of the last byte.
        flags = np.unpackbits(bits, count=shape.numel()).astype(bool)
        mask = torch.from_numpy(flags).view(shape)
        if values.shape != (int(mask.sum()),):
            raise ValueError(
                f"{name} has {len(values)} values for {int(mask.sum())} active weights"
            )
        tensors[name] = torch.zeros(shape, dtype=values.dtype)
        _rows_of_bytes(tensors[name])[mask.flatten()] = _rows_of_bytes(values)
    if tensors[name].shape != shape:
        raise ValueError(f"{name} is not of the stated shape and dtype")
    return mask


def _values_of(name: str, tensor: Tensor, quantised: Quantised) -> Tensor:
    """The int8 values that stand for a weight, after checking that they do."""
    weight = quantised.weight().detach().cpu().contiguous()
    is_same = (weight.dtype, weight.shape) == (tensor.dtype, tensor.shape)
    # Bits are compared, since NaN is not equal to itself.
    if not is_same or not torch.equal(_rows_of_bytes(weight), _rows_of_bytes(tensor)):
        raise StorageError(f"{name}: the weight is not what its int8 values and scales stand for")
    return quantised.values.detach().cpu().contiguous()


def _rows_of_bytes(tensor: Tensor) -> Tensor:
    """The same memory as (N, bytes of a number): copying float16 as floats may change a NaN."""
    numbers = tensor.flatten()  # of a channels-last 1 x 1 kernel, strides are not what they seem
    return numbers.view(torch.uint8).view(tensor.numel(), tensor.element_size())


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors, neither of them checked."""
    try:
        with safe_open(path, framework="pt") as file:
            entry = (file.metadata() or {}).get(_ENTRY)
            # Cloned, since the originals are a window on a file that may change.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise StorageError(f"{path}: cannot be read as a model file: {error}") from error
    try:
        header = json.loads(entry) if entry is not None else None
    except ValueError as error:
        raise StorageError(f"{path}: the file is damaged; its metadata is not JSON") from error
    if not isinstance(header, dict):
        raise StorageError(f"{path}: was not written by SafeCompress")
    return header, tensors


def _fingerprint(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over the header and every tensor's name, dtype, shape and bytes."""
    sha = hashlib.sha256(_json(header).encode())
    # Sorted: safetensors returns tensors in no fixed order.
    for name in sorted(tensors):
        tensor = tensors[name]
        sha.update(_json([name, _dtype_name(tensor), list(tensor.shape)]).encode())
        sha.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _dtype_name(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _json(value: Any) -> str:
    # Sorted and compact, so that equal headers have equal bytes; NaN is not JSON.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
