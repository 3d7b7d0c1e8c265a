"""The spec's model, and what else could be built for the same samples."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from safecompress_core.api import Params
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.layer_shapes import ARCHITECTURE_SHAPES, LayerShapes
from safecompress_core.specfile.models.components import definition_of

__all__ = ["Architecture", "Build"]


class Build(Protocol):
    """Makes a fresh network of any model; the same weights at every call."""

    def __call__(
        self, model: Params, layer_shapes: LayerShapes = ARCHITECTURE_SHAPES
    ) -> Classifier:
        """A network of a model, whose layers may have other shapes; those are 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Architecture of a network: its definition, parameters and layer shapes.

    Attributes:
        model: parameters of the spec's model.
        build: a fresh network of any model; the same weights at every call.
        sample: an input that it takes, shape (1, ...).
    """

    model: Params
    build: Build
    sample: Tensor

    def build_with_shapes(self, layer_shapes: LayerShapes) -> Classifier:
        """A network of the spec's model with layers of other shapes, which are 0.

        Raises:
            SafeCompressError: if the model cannot have these shapes.
        """
        return self.build(self.model, layer_shapes)

    def narrow(self, factor: float) -> Params | None:
        """The spec's model with its layers narrower by a factor in (0, 1].

        None where its definition does not say how.
        """
        narrowed = definition_of(self.model).narrowed
        return None if narrowed is None else narrowed(self.model, factor)
