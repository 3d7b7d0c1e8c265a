"""Classifiers of transformers, with their pretrained weights.

- Weights are read from safetensors files alone, and no code of a model's repository is run.
- The hub is not contacted unless the spec says so.
- Texts become token ids (N, L), padded at the end. The tokenizer defines padding: if its padding
  token may occur in a text, or there is none, padded positions hold -1.
"""

from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from torch import nn

from safecompress_core.toolkit import (
    Dataset,
    ExternalFiles,
    ImageClassifier,
    ModelError,
    ModelFactory,
    TextClassifier,
    global_random_state,
    list_pretrained_files,
    local_path,
    output_names,
    token_ids,
)
from safecompress_plugins.models.image_channels import channels_of
from safecompress_plugins.models.loaded_manifest import HuggingfaceModelParams

__all__ = ["HuggingfaceModel"]

OF_TEXTS = transformers.AutoModelForSequenceClassification
OF_IMAGES = transformers.AutoModelForImageClassification
IN_TEXTS = ("bos_token_id", "eos_token_id", "unk_token_id", "sep_token_id", "cls_token_id")
"""Special tokens that occur in texts as well."""


class HuggingfaceModel(ModelFactory):
    """Pretrained weights; the last layer, for other labels, is initialised anew."""

    def __init__(self, params: HuggingfaceModelParams) -> None:
        self._params = params
        if (params.name is None) == (params.path is None):
            raise ModelError(
                "both 'name' and 'path' are set" if params.name else "'name' or 'path' is missing",
                hint="write one of 'name' and 'path'",
                field=("name",) if params.name else (),
            )
        self._where = str(params.name or local_path(str(params.path)))
        if params.path is not None and not local_path(params.path).is_dir():
            raise ModelError(
                f"there is no folder {self._where!r}",
                hint="check the path, or write the model's 'name'",
                field=("path",),
            )

    @staticmethod
    def reads(params: HuggingfaceModelParams) -> list[ExternalFiles]:
        """List weights, configuration and tokenizer, in their folders or in the local cache."""
        revision = params.revision or "main"
        named = [] if params.name is None else _find_cached(params.name, revision)
        files = named if params.path is None else [list_pretrained_files(params.path)]
        if params.tokenizer is None:
            return files
        if local_path(params.tokenizer).is_dir():
            return [*files, list_pretrained_files(params.tokenizer)]
        return [*files, *_find_cached(params.tokenizer, revision)]

    def prepare(self, dataset: Dataset) -> Dataset:
        """Tokenise texts to ids, (N, L), int64; images are unchanged."""
        params = self._params
        if params.reads == "images":
            return dataset
        if not dataset.texts:
            raise ModelError(
                "the model needs texts, and the data have none",
                hint="set 'text' of the data, or 'reads: images' of the model",
                field=("reads",),
            )
        ids = token_ids(
            self._tokenizer, dataset.texts, padding=self._padding, max_length=params.max_length
        )
        return replace(dataset, inputs=ids)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Label names of its configuration; none for new weights."""
        # The names belong to the pretrained head; a new head has other labels.
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
        """Id of padded positions: the padding token, if it has no other meaning."""
        tokenizer = self._tokenizer
        padding = tokenizer.pad_token_id
        others = {getattr(tokenizer, name, None) for name in IN_TEXTS}
        return TextClassifier.outside if padding is None or padding in others else int(padding)

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build the pretrained model; missing weights are initialised from ``generator``."""
        params = self._params
        kind = OF_TEXTS if params.reads == "texts" else OF_IMAGES
        if params.reads == "images":
            channels_of(input_shape, needed_by=self._where)
        config = self._had(transformers.AutoConfig, self._where, "model", num_labels=classes)
        self._refuse_kernels(config)
        # transformers draws missing weights from torch's global state.
        with global_random_state(generator):
            if params.pretrained:
                body = self._had(
                    kind,
                    self._where,
                    "model",
                    config=config,
                    # Safetensors only: a pickled checkpoint can run any code.
                    use_safetensors=True,
                    ignore_mismatched_sizes=True,
                    dtype=torch.float32,
                )
            else:
                body = kind.from_config(config)  # type: ignore[no-untyped-call]
        if params.reads == "images":
            return ImageClassifier(body)
        return TextClassifier.around(body, padding=self._padding)

    def save_preprocessing(self, path: Path) -> None:
        """Write the tokenizer of a model that reads texts into a folder."""
        if self._params.reads == "texts":
            self._tokenizer.save_pretrained(path)

    def _refuse_kernels(self, config: transformers.PretrainedConfig) -> None:
        """Reject a configuration that names code of the hub for its layers."""
        for name, value in vars(config).items():
            if isinstance(value, transformers.PretrainedConfig):
                self._refuse_kernels(value)
            elif "implementation" in name and "/" in str(value):
                raise ModelError(
                    f"the configuration of {self._where!r} names code of the hub ({value!r}), "
                    "which is never run",
                    hint="remove its implementation from config.json",
                    field=("name",) if self._params.name else ("path",),
                )

    # The library's own messages and progress bars would interrupt the display.
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
        # transformers imports a model's code on request
        except ImportError as error:  # it imports a model's code when it is asked for one
            raise ModelError(
                f"transformers cannot import the {what} ({error.__cause__ or error})",
                hint="install its requirements; a torchvision for another torch also fails",
            ) from error
        except (OSError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split())
            where_from = "name" if params.name else "path"
            raise ModelError(
                f"the {what} {where!r} is not available ({reason})",
                hint=_hint(params),
                field=("tokenizer",) if where == params.tokenizer else (where_from,),
            ) from error
        finally:
            transformers.logging.set_verbosity(level)
            transformers.logging.enable_progress_bar()


def _find_cached(name: str, revision: str) -> list[ExternalFiles]:
    """List the files of a hub model in the local cache; empty if there are none."""
    try:
        folder = snapshot_download(name, revision=revision, local_files_only=True)
    except (LocalEntryNotFoundError, HFValidationError):
        return []
    return [list_pretrained_files(folder, name=name)]


def _hint(params: HuggingfaceModelParams) -> str:
    """Suggest a remedy for unavailable parts of a model."""
    folder = "a folder with config.json, model.safetensors and the tokenizer's files"
    if params.name is None:
        return f"name {folder}"
    asking = "check the name, and whether the hub can be reached"
    if not params.download:
        asking = "write 'download: true' to ask the hub"
    return f"{asking}, and log in there if it is gated; or name {folder} in 'path'"
