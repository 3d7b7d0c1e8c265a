"""Names and parameters of the built-in architectures."""

from typing import Annotated

from pydantic import Field

from safecompress_core.api import ModelDef, Params

__all__ = ["DEFINITIONS", "MlpParams"]


class MlpParams(Params):
    """A multilayer perceptron over flattened inputs."""

    hidden: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)] = [256, 128]
    """Width of each hidden layer; the last one is the representation."""


DEFINITIONS = (
    ModelDef(
        name="mlp",
        params=MlpParams,
        target="safecompress_plugins.models.mlp:Mlp",
        summary="Multilayer perceptron with ReLU between its layers.",
        cites="Rumelhart, Hinton & Williams 1986, Nature 323",
    ),
)
