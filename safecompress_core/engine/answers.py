"""Models that can only be asked: exported programs, TorchScript and ONNX, as plain modules.

- Nothing is unpickled. An exported program whose weights are pickled is refused, and the example
  inputs in it, which torch would unpickle, are left out before torch reads it.
- A model made for a fixed number of samples is asked for as many at a time, the last ones padded.
- All are asked on the CPU.
"""

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from safecompress_core.engine.model_format import Format
from safecompress_core.errors import MissingExtraError, ModelError, StorageError

__all__ = ["LogProbabilities", "asked"]

# N samples · C classes

Answer = Callable[[Tensor], Any]

ONNX_TYPES = {
    "tensor(float)": torch.float32,
    "tensor(double)": torch.float64,
    "tensor(float16)": torch.float16,
    "tensor(int64)": torch.int64,
    "tensor(int32)": torch.int32,
    "tensor(uint8)": torch.uint8,
}
"""What an input of ONNX Runtime may be, as a tensor."""
TINY = torch.finfo(torch.float32).tiny
"""What a probability of exactly 0 counts as in a logarithm: the smallest normal float32."""


class _Function:
    """A function that copies share: a session of ONNX Runtime cannot be copied."""

    def __init__(self, function: Answer) -> None:
        self._function = function

    def __call__(self, inputs: Tensor) -> Any:
        return self._function(inputs)

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self


class Answers(nn.Module):
    """A function of samples as a module.

    Args:
        function: answers a batch.
        dtype: of what it takes.
        batch: how many samples it takes; None for any number.
    """

    def __init__(self, function: Answer, *, dtype: torch.dtype, batch: int | None) -> None:
        super().__init__()
        self._function = _Function(function)
        self._dtype = dtype
        self._batch = batch

    def forward(self, inputs: Tensor) -> Tensor:
        """What it answers, float32."""
        inputs = inputs.to(self._dtype)
        if self._batch is None or len(inputs) == 0:
            return _float(self._function(inputs))
        missing = -len(inputs) % self._batch
        padded = torch.cat([inputs, inputs[-1:].expand(missing, *inputs.shape[1:])])
        rows = [_float(self._function(one)) for one in padded.split(self._batch)]
        return torch.cat(rows)[: len(inputs)]


class LogProbabilities(nn.Module):
    """Logarithms of a model's probabilities: logits with the same posteriors."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, C); a probability of 0 counts as the smallest number."""
        probabilities: Tensor = self.module(inputs)
        return probabilities.double().clamp(min=TINY).log().float()


def asked(path: Path, form: Format) -> tuple[nn.Module, int | None]:
    """A module around a model's file, and how many parameters it has, where that can be told.

    Raises:
        MissingExtraError: if ONNX Runtime is not installed.
        StorageError: if the file cannot be loaded, or holds pickles.
    """
    load = {
        Format.EXPORTED: _exported,
        Format.TORCHSCRIPT: _torchscript,
        Format.ONNX: _onnx,
    }[form]
    try:
        return load(path)
    except (StorageError, MissingExtraError):
        raise
    except Exception as error:  # what these loaders raise is of all kinds
        reason = " ".join(str(error).split())[:300]
        raise StorageError(f"{path}: cannot be loaded as {form.named}: {reason}") from error


def _float(answer: Any) -> Tensor:
    """The first of what a model puts out, as float32 on the CPU."""
    while isinstance(answer, tuple | list) and answer:
        answer = answer[0]
    if isinstance(answer, dict) and answer:
        answer = answer.get("logits", next(iter(answer.values())))
    if not isinstance(answer, Tensor):
        message = f"the model answers with a {type(answer).__name__}, and with no tensor"
        raise ModelError(message, mend="export one that puts out logits or probabilities")
    return answer.detach().float().cpu()


def _exported(path: Path) -> tuple[nn.Module, int | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecated parts
        program = torch.export.load(_unpickled(path))
        module = program.module()
    taken = set(program.graph_signature.user_inputs)
    values = [
        node.meta["val"]
        for node in program.graph.nodes
        if node.name in taken and isinstance(node.meta.get("val"), Tensor)
    ]
    if len(values) != 1:
        raise StorageError(f"{path}: takes {len(values)} tensors, and a sample is one")
    first = values[0].shape[0] if values[0].ndim else None
    answers = Answers(
        module, dtype=values[0].dtype, batch=first if isinstance(first, int) else None
    )
    count = sum(one.numel() for one in program.state_dict.values() if isinstance(one, nn.Parameter))
    return answers, count


def _unpickled(path: Path) -> io.BytesIO:
    """The archive without what torch would unpickle.

    Raises:
        StorageError: if that is more than the example inputs.
    """
    kept = io.BytesIO()
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(kept, "w") as copy:
        for entry in archive.infolist():
            inside = f"/{entry.filename}"
            content = archive.read(entry)
            if "/data/aotinductor/" in inside:
                raise StorageError(f"{path}: holds compiled programs, which are not loaded")
            if "/data/sample_inputs/" in inside:
                content = b""
            elif "/data/weights/" in inside or "/data/constants/" in inside:
                _refuse_pickles(path, entry.filename, content)
            copy.writestr(entry.filename, content)
    kept.seek(0)
    return kept


def _refuse_pickles(path: Path, name: str, content: bytes) -> None:
    is_pickled = name.endswith(".pt") or "_obj_" in name
    if name.endswith("_config.json"):
        payloads = json.loads(content)["config"].values()
        is_pickled = any(one["use_pickle"] for one in payloads)
    if is_pickled:
        raise StorageError(
            f"{path}: {name} is pickled, and nothing is ever unpickled; export the model with "
            "plain tensors as its weights"
        )


def _torchscript(path: Path) -> tuple[nn.Module, int | None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch would have us use torch.export
        module = torch.jit.load(path, map_location="cpu")
    module.eval()
    count = sum(parameter.numel() for parameter in module.parameters())
    return Answers(module, dtype=torch.float32, batch=None), count or None


def _onnx(path: Path) -> tuple[nn.Module, int | None]:
    try:
        import onnxruntime  # noqa: PLC0415  an extra of its own
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnxruntime", extra="onnx") from error
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise StorageError(f"{path}: takes {len(inputs)} inputs, and a sample is one")
    given = inputs[0]
    if given.type not in ONNX_TYPES:
        raise StorageError(f"{path}: takes {given.type}, and no numbers")

    def answer(batch: Tensor) -> Tensor:
        found = session.run(None, {given.name: batch.numpy()})
        return torch.from_numpy(found[0])

    first = given.shape[0] if given.shape else None
    size = first if isinstance(first, int) else None
    return Answers(answer, dtype=ONNX_TYPES[given.type], batch=size), None
