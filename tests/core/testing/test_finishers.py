"""The conformance of finishers: what is right passes, and each mistake is found by one check."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.api import FinisherDef, Params
from safecompress_core.errors import SafeCompressError
from safecompress_core.methods.finisher import Finish, FinishContext, Finisher
from safecompress_core.networks.input_rounding import InputRange
from safecompress_core.sparse.weight_codes import Rounded
from safecompress_core.testing import FinisherConformance


class Sound(Finisher):
    """Half precision, and rounded inputs."""

    def __init__(self, params: Params) -> None:
        """Accept no parameters."""

    def finish(self, context: FinishContext) -> Finish:
        return Finish(
            codes={name: Rounded(codes=w.half()) for name, w in context.weights.items()},
            inputs={"0": InputRange(scale=0.01, zero_point=0)},
            facts=self.facts(),
        )

    def facts(self) -> dict[str, Any]:
        return {"bits": 16}


class InPlace(Sound):
    @torch.no_grad()
    def finish(self, context: FinishContext) -> Finish:
        for weight in context.network.sparse_parameters().values():
            weight.copy_(weight.half().float())
        return super().finish(context)


class Shifted(Sound):
    def finish(self, context: FinishContext) -> Finish:
        codes = {name: Rounded(codes=(w + 1).half()) for name, w in context.weights.items()}
        return Finish(codes=codes)


class Drawn(Sound):
    def finish(self, context: FinishContext) -> Finish:
        noise = 1 + torch.rand(())
        codes = {name: Rounded(codes=(w * noise).half()) for name, w in context.weights.items()}
        return Finish(codes=codes)


class Boundless(Sound):
    def facts(self) -> dict[str, Any]:
        return {"error": float("nan")}


class Inexact(Sound):
    """A scale that no float32 holds: the model of the file rounds otherwise."""

    def finish(self, context: FinishContext) -> Finish:
        return Finish(inputs={"0": InputRange(scale=1e-60, zero_point=0)})


def checks_that_fail(implementation: type[Finisher], folder: Path) -> set[str]:
    """Return the names of the checks that a finisher does not pass."""

    class Conformance(FinisherConformance):
        definition = FinisherDef(
            name="trial",
            params=Params,
            target=f"{__name__}:{implementation.__name__}",
            summary="A trial.",
        )

    failing = set()
    for name, check in vars(FinisherConformance).items():
        if name.startswith("test_"):
            given = [folder] if "tmp_path" in inspect.signature(check).parameters else []
            try:
                getattr(Conformance(), name)(*given)
            # A file that contradicts itself, or facts that are no JSON, raise errors of their own.
            except (AssertionError, ValueError, SafeCompressError):
                failing.add(name)
    return failing


def test_a_sound_finisher_passes_every_check(tmp_path: Path) -> None:
    """Of weights and inputs."""
    assert checks_that_fail(Sound, tmp_path) == set()


@pytest.mark.parametrize(
    ("implementation", "check"),
    [
        (InPlace, "test_it_changes_nothing_itself"),
        (Shifted, "test_its_codes_fit_the_weights"),
        (Drawn, "test_the_same_model_is_finished_in_the_same_way"),
        (Boundless, "test_its_facts_are_json"),
        (Inexact, "test_its_model_comes_back_from_a_file"),
    ],
)
def test_a_mistake_is_found_by_the_check_of_its_name(
    implementation: type[Finisher], check: str, tmp_path: Path
) -> None:
    """The name says what to correct."""
    assert check in checks_that_fail(implementation, tmp_path)
