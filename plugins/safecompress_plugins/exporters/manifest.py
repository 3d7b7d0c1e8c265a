"""Names and parameters of the built-in exporters."""

from typing import Annotated

from pydantic import Field

from safecompress_core.api import ExporterDef, ExporterParams

__all__ = [
    "DEFINITIONS",
    "ExecutorchParams",
    "OnnxInt8Params",
    "OnnxParams",
    "Pt2Params",
    "SafetensorsParams",
    "TransformersParams",
]

HOME = "safecompress_plugins.exporters"
ONNX_USAGE = """\
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
[logits] = session.run(["logits"], {"inputs": inputs.numpy()})
"""
PT2_USAGE = """\
import torch

# Loading a program runs code: load only what you trust.
network = torch.export.load("model.pt2").module()
logits = network(inputs)
"""
SAFETENSORS_USAGE = """\
from safetensors.torch import load_file

network.load_state_dict(load_file("model.safetensors"))  # a network of the same architecture
logits = network.eval()(inputs)
"""
TRANSFORMERS_USAGE = """\
from transformers import AutoModelForSequenceClassification

network = AutoModelForSequenceClassification.from_pretrained(".")
logits = network(inputs, attention_mask=(inputs != network.config.pad_token_id).long()).logits
"""
EXECUTORCH_USAGE = """\
from executorch.runtime import Runtime

method = Runtime.get().load_program("model.pte").load_method("forward")
[logits] = method.execute([inputs])
"""


class OnnxParams(ExporterParams):
    """A graph in float32."""


class OnnxInt8Params(ExporterParams):
    """A graph with weights and activations of 8 bits."""

    tolerance: Annotated[float, Field(gt=0)] | None = None
    """The largest difference of a logit on the audit pool that is accepted; none for any."""
    agreement: Annotated[float, Field(ge=0, le=1)] = 0.95
    """The smallest share of the audit pool's samples that must keep their most likely label."""
    samples: Annotated[int, Field(ge=1, le=4096)] = 200
    """Members of attack-train on which the ranges of activations are measured, at most."""
    per_channel: bool = True
    """Whether each output channel of a weight has a scale of its own."""


class Pt2Params(ExporterParams):
    """A program of torch.export."""


class SafetensorsParams(ExporterParams):
    """Dense tensors by name."""

    # Tensors are copied, so any difference at all would be a mistake.
    tolerance: Annotated[float, Field(gt=0)] | None = 1e-6
    """The largest difference of a logit on the audit pool that is accepted; none for any."""


class TransformersParams(ExporterParams):
    """A folder of Hugging Face."""


class ExecutorchParams(ExporterParams):
    """A program of ExecuTorch."""

    batch: Annotated[int, Field(ge=16, le=4096)] = 128
    """Samples in a call, at most; memory is planned for so many."""


DEFINITIONS = (
    ExporterDef(
        name="onnx",
        params=OnnxParams,
        target=f"{HOME}.onnx_graph:OnnxGraph",
        summary="An ONNX graph in float32, for batches of any size.",
        file="model.onnx",
        usage=ONNX_USAGE,
        runtime="onnxruntime",
        packages=("torch", "onnx", "onnxscript"),
        holds_graph=True,
    ),
    ExporterDef(
        name="onnx-int8",
        params=OnnxInt8Params,
        target=f"{HOME}.onnx_int8:OnnxInt8",
        summary="An ONNX graph with int8 weights and activations (QDQ), calibrated on members.",
        file="model.onnx",
        usage=ONNX_USAGE,
        runtime="onnxruntime",
        packages=("torch", "onnx", "onnxscript"),
        holds_graph=True,
    ),
    ExporterDef(
        name="pt2",
        params=Pt2Params,
        target=f"{HOME}.exported_program:ExportedProgramFile",
        summary="A program of torch.export with plain tensors, for batches of any size.",
        file="model.pt2",
        usage=PT2_USAGE,
        runtime="torch",
        holds_graph=True,
    ),
    ExporterDef(
        name="safetensors",
        params=SafetensorsParams,
        target=f"{HOME}.dense_tensors:DenseTensors",
        summary="The state dict as dense tensors, for a network of the same architecture.",
        file="model.safetensors",
        usage=SAFETENSORS_USAGE,
        runtime="torch",
        packages=("safetensors",),
    ),
    ExporterDef(
        name="transformers",
        params=TransformersParams,
        target=f"{HOME}.transformers_folder:TransformersFolder",
        summary="A folder that from_pretrained loads, for models that came from Hugging Face.",
        file="",
        usage=TRANSFORMERS_USAGE,
        runtime="transformers",
        packages=("torch", "safetensors"),
    ),
    ExporterDef(
        name="executorch",
        params=ExecutorchParams,
        target=f"{HOME}.executorch_program:ExecutorchProgram",
        summary="An ExecuTorch program for phones, with the XNNPACK backend.",
        file="model.pte",
        usage=EXECUTORCH_USAGE,
        runtime="executorch",
        packages=("torch",),
        holds_graph=True,
    ),
)
