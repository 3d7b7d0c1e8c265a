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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from safecompress_core.data.dataset import Inputs
from safecompress_core.errors import MissingExtraError, ModelError, StorageError
from safecompress_core.saved_models.input_casting import cast, scale_for
from safecompress_core.saved_models.model_format import Format
from safecompress_core.saved_models.outputs import LABELS, OutputReader, require_same_labels

__all__ = ["ExportedModel", "LogProbabilities", "load_exported"]

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
FEW = 256
"""Samples whose most likely labels are compared with the labels that a model names."""
FATAL = 4
"""The one severity that ONNX Runtime still logs."""
TINY = torch.finfo(torch.float32).tiny
"""What a probability of exactly 0 counts as in a logarithm: the smallest normal float32."""


class _SharedFunction:
    """A function that copies share: a session of ONNX Runtime cannot be copied."""

    def __init__(self, function: Answer) -> None:
        self._function = function

    def __call__(self, inputs: Tensor) -> Any:
        return self._function(inputs)

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedModel:
    """A model that can only be asked.

    Attributes:
        module: from samples (N, ...) to its answers (N, C), float32 on the CPU.
        parameters: how many it has; None where its file does not say.
        notes: what is done to samples before it is asked, for the data card.
    """

    module: nn.Module
    parameters: int | None
    notes: tuple[str, ...] = ()


class FunctionModule(nn.Module):
    """A function of samples as a module.

    Args:
        function: answers a batch.
        reading: selects the output that holds the answers.
        dtype: of what it takes.
        scale: samples are multiplied by it where it takes integers.
        batch: how many samples it takes; None for any number.
    """

    def __init__(
        self,
        function: Answer,
        *,
        reading: OutputReader,
        dtype: torch.dtype,
        scale: int = 1,
        batch: int | None = None,
    ) -> None:
        super().__init__()
        self._function = _SharedFunction(function)
        self._reading = reading
        self._dtype = dtype
        self._scale = scale
        self._batch = batch

    def forward(self, inputs: Tensor) -> Tensor:
        """Return its answers, float32."""
        inputs = cast(inputs, self._dtype, self._scale)
        read = self._reading.read
        if self._batch is None or len(inputs) == 0:
            return read(self._function(inputs))
        # Negative modulo: the number of rows missing to the next multiple of the batch size.
        missing = -len(inputs) % self._batch
        # Padded with the last sample, not zeros: a model may reject inputs outside its domain.
        padded = torch.cat([inputs, inputs[-1:].expand(missing, *inputs.shape[1:])])
        rows = [read(self._function(chunk)) for chunk in padded.split(self._batch)]
        # Padding is cut off, so that answers match samples one to one.
        return torch.cat(rows)[: len(inputs)]


class LogProbabilities(nn.Module):
    """Logarithms of a model's probabilities: logits with the same posteriors.

    Args:
        module: from samples to probabilities (N, C).
        whole: what they sum to: 1, or 100 for percentages.
    """

    def __init__(self, module: nn.Module, *, whole: float = 1) -> None:
        super().__init__()
        self.module = module
        self._whole = whole

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (N, C); a probability of 0 counts as the smallest number."""
        probabilities: Tensor = self.module(inputs)
        # In float64, then clamped: log 0 is −∞, and would give NaN in losses and margins.
        return (probabilities.double() / self._whole).clamp(min=TINY).log().float()


def load_exported(
    path: Path, form: Format, *, inputs: Tensor | Inputs, reading: OutputReader
) -> ExportedModel:
    """Load a model's file as a module.

    Args:
        path: the file.
        form: what it holds.
        inputs: the samples that it will be asked about, (N, ...).
        reading: selects the output that holds the answers.

    Raises:
        MissingExtraError: if ONNX Runtime is not installed.
        StorageError: if the file cannot be loaded, or holds pickles.
        ModelError: if it takes no such samples without a loss, or no output is known to hold its
            answers.
    """
    load = {
        Format.EXPORTED: _load_program,
        Format.TORCHSCRIPT: _torchscript,
        Format.ONNX: _onnx,
    }[form]
    try:
        return load(path, inputs, reading)
    except (StorageError, MissingExtraError, ModelError):
        # Already explained; wrapping would hide the hint.
        raise
    except Exception as error:  # what these loaders raise is of all kinds
        # Loaders print multi-line native messages; one short line is enough to act on.
        reason = " ".join(str(error).split())[:300]
        raise StorageError(
            f"{path}: cannot be loaded as {form.name_with_article}: {reason}"
        ) from error


def _describe_scaling(scale: int, dtype: torch.dtype) -> tuple[str, ...]:
    """Return the data card's note on scaled samples."""
    if scale == 1:
        return ()
    name = str(dtype).removeprefix("torch.")
    return (f"samples are given to the model times {scale}, as {name}, which it takes",)


