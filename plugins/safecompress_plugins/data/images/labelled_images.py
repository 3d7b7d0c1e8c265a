"""Labelled encoded images, and the data set made of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from safecompress_core.toolkit import Attribute, Dataset, Inputs
from safecompress_plugins.data.arrays.array_encoder import ImageEncoder
from safecompress_plugins.data.images.images import (
    ByteImages,
    Encoded,
    bounds_of,
    fit_images,
    store_images,
)
from safecompress_plugins.data.images.manifest import ImageParams
from safecompress_plugins.data.samples import is_member_of, sample_rows
from safecompress_plugins.data.tables.columns import RawColumn

__all__ = ["LabelledImages", "image_dataset"]


@dataclass(frozen=True)
class LabelledImages:
    """Images with their labels and metadata.

    Attributes:
        images: encoded, or pixels of shape (N, C, H, W), uint8.
        labels: shape (N,), int64.
        classes: the name of each label.
        attributes: private attributes.
        is_member: membership, if known.
        groups: group of each image, if known.
        notes: a sentence for each conversion.
    """

    images: Sequence[Encoded] | Tensor
    labels: Tensor
    classes: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    is_member: Tensor | None = None
    groups: Tensor | None = None
    notes: tuple[str, ...] = ()

    def with_labels(self) -> "LabelledImages":
        """Drop the images whose label is -1, the code of a missing label."""
        there = (self.labels >= 0).nonzero()[:, 0]
        count = len(self.labels)
        if len(there) == count:
            return self
        note = f"{count - len(there)} of {count} images are left out: no label"
        return replace(self.take(there), notes=(*self.notes, note))

    def on_sides(self, column: RawColumn | None) -> "LabelledImages":
        """Add membership from a column, if there is one."""
        if column is None:
            return self
        return replace(self, is_member=is_member_of(column, ("members",)))

    def take(self, rows: Tensor) -> "LabelledImages":
        """Select rows, in this order."""
        images = self.images
        return LabelledImages(
            images[rows] if isinstance(images, Tensor) else [images[row] for row in rows.tolist()],
            self.labels[rows],
            self.classes,
            {
                name: Attribute(
                    attribute.values[rows],
                    attribute.names,
                    numbers=None if attribute.numbers is None else attribute.numbers[rows],
                )
                for name, attribute in self.attributes.items()
            },
            None if self.is_member is None else self.is_member[rows],
            None if self.groups is None else self.groups[rows],
        )


def image_dataset(
    images: LabelledImages,
    params: ImageParams,
    *,
    notes: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> Dataset:
    """Build a data set of images of one size, sampled as the parameters say.

    Raises:
        DataError: if sizes differ, or there are fewer samples than requested.
    """
    # Sampled before decoding: images that are not used are never opened.
    rows = sample_rows(images.labels.numpy(), images.is_member, params)
    count = len(images.labels)
    said = list(notes)
    if len(rows) < count:
        images = images.take(torch.from_numpy(rows))
        said.append(f"{len(rows)} of {count} images are used, stratified by label")
    inputs: Inputs
    if isinstance(images.images, Tensor):
        inputs = fit_images(images.images, params)
    else:
        inputs, changes = store_images(images.images, params)
        said += changes
    said.append(_describe_sample(inputs, params))
    return Dataset(
        inputs=inputs,
        labels=images.labels,
        classes=images.classes,
        attributes=images.attributes,
        is_member=images.is_member,
        groups=images.groups,
        bounds=bounds_of(params.normalisation),
        encoder=ImageEncoder.of(params, inputs.shape[1:]),
        notes=tuple(said),
        warnings=tuple(warnings),
    )


def _describe_sample(inputs: Inputs, params: ImageParams) -> str:
    channels, height, width = inputs.shape[1:]
    place = "in memory" if isinstance(inputs, ByteImages) else "on disk, decoded batch by batch"
    mean, std = (
        ", ".join(f"{number:g}" for number in of)
        for of in (params.normalisation.mean, params.normalisation.std)
    )
    return (
        f"images: {channels} x {height} x {width}, {place}; pixels in [0, 1], less {mean}, "
        f"divided by {std}"
    )
