"""Public features: background knowledge of an adversary about a private attribute.

Everyone may know the public features of a sample and its task label. What is neither public nor
the attribute itself is unknown; where the model is asked, 0 stands in its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from safecompress_core.data.dataset import Attribute, Dataset

__all__ = ["AttributeEncoding", "check_public_features", "encoding_of", "public_columns"]

# N samples · D columns of the flat input · P of them public · V attribute values · K their columns


@dataclass(frozen=True, slots=True, eq=False)
class AttributeEncoding:
    """Encoding of an attribute's value in the model's input.

    Attributes:
        columns: where in the flat input, shape (K,), int64.
        codes: what stands there for each value, shape (V, K).
    """

    columns: Tensor
    codes: Tensor

    def __len__(self) -> int:
        """Return the number of values, V."""
        return len(self.codes)

    def write_value(self, inputs: Tensor, value: int) -> Tensor:
        """A copy of inputs (N, ...) that says of every sample that it has this value."""
        # Cloned: flatten returns a view of contiguous inputs.
        flat = inputs.flatten(1).clone()
        flat[:, self.columns] = self.codes[value].to(flat.dtype)
        return flat.reshape(inputs.shape)


def encoding_of(attribute: Attribute) -> AttributeEncoding | None:
    """Return the encoding of an attribute in the model's input, or None."""
    # An attribute that is no input column cannot be varied by asking the model.
    if not attribute.columns or attribute.codes is None:
        return None
    return AttributeEncoding(torch.tensor(attribute.columns), attribute.codes)


def public_columns(dataset: Dataset, attribute: str) -> Tensor:
    """Return the columns of public features in the flat input, shape (P,), int64, rising.

    Columns that hold the attribute itself are never among them, whatever features are declared.
    """
    public = {column for columns in dataset.features.values() for column in columns}
    # A declared feature may overlap the attribute; revealing it would make the attack trivial.
    hidden = set(dataset.attributes[attribute].columns)
    # Sorted, so that the order in the manifest does not change the features.
    return torch.tensor(sorted(public - hidden), dtype=torch.int64)


def check_public_features(dataset: Dataset) -> Iterator[str]:
    """Each way in which features and attributes contradict the samples, as a sentence."""
    width = prod(dataset.inputs.shape[1:])
    # Features and attributes are checked alike, and each error says which one it is.
    held = {f"feature {name!r}": columns for name, columns in dataset.features.items()}
    held |= {f"attribute {name!r}": one.columns for name, one in dataset.attributes.items()}
    for what, columns in held.items():
        outside = [column for column in columns if not 0 <= column < width]
        if outside:
            yield f"{what} is in column {outside[0]}, but the flat input has {width}, from 0"
    for name, attribute in dataset.attributes.items():
        yield from _check_attribute(name, attribute, len(dataset.labels))


def _check_attribute(name: str, attribute: Attribute, count: int) -> Iterator[str]:
    if attribute.numbers is not None:
        if attribute.numbers.shape != (count,):
            shape = tuple(attribute.numbers.shape)
            yield f"attribute {name!r} has numbers of shape {shape} for {count} samples"
        elif not attribute.numbers.isfinite().all():
            yield f"attribute {name!r} has numbers that are not finite"
    if attribute.codes is not None:
        expected = (len(attribute.names), len(attribute.columns))
        if attribute.codes.shape != expected:
            shape = tuple(attribute.codes.shape)
            yield f"attribute {name!r} has codes of shape {shape}, but {expected} are needed"