def _load_program(path: Path, inputs: Tensor | Inputs, reading: OutputReader) -> ExportedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of its own deprecated parts
        # Pickled parts are removed before torch reads the archive.
        program = torch.export.load(_strip_pickles(path))
        module = program.module()
    taken = set(program.graph_signature.user_inputs)
    values = [
        node.meta["val"]
        for node in program.graph.nodes
        if node.name in taken and isinstance(node.meta.get("val"), Tensor)
    ]
    if len(values) != 1:
        raise StorageError(f"{path}: takes {len(values)} tensors, and a sample is one")
    # A symbolic first dimension is no int, and means any number of samples.
    first = values[0].shape[0] if values[0].ndim else None
    dtype = values[0].dtype
    scale = scale_for(inputs, dtype)
    answers = FunctionModule(
        module,
        reading=reading,
        dtype=dtype,
        scale=scale,
        batch=first if isinstance(first, int) else None,
    )
    # Buffers are in the state dict as well, and are no parameters.
    count = sum(
        tensor.numel() for tensor in program.state_dict.values() if isinstance(tensor, nn.Parameter)
    )
    return ExportedModel(module=answers, parameters=count, notes=_describe_scaling(scale, dtype))


def _strip_pickles(path: Path) -> io.BytesIO:
    """The archive without what torch would unpickle.

    Raises:
        StorageError: if that is more than the example inputs.
    """
    stripped = io.BytesIO()
    # Rewritten in memory: the user's file is never changed.
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(stripped, "w") as copy:
        for entry in archive.infolist():
            inside = f"/{entry.filename}"
            content = archive.read(entry)
            # Compiled code is a shared library, which would run on load.
            if "/data/aotinductor/" in inside:
                raise StorageError(f"{path}: holds compiled programs, which are not loaded")
            if "/data/sample_inputs/" in inside:
                # Kept as an empty entry, since torch checks that the name exists.
                content = b""
            elif "/data/weights/" in inside or "/data/constants/" in inside:
                _refuse_pickles(path, entry.filename, content)
            copy.writestr(entry.filename, content)
    stripped.seek(0)
    return stripped


def _refuse_pickles(path: Path, name: str, content: bytes) -> None:
    is_pickled = name.endswith(".pt") or "_obj_" in name
    # The configuration lists how each payload is stored; a single pickled one is enough to refuse.
    if name.endswith("_config.json"):
        payloads = json.loads(content)["config"].values()
        is_pickled = any(payload["use_pickle"] for payload in payloads)
    if is_pickled:
        raise StorageError(
            f"{path}: {name} is pickled, and nothing is ever unpickled; export the model with "
            "plain tensors as its weights"
        )


def _torchscript(path: Path, inputs: Tensor | Inputs, reading: OutputReader) -> ExportedModel:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch would have us use torch.export
        module = torch.jit.load(path, map_location="cpu")
    # Scripted models keep the mode they were saved in; dropout would make answers random.
    module.eval()
    count = sum(parameter.numel() for parameter in module.parameters())
    dtype, scale = _find_input_dtype(module, inputs)
    answers = FunctionModule(module, reading=reading, dtype=dtype, scale=scale)
    # A frozen model has its weights as constants: unknown, rather than 0 parameters.
    return ExportedModel(
        module=answers, parameters=count or None, notes=_describe_scaling(scale, dtype)
    )


