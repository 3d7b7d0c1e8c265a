"""Weights of a state dict put into a network: names as training tools write them, shapes, dtypes.

- A prefix that all names share and the network's do not (``module.`` of DataParallel, ``model.`` of
  Lightning, ``state_dict.`` of a nested dictionary) is removed, and so is torch.compile's
  ``_orig_mod.`` wherever it stands.
- ``<name>_orig`` and ``<name>_mask`` of ``torch.nn.utils.prune`` are multiplied to ``<name>``.
- Whole numbers for a weight that is a float are refused: quantised weights mean nothing without
  their scales.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

import torch
from torch import Tensor, nn

from safecompress_core.errors import ModelError

__all__ = ["fill", "match_names"]

COMPILED = "_orig_mod."
PRUNED, MASK = "_orig", "_mask"
MOST_SHOWN = 5


def fill(module: nn.Module, state: Mapping[str, Tensor], *, origin: object) -> None:
    """Put weights into a network that has exactly these.

    Tied weights need to be there under one of their names only, as safetensors keeps them.

    Args:
        module: the network.
        state: its parameters and buffers, by their names.
        origin: the file, for the error.

    Raises:
        ModelError: if names, shapes or dtypes do not fit.
    """
    wanted = module.state_dict()
    state = match_names(state, wanted.keys())
    # Tied weights share memory: one of their names is enough.
    there = {wanted[name].data_ptr() for name in wanted.keys() & state.keys()}
    missing = [
        n for n, tensor in wanted.items() if n not in state and tensor.data_ptr() not in there
    ]
    other = [name for name in state if name not in wanted]
    both = [name for name in wanted if name in state]
    shapes = [
        f"{name} {tuple(state[name].shape)} for {tuple(wanted[name].shape)}"
        for name in both
        if state[name].shape != wanted[name].shape
    ]
    problems = (("it lacks", missing), ("it also has", other), ("other shapes:", shapes))
    wrong = [f"{what} {list_first(names)}" for what, names in problems if names]
    if wrong:
        raise ModelError(
            f"the weights in {origin} do not fit the architecture: {'; '.join(wrong)}",
            hint="write the model's own architecture as task.model, and data with its labels",
        )
    # After the names: a dtype can only be compared if both sides have the weight.
    lossy = [
        f"{name} is {_dtype(state[name])} for {_dtype(wanted[name])}"
        for name in both
        if not _converts(state[name], wanted[name].dtype)
    ]
    if lossy:
        raise ModelError(
            f"the weights in {origin} are not of the architecture's dtypes: {list_first(lossy)}; "
            "quantised weights mean nothing without their scales",
            hint="save the dequantised state dict, or export the quantised model as ONNX or .pt2",
        )
    # Not strict, since tied weights may be missing; the checks above are stricter.
    module.load_state_dict(state, strict=False)


def match_names(state: Mapping[str, Tensor], wanted: Iterable[str]) -> dict[str, Tensor]:
    """Return a state dict under the network's own names, where they can be matched.

    Args:
        state: tensors by name.
        wanted: the network's names.
    """
    names = set(wanted)
    # A network that is compiled itself keeps the prefix.
    if not any(COMPILED in name for name in names):
        state = {name.replace(COMPILED, ""): tensor for name, tensor in state.items()}
    return _strip_prefix(_apply_masks(dict(state), names), names)


def list_first(names: list[str]) -> str:
    """Return the first of some names, and how many more there are."""
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return ", ".join(names[:MOST_SHOWN]) + more


def _apply_masks(state: dict[str, Tensor], wanted: AbstractSet[str]) -> dict[str, Tensor]:
    """Weights that ``torch.nn.utils.prune`` keeps apart from their masks, as they compute."""
    whole = {}
    for name, tensor in state.items():
        base = name.removesuffix(PRUNED)
        mask = state.get(base + MASK)
        # ``name not in wanted``: a network whose prune hooks are still in place has these names
        # itself.
        is_pruned = name.endswith(PRUNED) and mask is not None and name not in wanted
        if is_pruned and mask is not None and mask.shape == tensor.shape:
            whole[base] = tensor * mask.to(tensor.dtype)
        else:
            whole[name] = tensor
    masks = {name for name in state if name.removesuffix(MASK) in whole.keys() - state.keys()}
    return {name: tensor for name, tensor in whole.items() if name not in masks}


def _strip_prefix(state: dict[str, Tensor], wanted: AbstractSet[str]) -> dict[str, Tensor]:
    """The same without what all names begin with, where the network has the names only then."""
    stripped = state
    # Peeled one level at a time, until any name matches; wrappers nest.
    while stripped and not wanted & stripped.keys():
        heads = {name.partition(".")[0] for name in stripped}
        if len(heads) > 1 or not all("." in name for name in stripped):
            return state
        stripped = {name.partition(".")[2]: tensor for name, tensor in stripped.items()}
    return stripped


def _converts(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Return whether a dtype can hold a tensor: floats are rounded, others must fit exactly."""
    if tensor.is_floating_point() and dtype.is_floating_point:
        # An overflow to infinity is a loss; an infinity that was there before is not.
        return bool((tensor.to(dtype).isfinite() | ~tensor.isfinite()).all())
    if dtype.is_floating_point or tensor.is_complex():
        return False
    # A round trip is exact only if the integer dtype holds each value.
    return bool((tensor.to(dtype).to(tensor.dtype) == tensor).all())


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
