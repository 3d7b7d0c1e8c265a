"""Names and parameters of models that others have written."""

from typing import Annotated, Any, Literal

from pydantic import Field

from safecompress_core.api import DataPath, ModelDef, Params

__all__ = ["DEFINITIONS", "HuggingfaceModelParams", "PythonModelParams", "TorchvisionModelParams"]


class TorchvisionModelParams(Params):
    """An image classifier of torchvision, untrained."""

    name: str
    """What ``torchvision.models.get_model`` calls it: resnet18, vit_b_16, swin_t, ..."""
    options: dict[str, str | int | float | bool] = {}
    """What else it is built from."""


class HuggingfaceModelParams(Params):
    """A classifier of transformers with its weights, by name from the local cache or by folder."""

    name: str | None = None
    """Its name on the hub: ``org/name``."""
    path: DataPath | None = None
    """Instead of a name, a folder that ``save_pretrained`` has written."""
    revision: str | None = None
    """Which of its versions: a commit, best of all."""
    reads: Literal["texts", "images"] = "texts"
    """What it classifies; texts are made tokens of by its own tokenizer."""
    max_length: Annotated[int, Field(ge=3, le=1_000_000)] = 128
    """Tokens that are kept of a text; a batch is as long as its longest text."""
    tokenizer: DataPath | None = None
    """A folder or a name of another tokenizer; by default it is the model's own."""
    pretrained: bool = True
    """Whether it starts from the weights it comes with; if not, all are drawn."""
    download: bool = False
    """Whether the hub may be asked for what is not in the local cache."""


class PythonModelParams(Params):
    """A network that a function of yours makes."""

    factory: str
    """``module:function``; it is called with ``input_shape``, ``classes`` and ``generator``, and
    returns a ``torch.nn.Module`` from samples to logits."""
    folder: DataPath | None = None
    """A folder to import from, beside what is installed."""
    arguments: dict[str, Any] = {}
    """What the function is called with besides, by name."""


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
        summary="A network that a function of yours makes; only with --allow-code.",
        runs_code=True,
    ),
)
