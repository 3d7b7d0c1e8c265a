"""Names and parameters of models from libraries and user code."""

from typing import Annotated, Any, Literal

from pydantic import Field

from safecompress_core.api import DataPath, ModelDef, Need, Params

__all__ = ["DEFINITIONS", "HuggingfaceModelParams", "PythonModelParams", "TorchvisionModelParams"]


class TorchvisionModelParams(Params):
    """An image classifier of torchvision, untrained."""

    name: str
    """Its name in ``torchvision.models.get_model``: resnet18, vit_b_16, swin_t, ..."""
    options: dict[str, str | int | float | bool] = {}
    """Further arguments of its constructor."""


class HuggingfaceModelParams(Params):
    """A pretrained classifier of transformers, by name from the local cache or by folder."""

    name: str | None = None
    """Its name on the hub: ``org/name``."""
    path: DataPath | None = None
    """Instead of a name, a folder written by ``save_pretrained``."""
    revision: str | None = None
    """The version: preferably a commit."""
    reads: Literal["texts", "images"] = "texts"
    """Type of inputs; texts are tokenised by the model's tokenizer."""
    max_length: Annotated[int, Field(ge=3, le=1_000_000)] = 128
    """Maximum tokens of a text; a batch is as long as its longest text."""
    tokenizer: DataPath | None = None
    """A folder or a name of another tokenizer; by default the model's own."""
    pretrained: bool = True
    """Whether to start from the pretrained weights; otherwise all are initialised anew."""
    download: bool = False
    """Whether to download from the hub what is not in the local cache."""


class PythonModelParams(Params):
    """A network built by a Python function of the user."""

    factory: str
    """``module:function``; called with ``input_shape``, ``classes`` and ``generator``, it returns a
    ``torch.nn.Module`` from samples to logits."""
    folder: DataPath | None = None
    """A folder to import from, in addition to installed packages."""
    arguments: dict[str, Any] = {}
    """Further keyword arguments of the function."""


DEFINITIONS = (
    ModelDef(
        name="torchvision",
        params=TorchvisionModelParams,
        target="safecompress_plugins.models.torchvision_model:TorchvisionModel",
        summary="Any image classifier of torchvision, by name, untrained.",
        cites="Marcel & Rodriguez 2010, ACM Multimedia",
    ),
    ModelDef(
        name="huggingface",
        params=HuggingfaceModelParams,
        target="safecompress_plugins.models.huggingface_model:HuggingfaceModel",
        summary="A text or image classifier of transformers, by name or from a local folder.",
        cites="Wolf et al. 2020, EMNLP, System Demonstrations",
    ),
    ModelDef(
        name="python",
        params=PythonModelParams,
        target="safecompress_plugins.models.python_factory:PythonFactory",
        summary="A network built by a Python function of the user; only with --allow-code.",
        needs=frozenset({Need.CODE}),
    ),
)
