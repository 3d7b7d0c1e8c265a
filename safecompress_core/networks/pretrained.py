"""Classifiers of transformers as networks of one tensor: token ids, or images.

- A batch of texts is cut to its longest text, and padding is masked.
- A decoder classifies at the last token of a text, as in transformers.

transformers itself is not imported: the classifiers are given.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

__all__ = [
    "DecoderClassifier",
    "ImageClassifier",
    "TextClassifier",
    "is_pretrained",
    "is_text_model",
    "token_ids",
]

# B samples of a batch · L tokens · H values of a token

OUTSIDE: Final = -1
"""Id of padded positions where no token is padding alone."""


def is_pretrained(model: object) -> bool:
    """Return whether transformers has built a network."""
    packages = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    return isinstance(model, nn.Module) and "transformers" in packages


def is_text_model(model: object) -> bool:
    """Return whether a value is a pair of a network and, as it can only be, its tokenizer."""
    return isinstance(model, tuple) and len(model) == 2 and isinstance(model[0], nn.Module)


def token_ids(
    tokenizer: Any, texts: Sequence[str], *, padding: int = OUTSIDE, max_length: int | None = None
) -> Tensor:
    """Return token ids of texts, shape (N, L), int64.

    Args:
        tokenizer: of transformers.
        texts: N of them.
        padding: id of positions after the end of a text.
        max_length: the most tokens of a text; by default the tokenizer's own limit.
    """
    tokens = tokenizer(list(texts), truncation=True, max_length=max_length)
    rows = [torch.tensor(ids, dtype=torch.int64) for ids in tokens["input_ids"]]
    # Padded here, since the tokenizer may have no padding token.
    return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=padding)


class TextClassifier(nn.Module):
    """A classifier of token ids that builds the attention mask itself.

    Attributes:
        outside: id of padded positions where no token is padding alone.

    Args:
        body: a classifier of transformers.
        padding: id of padded positions, at the end of a text.
    """

    outside: ClassVar[int] = OUTSIDE

    def __init__(self, body: nn.Module, padding: int) -> None:
        super().__init__()
        self.body: Any = body
        self._padding = padding

    @staticmethod
    def around(body: nn.Module, *, padding: int = OUTSIDE) -> "TextClassifier":
        """Return the classifier of an encoder or, where its last layer scores tokens, a decoder."""
        is_decoder = isinstance(getattr(body, "score", None), nn.Linear)
        return (DecoderClassifier if is_decoder else TextClassifier)(body, padding)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits, shape (B, C), from ids (B, L)."""
        mask = self._mask(ids)
        longest = _longest(mask)
        ids, mask = ids[:, :longest], mask[:, :longest]
        # Masked positions may hold -1, which no embedding has.
        return self._logits(ids.clamp(min=0), mask)

    def _mask(self, ids: Tensor) -> Tensor:
        """Return 1 up to the last token of each text, 0 after it; int64, (B, L)."""
        is_token = (ids != self._padding).long()
        # Counted from the end: a padding id inside a text is a token, only trailing ones are
        # padding.
        return (is_token.flip(1).cumsum(1).flip(1) > 0).long()

    def _logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        logits: Tensor = self.body(input_ids=ids, attention_mask=mask).logits
        return logits


class DecoderClassifier(TextClassifier):
    """A decoder whose last layer scores the last token of each text.

    The same logits as transformers', which scores every token and needs the padding token in its
    configuration.
    """

    def _logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        hidden: Tensor = self.body.base_model(input_ids=ids, attention_mask=mask)[0]  # (B, L, H)
        last = (mask.sum(1) - 1).clamp(min=0)[:, None, None].expand(-1, 1, hidden.shape[2])
        logits: Tensor = self.body.score(hidden.gather(1, last).squeeze(1))
        return logits


def _longest(mask: Tensor) -> int:
    """Return the number of tokens of the longest text."""
    # A traced graph serves all batches, so no length of one may be a constant of it.
    if torch.compiler.is_exporting():
        return mask.shape[1]
    try:
        return max(1, int(mask.any(dim=0).sum()))
    except RuntimeError:  # under vmap the mask has no concrete values
        return mask.shape[1]


class ImageClassifier(nn.Module):
    """A classifier of images."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body: Any = body

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, shape (B, C), from images (B, 3, H, W)."""
        logits: Tensor = self.body(pixel_values=images).logits
        return logits
