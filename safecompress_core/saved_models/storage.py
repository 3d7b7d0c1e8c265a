"""The model file: small because it stores active weights only, and exact to the last bit.

A safetensors file, readable by anything that knows the format:

- a sparse tensor is ``<name>.values``, its active values in memory order, and ``<name>.bitmask``,
  the mask packed eight positions to a byte (``numpy.packbits``);
- a coded tensor has its codes instead of its values, and tables to read them with
  (`safecompress_core.sparse.weight_codes`): int8 with ``<name>.scales``, one for each index of its
  first dimension; int4 likewise, two to a byte, with a scale for each group; positions in
  ``<name>.codebook``; or float16 and bfloat16;
- a layer whose inputs are rounded to int8 has ``activation/<name>``, their scale and zero point;
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
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.errors import StorageError, TopologyError
from safecompress_core.networks.input_rounding import InputRange
from safecompress_core.saved_models.bit_packing import pack_bits, packed_length, unpack_bits
from safecompress_core.saved_models.compact import expand_model, is_compact, read_header
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.weight_codes import TABLES, WeightCode, read_code

__all__ = ["FORMAT_VERSION", "StoredModel", "load_model", "model_bytes", "save_model"]

FORMAT_VERSION = 1
_ENTRY = "safecompress"
_VALUES, _BITMASK = ".values", ".bitmask"
_GUARD, _INPUTS = "guard/", "activation/"
BYTE = 8
"""Codes of fewer bits share bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredModel:
    """Content of a model file.

    Attributes:
        state: every parameter and buffer by name, dense, on the CPU; 0 where not active.
        topology: which weights are active.
        metadata: what the caller of `save_model` put there.
        codes: by name, the tensors of ``state`` that the file holds in fewer bits.
        guard: the tensors of what stands before the model's answers, by name; empty for nothing.
        inputs: by name, the layers whose inputs are rounded to int8.
    """

    state: dict[str, Tensor]
    topology: Topology
    metadata: dict[str, Any]
    codes: dict[str, WeightCode] = field(default_factory=dict)
    guard: dict[str, Tensor] = field(default_factory=dict)
    inputs: dict[str, InputRange] = field(default_factory=dict)


def save_model(
    path: Path,
    state: Mapping[str, Tensor],
    topology: Topology,
    metadata: Mapping[str, Any],
    *,
    codes: Mapping[str, WeightCode] = MappingProxyType({}),
    guard: Mapping[str, Tensor] = MappingProxyType({}),
    inputs: Mapping[str, InputRange] = MappingProxyType({}),
) -> None:
    """Write a model file; its content is that of :func:`model_bytes`, which has the same arguments.

    The file is complete or not there: it is written next to ``path``, synced and renamed.

    Args:
        path: the file; an existing one is replaced.
        state: all parameters and buffers by name.
        topology: names some of them.
        metadata: JSON-ready.
        codes: layers that are stored in fewer bits.
        guard: the tensors of what stands before the model's answers.
        inputs: layers whose inputs are rounded to int8.

    Raises:
        TopologyError: as :func:`model_bytes`.
        StorageError: as :func:`model_bytes`.
        WriteError: if the file cannot be written.
    """
    # Before anything is written: a mismatch must not replace an existing file.
    content = model_bytes(state, topology, metadata, codes=codes, guard=guard, inputs=inputs)
    write_bytes(path, content)


def model_bytes(
    state: Mapping[str, Tensor],
    topology: Topology,
    metadata: Mapping[str, Any],
    *,
    codes: Mapping[str, WeightCode] = MappingProxyType({}),
    guard: Mapping[str, Tensor] = MappingProxyType({}),
    inputs: Mapping[str, InputRange] = MappingProxyType({}),
) -> bytes:
    """Return the content of a model file; the same model always gives the same bytes.

    Args:
        state: all parameters and buffers by name, on any device.
        topology: names some of them; what it does not name is stored dense.
        metadata: JSON-ready.
        codes: layers of the topology that are stored in fewer bits, by name.
        guard: the tensors of what stands before the model's answers, by name.
        inputs: layers whose inputs are rounded to int8, by name.

    Raises:
        TopologyError: if a layer is missing or of another shape, or a weight that is not active is
            not zero (the file could not give it back).
        StorageError: if two tensors would have one name, or a coded weight is not what its codes
            stand for or is no layer.
    """
    topology.require_match(state, what="tensors")
    if strangers := sorted(codes.keys() - topology.masks.keys()):
        raise StorageError(f"{strangers[0]} is quantised, and no layer of the topology")
    tensors: dict[str, Tensor] = {}
    layers: dict[str, Any] = {}
    for name, tensor in state.items():
        # Contiguous: bytes are stored in memory order, and a channels-last tensor has another.
        stored = tensor.detach().cpu().contiguous()
        parts = {name: stored}
        if name in topology.masks:
            layers[name] = {"shape": list(stored.shape), "dtype": _dtype_name(stored)}
            mask, code = topology.masks[name], codes.get(name)
            if code is None:
                parts = _pack(name, stored, mask)
            else:
                layers[name] |= {"quantised": code.name, **code.options}
                if code.bits < BYTE:
                    layers[name]["bits"] = code.bits
                parts = _pack_code(name, stored, code, mask)
        # A model may have a parameter that is itself called ``x.values``.
        if clash := sorted(parts.keys() & tensors.keys()):
            raise StorageError(f"two tensors of the model would be stored as {clash[0]}")
        tensors |= parts
    tensors |= {_GUARD + name: tensor.detach().cpu() for name, tensor in guard.items()}
    tensors |= {_INPUTS + name: inputs_range.tensor() for name, inputs_range in inputs.items()}
    header = {"version": FORMAT_VERSION, "layers": layers, "metadata": dict(metadata)}
    # The hash covers the header without itself, as the reader removes it before comparing.
    header["sha256"] = _fingerprint(header, tensors)
    # Tied weights share memory, which safetensors refuses: each is stored under its own name.
    content = save({name: t.clone() for name, t in tensors.items()}, {_ENTRY: _json(header)})
    return bytes(content)


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
    guard = _take(_GUARD, tensors)
    inputs = {name: InputRange.of(tensor) for name, tensor in _take(_INPUTS, tensors).items()}
    masks = {name: _unpack(name, layer, tensors) for name, layer in layers.items()}
    codes = {
        name: _read_code(name, layer, tensors)
        for name, layer in layers.items()
        if "quantised" in layer
    }
    # Dense weights are recomputed from codes and tables, so the file stores them once.
    tensors |= {name: code.weight() for name, code in codes.items()}
    for name, layer in layers.items():
        if _dtype_name(tensors[name]) != layer["dtype"]:
            raise ValueError(f"{name} is not of the stated shape and dtype")
    return StoredModel(
        state=tensors,
        topology=Topology.from_masks(masks),
        metadata=header["metadata"],
        codes=codes,
        guard=guard,
        inputs=inputs,
    )


