"""Classifiers of transformers, with the weights that they come with.

- Weights are read from safetensors files alone, and no code of a model's repository is run.
- The hub is not asked unless the spec says so.
- Texts become token ids (N, L), padded at their end; a batch is cut to its longest text, and
  padding is not attended to.
"""

from dataclasses import replace
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from torch import Tensor, nn

from safecompress_core.toolkit import (
    Dataset,
    ExternalFiles,
    ModelError,
    ModelFactory,
    global_random_state,
    local_path,
    pretrained_files,
)
from safecompress_plugins.models.images import channels_of
from safecompress_plugins.models.loaded_manifest import HuggingfaceModelParams

__all__ = ["HuggingfaceModel"]

# B samples of a batch · L tokens

OF_TEXTS = transformers.AutoModelForSequenceClassification
OF_IMAGES = transformers.AutoModelForImageClassification


class TextClassifier(nn.Module):
    """Takes token ids, and makes the attention mask itself."""

    def __init__(self, body: nn.Module, padding: int) -> None:
        super().__init__()
        self.body = body
        self._padding = padding

    def forward(self, ids: Tensor) -> Tensor:
        """Logits, shape (B, C), of ids (B, L)."""
        ids = ids[:, : self._longest(ids)]
        logits: Tensor = self.body(
            input_ids=ids, attention_mask=(ids != self._padding).long()
        ).logits
        return logits

    def _longest(self, ids: Tensor) -> int:
        """Tokens of the longest text."""
        try:
            return max(1, int((ids != self._padding).any(dim=0).sum()))
        except RuntimeError:  # under vmap a batch has no longest text
            return ids.shape[1]


class ImageClassifier(nn.Module):
    """Takes images."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, images: Tensor) -> Tensor:
        """Logits, shape (B, C), of images (B, 3, H, W)."""
        logits: Tensor = self.body(pixel_values=images).logits
        return logits


class HuggingfaceModel(ModelFactory):
    """What it has learned is kept; the last layer, made for other labels, is drawn."""

    def __init__(self, params: HuggingfaceModelParams) -> None:
        self._params = params
        if (params.name is None) == (params.path is None):
            raise ModelError(
                "both a name and a path are given" if params.name else "no name and no path",
                mend="write one of 'name' and 'path'",
                field=("name",) if params.name else (),
            )
        self._where = str(params.name or local_path(str(params.path)))
        if params.path is not None and not local_path(params.path).is_dir():
            raise ModelError(
                f"there is no folder {self._where!r}",
                mend="check the path, or write the model's 'name'",
                field=("path",),
            )

    @staticmethod
    def reads(params: HuggingfaceModelParams) -> list[ExternalFiles]:
        """Weights, configuration and tokenizer, in their folders or in the local cache."""
        revision = params.revision or "main"
        named = [] if params.name is None else _cached(params.name, revision)
        own = named if params.path is None else [pretrained_files(params.path)]
        if params.tokenizer is None:
            return own
        if local_path(params.tokenizer).is_dir():
            return [*own, pretrained_files(params.tokenizer)]
        return [*own, *_cached(params.tokenizer, revision)]

    def prepare(self, dataset: Dataset) -> Dataset:
        """Texts as token ids, (N, L), int64; images as they are."""
        params = self._params
        if params.reads == "images":
            return dataset
        if not dataset.texts:
            raise ModelError(
                "the model reads texts, and the data have none",
                mend="write 'text:' for the data, or 'reads: images' for the model",
                field=("reads",),
            )
        where = self._where if params.tokenizer is None else str(local_path(params.tokenizer))
        tokenizer = self._had(transformers.AutoTokenizer, where, "tokenizer")
        if tokenizer.pad_token_id is None:
            raise ModelError(
                f"the tokenizer of {where!r} has no padding token",
                mend="use another one",
                field=("tokenizer",),
            )
        found = tokenizer(
            list(dataset.texts),
            truncation=True,
            max_length=params.max_length,
            padding="longest",
            padding_side="right",
            return_tensors="pt",
        )
        return replace(dataset, inputs=found["input_ids"])

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """The model with its own weights; what it lacks is drawn from ``generator``."""
        params = self._params
        kind = OF_TEXTS if params.reads == "texts" else OF_IMAGES
        if params.reads == "images":
            channels_of(input_shape, needed_by=self._where)
        config = self._had(transformers.AutoConfig, self._where, "model", num_labels=classes)
        with global_random_state(generator):
            if params.pretrained:
                body = self._had(
                    kind,
                    self._where,
                    "model",
                    config=config,
                    use_safetensors=True,
                    ignore_mismatched_sizes=True,
                    dtype=torch.float32,
                )
            else:
                body = kind.from_config(config)  # type: ignore[no-untyped-call]
        if params.reads == "images":
            return ImageClassifier(body)
        return TextClassifier(body, int(config.pad_token_id or 0))

    def _had(self, kind: Any, where: str, what: str, **options: Any) -> Any:
        params = self._params
        level = transformers.logging.get_verbosity()
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        try:
            return kind.from_pretrained(
                where,
                revision=params.revision or "main",
                local_files_only=not params.download,
                trust_remote_code=False,
                **options,
            )
        except ImportError as error:  # it imports a model's code when it is asked for one
            raise ModelError(
                f"transformers cannot import the {what} ({error.__cause__ or error})",
                mend="install what it needs; a torchvision for another torch is worse than none",
            ) from error
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            own = "name" if params.name else "path"
            raise ModelError(
                f"cannot have the {what} {where!r} ({reason})",
                mend=_mend(params),
                field=("tokenizer",) if where == params.tokenizer else (own,),
            ) from error
        finally:
            transformers.logging.set_verbosity(level)
            transformers.logging.enable_progress_bar()


def _cached(name: str, revision: str) -> list[ExternalFiles]:
    """The files of a model of the hub in the local cache; nothing where there are none."""
    try:
        folder = snapshot_download(name, revision=revision, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError):
        return []
    return [pretrained_files(folder, name=name)]


def _mend(params: HuggingfaceModelParams) -> str:
    """What to do where something of a model cannot be had."""
    folder = "a folder with config.json, model.safetensors and the tokenizer's files"
    if params.name is None:
        return f"name {folder}"
    asking = "check the name, and whether the hub can be reached"
    if not params.download:
        asking = "write 'download: true' to ask the hub"
    return f"{asking}, and log in there if it is gated; or give {folder} as 'path'"
