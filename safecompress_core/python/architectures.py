"""Networks of a run as Python objects: a module, a function, or a classifier of transformers."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import DataError, ModelError
from safecompress_core.networks.in_memory import GivenArchitecture
from safecompress_core.networks.pretrained import (
    ImageClassifier,
    TextClassifier,
    is_pretrained,
    is_text_model,
    token_ids,
)
from safecompress_core.networks.redraw import copied, redraw, require_redrawable
from safecompress_core.saved_models.output_labels import output_names
from safecompress_core.seeding import global_random_state

__all__ = ["read_architecture"]

FORMS = (
    "a torch.nn.Module, a function that returns one, or a classifier of transformers, of texts in "
    "a pair with its tokenizer"
)


def read_architecture(model: Any) -> GivenArchitecture:
    """Return a network in one of the forms that a run takes.

    Args:
        model: a ``torch.nn.Module``, of which the layers count and weights are drawn anew; a
            function without arguments that returns a new one, whose weights stay; or a classifier
            of transformers, whose weights stay, for texts in a pair with its tokenizer.

    Raises:
        ModelError: if it is none of these, or a module that cannot be drawn anew.
    """
    if is_text_model(model):
        return _of_texts(*model)
    if isinstance(model, nn.Module):
        return _of_transformers(model) if is_pretrained(model) else _of_module(model)
    if callable(model):
        return GivenArchitecture(build=lambda generator: _call(model, generator))
    raise ModelError(f"model is a {type(model).__name__}", hint=f"give {FORMS}")


def _of_module(module: nn.Module) -> GivenArchitecture:
    require_redrawable(module)
    return GivenArchitecture(build=lambda generator: redraw(module, generator))


def _call(function: Callable[[], Any], generator: torch.Generator) -> nn.Module:
    name = getattr(function, "__qualname__", type(function).__name__)
    with global_random_state(generator):
        try:
            made = function()
        except TypeError as error:
            raise ModelError(
                f"model: {name}() cannot be called ({error})",
                hint="give a function without arguments: model=lambda: Net(64, 10)",
            ) from error
    if not isinstance(made, nn.Module):
        raise ModelError(
            f"model: {name}() returned a {type(made).__name__}", hint="return a torch.nn.Module"
        )
    # A copy: the function may return the same network each time.
    return copied(made)


def _of_transformers(body: Any) -> GivenArchitecture:
    """Return a classifier of images."""
    if body.main_input_name != "pixel_values":
        raise ModelError(
            f"a {type(body).__name__} takes tokens of texts",
            hint="give it in a pair with its tokenizer: model=(classifier, tokenizer)",
        )
    return GivenArchitecture(build=lambda _: ImageClassifier(copied(body)), labels=_labels(body))


def _of_texts(body: Any, tokenizer: Any) -> GivenArchitecture:
    def prepare(dataset: Dataset) -> Dataset:
        if not dataset.texts:
            raise DataError("the model takes texts, and the data have none", hint="give texts")
        return replace(dataset, inputs=token_ids(tokenizer, dataset.texts))

    return GivenArchitecture(
        build=lambda _: TextClassifier.around(copied(body)),
        prepare=prepare,
        labels=_labels(body),
        identity=_digest_of_tokenizer(tokenizer),
    )


def _labels(body: Any) -> tuple[str, ...]:
    names = getattr(getattr(body, "config", None), "id2label", None)
    return output_names({"id2label": names}) if names else ()


def _digest_of_tokenizer(tokenizer: Any) -> str:
    """Return a SHA-256 of what distinguishes tokenizers: settings and vocabulary."""
    vocabulary = sorted(tokenizer.get_vocab().items()) if hasattr(tokenizer, "get_vocab") else ()
    return hashlib.sha256(repr((repr(tokenizer), vocabulary)).encode()).hexdigest()