def _take(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Remove the tensors whose names have a prefix; return them by the rest of their names."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


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


def _pack_code(name: str, tensor: Tensor, code: WeightCode, mask: Tensor) -> dict[str, Tensor]:
    """The tensors that store a layer, after checking that it is what its codes stand for."""
    weight = code.weight().detach().cpu().contiguous()
    is_same = (weight.dtype, weight.shape) == (tensor.dtype, tensor.shape)
    # Bits are compared, since NaN is not equal to itself.
    if not is_same or not torch.equal(_rows_of_bytes(weight), _rows_of_bytes(tensor)):
        raise StorageError(f"{name}: the weight is not what its {code.name} codes stand for")
    parts = _pack(name, code.codes.detach().cpu().contiguous(), mask)
    if code.bits < BYTE:
        place = name if name in parts else name + _VALUES
        parts[place] = pack_bits(parts[place].flatten(), code.bits)
    tables = {f"{name}.{key}": table.detach().cpu() for key, table in code.tables.items()}
    return parts | tables


def _unpack(name: str, layer: Mapping[str, Any], tensors: dict[str, Tensor]) -> Tensor:
    """A layer's mask; in ``tensors`` its dense form takes the place of its parts."""
    shape = torch.Size(layer["shape"])
    if name in tensors:
        mask = torch.ones(shape, dtype=torch.bool)
        if "bits" in layer:
            tensors[name] = _unpack_values(name, layer, tensors[name], shape.numel()).view(shape)
    else:
        mask = _unpack_mask(name, tensors.pop(name + _BITMASK), shape)
        values = _unpack_values(name, layer, tensors.pop(name + _VALUES), int(mask.sum()))
        tensors[name] = torch.zeros(shape, dtype=values.dtype)
        _rows_of_bytes(tensors[name])[mask.flatten()] = _rows_of_bytes(values)
    if tensors[name].shape != shape:
        raise ValueError(f"{name} is not of the stated shape and dtype")
    return mask


def _unpack_mask(name: str, packed: Tensor, shape: torch.Size) -> Tensor:
    if len(packed) != packed_length(shape.numel(), 1):
        raise ValueError(f"{name} has {len(packed)} mask bytes for {shape.numel()} weights")
    # ``count`` drops the padding bits of the last byte.
    flags = np.unpackbits(packed.numpy(), count=shape.numel()).astype(bool)
    return torch.from_numpy(flags).view(shape)


def _unpack_values(name: str, layer: Mapping[str, Any], values: Tensor, count: int) -> Tensor:
    """One value of each active weight, shape (count,)."""
    bits = layer.get("bits", BYTE)
    stored = count if bits == BYTE else packed_length(count, bits)
    if values.shape != (stored,):
        raise ValueError(f"{name} has {len(values)} values for {count} active weights")
    if bits == BYTE:
        return values
    return unpack_bits(values, bits, count=count, is_signed=layer["quantised"].startswith("int"))


def _read_code(name: str, layer: Mapping[str, Any], tensors: dict[str, Tensor]) -> WeightCode:
    """The code of a layer, whose tables are taken out of ``tensors``."""
    kind = layer["quantised"]
    tables = {table: tensors.pop(f"{name}.{table}") for table in TABLES.get(kind, ())}
    return read_code(kind, tensors[name], tables, layer)


def _rows_of_bytes(tensor: Tensor) -> Tensor:
    """The same memory as (N, bytes of a number): copying float16 as floats may change a NaN."""
    numbers = tensor.flatten()  # of a channels-last 1 x 1 kernel, strides are not what they seem
    return numbers.view(torch.uint8).view(tensor.numel(), tensor.element_size())


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Header and tensors, neither of them checked."""
    try:
        content = path.read_bytes()
        if is_compact(path):
            content = expand_model(content)
        # Bytes rather than a memory map, which is a window on a file that may change.
        tensors = load(content)
        entry = read_header(content).get("__metadata__", {}).get(_ENTRY)
    except (SafetensorError, OSError, StorageError) as error:
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