def _find_input_dtype(module: nn.Module, inputs: Tensor | Inputs) -> tuple[torch.dtype, int]:
    """The dtype that a TorchScript model takes, which its file does not say, and the scale.

    Samples that are integers stay so. Others are tried as the floats that its parameters are, then
    as the integers that lose nothing; if none is taken, the query's error says why.
    """
    # Two samples: a squeeze in the model could drop the dimension of a single one.
    sample = inputs[torch.arange(min(2, len(inputs)))]
    if not sample.is_floating_point():
        return sample.dtype, 1
    own_dtype = next(
        (parameter.dtype for parameter in module.parameters() if parameter.is_floating_point()),
        None,
    )
    # A dict keeps the order and removes duplicates: the model's own dtype is tried first.
    floats = dict.fromkeys((own_dtype or torch.float32, torch.float32, torch.float64))
    for dtype in (*floats, torch.int64, torch.int32, torch.uint8):
        try:
            scale = scale_for(inputs, dtype)
            with torch.no_grad():
                module(cast(sample, dtype, scale))
        except (RuntimeError, ModelError):
            continue
        return dtype, scale
    # No dtype works: the query itself raises the error, with the model's own message.
    return torch.float32, 1


def _onnx(path: Path, inputs: Tensor | Inputs, reading: OutputReader) -> ExportedModel:
    try:
        # Imported here, since audits of other formats do not need it.
        import onnxruntime  # noqa: PLC0415  an extra of its own
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnxruntime", extra="onnx") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = FATAL  # errors are raised as well, and shortened
    # As torch: a run on one thread is timed, and reproduced, on one.
    options.intra_op_num_threads = torch.get_num_threads()
    # As for all exported formats: answers must not depend on the machine's accelerator.
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()
    if len(taken) != 1:
        listed = ", ".join(repr(argument.name) for argument in taken)
        raise StorageError(
            f"{path}: takes {len(taken)} inputs ({listed}), and a sample is one; export the model "
            "with one input for all values"
        )
    given = taken[0]
    if given.type not in ONNX_TYPES:
        raise StorageError(f"{path}: takes {given.type}, and no numbers")
    put_out = session.get_outputs()
    names = [output.name for output in put_out]
    tables = [output.name for output in put_out if output.type.startswith("seq(map(")]
    wanted = reading.choose_output(names, tables)
    dtype = ONNX_TYPES[given.type]
    scale = scale_for(inputs, dtype)

    def run(output: str, batch: Tensor) -> Any:
        # Called by name: the order of outputs differs between exporters.
        return session.run([output], {given.name: batch.numpy()})[0]

    def answer(batch: Tensor) -> Any:
        answers = run(wanted, batch)
        return answers if isinstance(answers, list) else torch.from_numpy(answers)

    first = given.shape[0] if given.shape else None
    size = first if isinstance(first, int) else None
    # ``run`` returns the chosen output alone, so the reader has nothing left to choose.
    answers = FunctionModule(
        answer, reading=replace(reading, output=None), dtype=dtype, scale=scale, batch=size
    )
    # Many converters export the predicted label too, which reveals the order of the answers.
    label = next((name for name in names if name.lower() in LABELS and name != wanted), None)
    # A fixed batch would need padding for the label output; the check is skipped then.
    if label is not None and size is None:
        few = cast(inputs[torch.arange(min(FEW, len(inputs)))], dtype, scale)
        named = [str(label) for label in run(label, few).reshape(-1).tolist()]
        require_same_labels(answers(few), named, reading.classes)
    return ExportedModel(module=answers, parameters=None, notes=_describe_scaling(scale, dtype))
