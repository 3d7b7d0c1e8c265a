"""Folder of Hugging Face: configuration, weights and tokenizer, as from_pretrained loads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any

import transformers
from torch import nn

from safecompress_core.toolkit import (
    Exporter,
    ExportError,
    ExportSource,
    ImageClassifier,
    TextClassifier,
)
from safecompress_plugins.exporters.manifest import TransformersParams
from safecompress_plugins.models.huggingface_model import (
    OF_IMAGES,
    OF_TEXTS,
    HuggingfaceModel,
)

__all__ = ["TransformersFolder"]


class TransformersFolder(Exporter):
    """What ``save_pretrained`` writes of the network that transformers has built."""

    def __init__(self, params: TransformersParams) -> None:
        del params  # no parameters of its own

    def write(self, source: ExportSource, path: Path) -> None:
        """Write the folder, with the names of the labels in its configuration."""
        body = _body_of(source)
        names = dict(enumerate(source.classes))
        config = copy(body.config)
        config.id2label, config.label2id = names, {name: label for label, name in names.items()}
        body.config, before = config, body.config
        try:
            with _without_bars():
                body.save_pretrained(path, safe_serialization=True)
        finally:
            # The network is the caller's, and goes on as it was.
            body.config = before
        if isinstance(source.factory, HuggingfaceModel):
            source.factory.save_preprocessing(path)

    def load(self, path: Path, source: ExportSource) -> nn.Module:
        """Load the folder, and nothing else, as anyone would."""
        original = source.module
        kind: Any = OF_IMAGES if isinstance(original, ImageClassifier) else OF_TEXTS
        with _without_bars():
            body = kind.from_pretrained(path, local_files_only=True, use_safetensors=True)
        # A wrapper of the same kind around the loaded network: it makes the attention mask.
        wrapper = copy(original)
        wrapper._modules = {**original._modules, "body": body}  # noqa: SLF001  as copy does
        return wrapper.eval()


@contextmanager
def _without_bars() -> Iterator[None]:
    """Keep the library's progress bars from the terminal."""
    transformers.logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers.logging.enable_progress_bar()


def _body_of(source: ExportSource) -> Any:
    """Return the network that transformers has built.

    Raises:
        ExportError: if the model is none of Hugging Face.
    """
    if isinstance(source.module, TextClassifier | ImageClassifier) and isinstance(
        source.module.body, transformers.PreTrainedModel
    ):
        return source.module.body
    raise ExportError(
        f"transformers holds models loaded with 'type: huggingface', and this one is a "
        f"{type(source.module).__name__}; export it to onnx, pt2 or safetensors"
    )
