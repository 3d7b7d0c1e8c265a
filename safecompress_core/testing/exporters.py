"""Conformance tests of exporters."""

import ast
from collections.abc import Mapping
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from safecompress_core.api import ExporterDef, ExporterParams
from safecompress_core.saved_models.exporter import Exporter, ExportSource
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["ExporterConformance"]

SIDE, CLASSES, SAMPLES = 8, 4, 50


class ExporterConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestTfLite(ExporterConformance):
            definition = TFLITE

    Attributes:
        definition: the exporter's definition.
        params: what ``--set`` would write for it.
    """

    definition: ClassVar[ExporterDef]
    params: ClassVar[Mapping[str, Any]] = {}

    def exporter(self) -> Exporter:
        """Return a new exporter with the parameters."""
        module, _, name = self.definition.target.partition(":")
        built: Exporter = getattr(import_module(module), name)(self.parameters())
        return built

    def parameters(self) -> ExporterParams:
        """Return the parameters; by default what ``params`` says."""
        parameters: ExporterParams = self.definition.params.model_validate(dict(self.params))  # type: ignore[assignment]
        return parameters

    def source(self, seed: int = 0) -> ExportSource:
        """Return a model to export: by default a small convolutional network of random weights."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = nn.Sequential(
                nn.Conv2d(1, 6, 3, padding=1),
                nn.BatchNorm2d(6),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(6 * (SIDE // 2) ** 2, 12),
                nn.ReLU(),
                nn.Linear(12, CLASSES),
            ).eval()
        return ExportSource(
            network=network,
            module=network,
            factory=None,
            examples=self.samples()[:4],
            calibration=self.samples(),
            classes=tuple(map(str, range(CLASSES))),
        )

    def samples(self) -> Tensor:
        """Return samples of the model."""
        generator = torch.Generator().manual_seed(1)
        return torch.randn(SAMPLES, 1, SIDE, SIDE, generator=generator)

    def written(self, source: ExportSource, folder: Path) -> Path:
        """Write a model into an empty folder."""
        path = folder / self.definition.file if self.definition.file else folder
        self.exporter().write(source, path)
        return path

    def answers(self, network: nn.Module, inputs: Tensor) -> Tensor:
        """Return logits."""
        with torch.no_grad():
            logits: Tensor = network(inputs)
        return logits

    def require_same_answers(self, found: Tensor, wanted: Tensor) -> None:
        """Check answers against the exporter's own limits."""
        params = self.parameters()
        agreement = (found.argmax(dim=1) == wanted.argmax(dim=1)).double().mean()
        assert found.shape == wanted.shape
        assert float(agreement) >= params.agreement
        if params.tolerance is not None:
            assert float((found - wanted).abs().max()) <= params.tolerance

    def test_the_file_answers_as_the_model(self, tmp_path: Path) -> None:
        """For batches of every size, also of one sample."""
        source, samples = self.source(), self.samples()
        loaded = self.exporter().load(self.written(source, tmp_path), source)

        self.require_same_answers(
            self.answers(loaded, samples), self.answers(source.network, samples)
        )
        for count in (1, 3):
            self.require_same_answers(
                self.answers(loaded, samples[:count]), self.answers(source.network, samples)[:count]
            )

    def test_the_file_itself_answers(self, tmp_path: Path) -> None:
        """No weight of the network that was given next to the file has a part in the answer."""
        source, other = self.source(), self.source(seed=1)
        loaded = self.exporter().load(self.written(source, tmp_path), other)

        self.require_same_answers(
            self.answers(loaded, self.samples()), self.answers(source.network, self.samples())
        )

    def test_it_writes_what_its_definition_names(self, tmp_path: Path) -> None:
        """One file of that name and nothing else, or a folder that is not empty."""
        self.written(self.source(), tmp_path)
        names = [path.name for path in tmp_path.iterdir()]

        assert names
        assert not self.definition.file or names == [self.definition.file]

    def test_the_network_stays_as_it_was(self, tmp_path: Path) -> None:
        """Weights, mode and answers: it is compared with the file afterwards."""
        source = self.source()
        before, state = self.answers(source.network, self.samples()), source.network.state_dict()
        copied = {name: tensor.clone() for name, tensor in state.items()}
        self.written(source, tmp_path)

        assert not source.network.training
        assert all(torch.equal(tensor, copied[name]) for name, tensor in state.items())
        assert torch.equal(self.answers(source.network, self.samples()), before)

    def test_what_asks_the_file_can_be_copied(self, tmp_path: Path) -> None:
        """Observations of a model hold a copy of it."""
        source = self.source()
        loaded = self.exporter().load(self.written(source, tmp_path), source)
        wanted = self.answers(loaded, self.samples())

        assert torch.equal(self.answers(deepcopy(loaded), self.samples()), wanted)

    def test_its_usage_is_python_that_makes_logits(self) -> None:
        """The model card shows it; it starts from ``inputs`` and ends with ``logits``."""
        if not self.definition.usage:
            return
        nodes = ast.walk(ast.parse(self.definition.usage))
        names = {(node.id, type(node.ctx)) for node in nodes if isinstance(node, ast.Name)}

        assert {("inputs", ast.Load), ("logits", ast.Store)} <= names
