"""The conformance of exporters: what is right passes, and each mistake is found by one check."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.api import ExporterDef, ExporterParams
from safecompress_core.saved_models.exporter import Exporter, ExportSource
from safecompress_core.testing import ExporterConformance


class Sound(Exporter):
    """A state dict in torch's own format."""

    def __init__(self, params: ExporterParams) -> None:
        """Accept no parameters."""

    def write(self, source: ExportSource, path: Path) -> None:
        torch.save(source.module.state_dict(), path)

    def load(self, path: Path, source: ExportSource) -> nn.Module:
        network = deepcopy(source.module)
        network.load_state_dict(torch.load(path, weights_only=True))
        return network


class FromMemory(Sound):
    def load(self, path: Path, source: ExportSource) -> nn.Module:
        return source.network


class Rounded(Sound):
    def write(self, source: ExportSource, path: Path) -> None:
        state = {name: one.bfloat16().float() for name, one in source.module.state_dict().items()}
        torch.save(state, path)


class Cluttered(Sound):
    def write(self, source: ExportSource, path: Path) -> None:
        super().write(source, path)
        path.with_name("log.txt").write_text("done")


class Training(Sound):
    def write(self, source: ExportSource, path: Path) -> None:
        super().write(source, path)
        source.network.train()


class FixedBatch(Sound):
    def load(self, path: Path, source: ExportSource) -> nn.Module:
        network = super().load(path, source)

        class Four(nn.Module):
            def forward(self, inputs: Tensor) -> Tensor:
                answers: Tensor = network(inputs)
                return answers if len(inputs) > 1 else answers[:0]

        return Four()


class Uncopied(Sound):
    def load(self, path: Path, source: ExportSource) -> nn.Module:
        network = super().load(path, source)

        class Once(nn.Module):
            def __deepcopy__(self, _: object) -> nn.Module:
                return nn.Sequential(network, nn.Softmax(dim=1))

            def forward(self, inputs: Tensor) -> Tensor:
                answers: Tensor = network(inputs)
                return answers

        return Once()


def kit(target: type[Exporter], usage: str = "logits = inputs") -> ExporterConformance:
    """The checks of one exporter."""
    made = ExporterDef(
        name="trial",
        params=ExporterParams,
        target=f"{__name__}:{target.__name__}",
        summary="A trial.",
        file="model.pt",
        runtime="torch",
        usage=usage,
    )

    class Trial(ExporterConformance):
        definition = made

        def exporter(self) -> Exporter:
            return target(self.parameters())

    return Trial()


CHECKS = [
    "test_the_file_answers_as_the_model",
    "test_the_file_itself_answers",
    "test_it_writes_what_its_definition_names",
    "test_the_network_stays_as_it_was",
    "test_what_asks_the_file_can_be_copied",
]


def failures(checks: ExporterConformance, folder: Path) -> list[str]:
    """The checks that fail."""
    failed = []
    for name in CHECKS:
        place = folder / name
        place.mkdir()
        try:
            getattr(checks, name)(place)
        except AssertionError:
            failed.append(name)
    return failed


def test_a_sound_exporter_passes(tmp_path: Path) -> None:
    """Every check."""
    checks = kit(Sound)
    checks.test_its_usage_is_python_that_makes_logits()

    assert failures(checks, tmp_path) == []


@pytest.mark.parametrize(
    ("target", "check"),
    [
        (FromMemory, "test_the_file_itself_answers"),
        (Cluttered, "test_it_writes_what_its_definition_names"),
        (Training, "test_the_network_stays_as_it_was"),
        (Uncopied, "test_what_asks_the_file_can_be_copied"),
    ],
)
def test_each_mistake_is_found(target: type[Exporter], check: str, tmp_path: Path) -> None:
    """By the check that is about it."""
    assert check in failures(kit(target), tmp_path)


@pytest.mark.parametrize("target", [Rounded, FixedBatch])
def test_other_answers_are_found(target: type[Exporter], tmp_path: Path) -> None:
    """Beyond the tolerance, or for a single sample."""
    assert "test_the_file_answers_as_the_model" in failures(kit(target), tmp_path)


def test_usage_that_makes_no_logits_is_found() -> None:
    """The card would end in the middle."""
    with pytest.raises(AssertionError):
        kit(Sound, usage="print(inputs)").test_its_usage_is_python_that_makes_logits()
