"""Representation of samples for the blind baseline: columns with names, whatever samples are."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from safecompress_core.data.dataset import Dataset

__all__ = ["BlindRepresentation", "represent"]

# N samples · D columns · C channels

Floats = NDArray[np.float32]

Part = tuple[str, NDArray[Any]]
"""Columns that belong together, shape (N, …), with their name."""

MOST_COLUMNS = 256
"""Columns that are read as they are, words and tokens that are counted."""
THUMBNAIL = 8
"""Rows and columns of the blocks that an image is averaged over."""
COMPONENTS = 32
LABEL = "task label"
FEWEST_TOKENS, BYTE = 16, 255
"""So many whole numbers in a row, some above a byte, are token ids if no column has a name."""


@dataclass(frozen=True, slots=True, eq=False)
class BlindRepresentation:
    """Samples as columns.

    Attributes:
        kind: what the columns are, as a plural.
        values: shape (N, D), float32.
        columns: by name, the positions in D that belong together.
    """

    kind: str
    values: Floats
    columns: Mapping[str, tuple[int, ...]]


def represent(dataset: Dataset, indices: Tensor) -> BlindRepresentation | None:
    """Return some samples as columns, their task label included; None if inputs are unknown.

    Texts are TF-IDF weights of their most frequent words, token ids counts of the most frequent
    tokens, images averages over blocks with brightness, contrast and sharpness by channel. Other
    inputs are read as they are, or, if they are wider than ``MOST_COLUMNS``, as random projections
    with mean and spread.

    Args:
        dataset: of the samples.
        indices: which ones, shape (N,), int64.
    """
    parts: Iterator[Part]
    dataset = dataset.asked or dataset
    if dataset.texts:
        kind, parts = "words", _words([dataset.texts[row] for row in indices.tolist()])
    else:
        if dataset.holds_answers or not dataset.inputs.shape[1:].numel():
            return None
        inputs = dataset.inputs[indices].float().cpu()
        if inputs.ndim == 4:
            kind, parts = "image statistics", _image(inputs)
        elif _holds_tokens(inputs) and not dataset.features:
            kind, parts = "tokens", _tokens(inputs.flatten(1))
        elif inputs.flatten(1).shape[1] <= MOST_COLUMNS:
            kind, parts = "inputs", _columns(inputs.flatten(1), dataset)
        else:
            kind, parts = "projections of inputs", _projections(inputs.flatten(1))
    named = dict(parts)
    named[LABEL] = dataset.labels[indices].numpy()[:, None]
    blocks = [np.asarray(block, dtype=np.float32) for block in named.values()]
    ends = np.cumsum([block.shape[1] for block in blocks])
    spans = zip(named, ends - [block.shape[1] for block in blocks], ends, strict=True)
    columns = {name: tuple(range(int(start), int(end))) for name, start, end in spans}
    return BlindRepresentation(kind, np.concatenate(blocks, axis=1), columns)


def _words(texts: list[str]) -> Iterator[Part]:
    """Yield the length, and the TF-IDF weights of the most frequent words."""
    yield "length", np.array([[len(text)] for text in texts])
    vectorizer = TfidfVectorizer(max_features=MOST_COLUMNS)
    try:
        weights = vectorizer.fit_transform(texts).toarray()
    except ValueError:  # no text has a word
        return
    for column, word in enumerate(vectorizer.get_feature_names_out()):
        yield f"word {word!r}", weights[:, [column]]


def _holds_tokens(inputs: Tensor) -> bool:
    if inputs.ndim != 2 or inputs.shape[1] < FEWEST_TOKENS or not len(inputs):
        return False
    is_whole = bool((inputs == inputs.round()).all())
    return is_whole and float(inputs.min()) >= 0 and float(inputs.max()) > BYTE


def _tokens(inputs: Tensor) -> Iterator[Part]:
    """Yield the number of each of the most frequent tokens in a sample."""
    tokens = inputs.long().numpy()
    names, counts = np.unique(tokens, return_counts=True)
    frequent = np.sort(names[np.argsort(-counts, kind="stable")[:MOST_COLUMNS]])
    # One pass over all tokens: a comparison with each of them would take as many.
    places = np.searchsorted(frequent, tokens).clip(max=len(frequent) - 1)
    rows, _ = np.nonzero(frequent[places] == tokens)
    table = np.zeros((len(tokens), len(frequent)), dtype=np.int64)
    np.add.at(table, (rows, places[frequent[places] == tokens]), 1)
    for column, token in enumerate(frequent):
        yield f"token {token}", table[:, [column]]


def _image(inputs: Tensor) -> Iterator[Part]:
    """Yield brightness, contrast and sharpness by channel, and averages over blocks."""
    _, channels, height, width = inputs.shape
    steps = [(inputs.diff(dim=dim)).abs().mean(dim=(2, 3)) for dim in (2, 3)]
    for channel in range(channels):
        name = f" of channel {channel + 1}" if channels > 1 else ""
        pixels = inputs[:, channel].flatten(1)
        yield f"brightness{name}", pixels.mean(dim=1, keepdim=True).numpy()
        yield f"contrast{name}", pixels.std(dim=1, keepdim=True).numpy()
        sharpness = sum(step[:, [channel]].nan_to_num() for step in steps)
        yield f"sharpness{name}", torch.as_tensor(sharpness).numpy()
    size = min(THUMBNAIL, height), min(THUMBNAIL, width)
    blocks = adaptive_avg_pool2d(inputs.mean(dim=1, keepdim=True), size)[:, 0]
    for row in range(size[0]):
        for column in range(size[1]):
            yield f"block {row + 1},{column + 1}", blocks[:, row, [column]].numpy()


def _columns(inputs: Tensor, dataset: Dataset) -> Iterator[Part]:
    """Yield the columns of each feature, by the name that the data give it."""
    places = dict(dataset.features)
    places |= {name: one.columns for name, one in dataset.attributes.items() if one.columns}
    named = {column for columns in places.values() for column in columns}
    for name, columns in places.items():
        yield name, inputs[:, list(columns)].numpy()
    for column in range(inputs.shape[1]):
        if column not in named:
            yield f"input {column + 1}", inputs[:, [column]].numpy()


def _projections(inputs: Tensor) -> Iterator[Part]:
    """Yield mean and spread of a sample's values, and random projections of them.

    Source: Johnson & Lindenstrauss 1984: distances are kept to within a few per cent.
    """
    yield "mean", inputs.mean(dim=1, keepdim=True).numpy()
    yield "spread", inputs.std(dim=1, keepdim=True).numpy()
    # A fixed seed: the projection is part of the test, not of the run's randomness.
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(inputs.shape[1], COMPONENTS, generator=generator)
    projected = inputs @ (directions / inputs.shape[1] ** 0.5)
    for column in range(COMPONENTS):
        yield f"projection {column + 1}", projected[:, [column]].numpy()
