"""The spec's model, and what else could be built for the same samples."""

from collections.abc import Callable
from dataclasses import dataclass

from safecompress_core.api import Params
from safecompress_core.network import Classifier
from safecompress_core.spec.components import definition_of

__all__ = ["Architecture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a network is built from.

    Attributes:
        model: parameters of the spec's model.
        build: a fresh network of any model; the same weights at every call.
    """

    model: Params
    build: Callable[[Params], Classifier]

    def narrowed(self, factor: float) -> Params | None:
        """The spec's model with its layers narrower by a factor in (0, 1].

        None where its definition does not say how.
        """
        narrowed = definition_of(self.model).narrowed
        return None if narrowed is None else narrowed(self.model, factor)
