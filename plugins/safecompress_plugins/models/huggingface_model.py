"""Classifiers of transformers, with the weights that they come with.

- Weights are read from safetensors files alone, and no code of a model's repository is run.
- The hub is not asked unless the spec says so.
- Texts become token ids (N, L), padded at their end; a batch is cut to its longest text, and
  padding is not attended to. What padding is, the tokenizer alone says: where its padding token may
  stand in a text too, or there is none, padded places hold -1.
- A decoder answers at the last token of a text, as in transformers.
"""

from dataclasses import replace
from functools import cached_property
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
    output_names,
    pretrained_files,
)
from safecompress_plugins.models.images import channels_of
from safecompress_plugins.models.loaded_manifest import HuggingfaceModelParams

__all__ = ["HuggingfaceModel"]

# B samples of a batch · L tokens · H values of a token

OF_TEXTS = transformers.AutoModelForSequenceClassification
OF_IMAGES = transformers.AutoModelForImageClassification
OUTSIDE = -1
"""What padded places hold where no token stands for padding alone."""
IN_TEXTS = ("bos_token_id", "eos_token_id", "unk_token_id", "sep_token_id", "cls_token_id")
"""Tokens of a tokenizer that texts have as well."""


class TextClassifier(nn.Module):
    """Takes token ids, and makes the attention mask itself.

    Args:
        body: a classifier of transformers.
        padding: what padded places hold, at the end of a text.
    """

    def __init__(self, body: nn.Module, padding: int) -> None:
        super().__init__()
        self.body: Any = body
        self._padding = padding

    def forward(self, ids: Tensor) -> Tensor:
        """Logits, shape (B, C), of ids (B, L)."""
        mask = self._mask(ids)
        longest = _longest(mask)
        ids, mask = ids[:, :longest], mask[:, :longest]
        return self._logits(ids.clamp(min=0), mask)

    def _mask(self, ids: Tensor) -> Tensor:
        """1 up to the last token of each text, 0 after it; int64, (B, L)."""
        is_token = (ids != self._padding).long()
        return (is_token.flip(1).cumsum(1).flip(1) > 0).long()

    def _logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.body(input_ids=ids, attention_mask=mask).logits
        return logits


class DecoderClassifier(TextClassifier):
    """Has the last layer score the last token of each text alone: logits come from a linear layer.

    The same logits as transformers', which scores every token and needs to be told in its
    configuration what padding is.
    """

    def _logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        hidden: Tensor = self.body.base_model(input_ids=ids, attention_mask=mask)[0]  # (B, L, H)
        last = (mask.sum(1) - 1).clamp(min=0)[:, None, None].expand(-1, 1, hidden.shape[2])
        logits: Tensor = self.body.score(hidden.gather(1, last).squeeze(1))
        return logits


def _longest(mask: Tensor) -> int:
    """Tokens of the longest text."""
    try:
        return max(1, int(mask.any(dim=0).sum()))
    except RuntimeError:  # under vmap a batch has no longest text
        return mask.shape[1]


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
        tokenizer = self._tokenizer
        # without padding of its own: it may have no token for that
        found = tokenizer(list(dataset.texts), truncation=True, max_length=params.max_length)
        rows = [torch.tensor(ids, dtype=torch.int64) for ids in found["input_ids"]]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=self._padding)
        return replace(dataset, inputs=ids)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Those of its configuration; none where weights are drawn."""
        if not self._params.pretrained:
            return ()
        config = self._had(transformers.AutoConfig, self._where, "model")
        return output_names({"id2label": config.id2label})

    @cached_property
    def _tokenizer(self) -> Any:
        params = self._params
        where = self._where if params.tokenizer is None else str(local_path(params.tokenizer))
        return self._had(transformers.AutoTokenizer, where, "tokenizer")

    @cached_property
    def _padding(self) -> int:
        """What padded places hold: the padding token, if that stands for nothing else."""
        tokenizer = self._tokenizer
        padding = tokenizer.pad_token_id
        others = {getattr(tokenizer, name, None) for name in IN_TEXTS}
        return OUTSIDE if padding is None or padding in others else int(padding)

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """The model with its own weights; what it lacks is drawn from ``generator``."""
        params = self._params
        kind = OF_TEXTS if params.reads == "texts" else OF_IMAGES
        if params.reads == "images":
            channels_of(input_shape, needed_by=self._where)
        config = self._had(transformers.AutoConfig, self._where, "model", num_labels=classes)
        self._refuse_kernels(config)
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
        is_decoder = isinstance(getattr(body, "score", None), nn.Linear)
        return (DecoderClassifier if is_decoder else TextClassifier)(body, self._padding)

    def _refuse_kernels(self, config: transformers.PretrainedConfig) -> None:
        """A configuration may name code of the hub that computes its layers."""
        for name, value in vars(config).items():
            if isinstance(value, transformers.PretrainedConfig):
                self._refuse_kernels(value)
            elif "implementation" in name and "/" in str(value):
                raise ModelError(
                    f"the configuration of {self._where!r} names code of the hub ({value!r}), "
                    "which is never run",
                    mend="take its implementation out of config.json",
                    field=("name",) if self._params.name else ("path",),
                )

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
