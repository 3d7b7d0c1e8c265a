"""Name and parameters of the model that core ships: a network of Python code."""

from safecompress_core.api import ModelDef, Params

__all__ = ["DEFINITIONS", "InMemoryModelParams"]


class InMemoryModelParams(Params):
    """A network that Python code has given; known by its layers and first weights."""

    fingerprint: str
    """SHA-256 of a network that was drawn with the seed 0."""


DEFINITIONS = (
    ModelDef(
        name="in-memory",
        params=InMemoryModelParams,
        target="safecompress_core.networks.in_memory:InMemoryModel",
        summary="A network that a call from Python was given: a module, or a function.",
    ),
)
