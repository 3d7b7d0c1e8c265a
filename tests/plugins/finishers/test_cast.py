"""Weights in half precision."""

from typing import ClassVar

import torch

from safecompress_core.testing import FinisherConformance
from safecompress_plugins.finishers.cast import Cast
from safecompress_plugins.finishers.manifest import DEFINITIONS, CastParams

CAST = next(definition for definition in DEFINITIONS if definition.name == "cast")


class TestCast(FinisherConformance):
    definition = CAST


class TestCastToBfloat16(FinisherConformance):
    definition = CAST
    params: ClassVar = {"dtype": "bfloat16"}


def test_weights_are_rounded_as_torch_rounds_them() -> None:
    """To the nearest float16, and within its range."""
    [context, *_] = TestCast().contexts()
    context.weights["0.weight"][0, 0] = 1e6

    codes = Cast(CastParams()).finish(context).codes

    rounded = codes["0.weight"].weight()
    assert rounded[0, 0] == torch.finfo(torch.float16).max
    assert torch.equal(rounded[1:], context.weights["0.weight"][1:].half().float())


def test_the_error_is_what_half_precision_has() -> None:
    """At most half a unit in the last place: 2⁻¹¹ of float16, 2⁻⁸ of bfloat16."""
    [context, *_] = TestCast().contexts()

    half, brain = (
        Cast(CastParams(dtype=dtype)).finish(context).facts["error"]
        for dtype in ("float16", "bfloat16")
    )

    assert 0 < half < 2**-11
    assert half < brain < 2**-8
