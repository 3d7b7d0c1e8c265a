"""Conformance tests of model factories."""

import builtins
import io
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.api import ModelDef
from safecompress_core.networks.classifier import Classifier, ModelFactory
from safecompress_core.specfile.component_files import list_externals
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["ModelConformance"]

CLASSES = 5


class ModelConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestTiny(ModelConformance):
            definition = TINY
            params = {"width": 4}

    Attributes:
        definition: the model's definition.
        params: what a spec would write for it.
        input_shape: shape of one sample, as the factory's ``prepare`` leaves it.
    """

    definition: ClassVar[ModelDef]
    params: ClassVar[Mapping[str, Any]] = {}
    input_shape: ClassVar[tuple[int, ...]] = (3, 32, 32)

    def factory(self) -> ModelFactory:
        """As a run creates it."""
        module, _, name = self.definition.target.partition(":")
        params = self.definition.params.model_validate(dict(self.params))
        built: ModelFactory = getattr(import_module(module), name)(params)
        return built

    def network(self, *, seed: int = 0) -> nn.Module:
        """A fresh network, in eval mode."""
        generator = torch.Generator().manual_seed(seed)
        made = self.factory().build(
            input_shape=self.input_shape, classes=CLASSES, generator=generator
        )
        return made.eval()

    def inputs(self, count: int = 4) -> Tensor:
        """Random samples; override it for samples that are not numbers."""
        generator = torch.Generator().manual_seed(1)
        return torch.rand(count, *self.input_shape, generator=generator)

    def test_the_same_generator_gives_the_same_weights(self) -> None:
        """All chance comes from the generator, and torch's global state stays as it was."""
        # The process's own state is restored, since other tests may depend on it.
        with torch.random.fork_rng():
            torch.manual_seed(1)
            before = torch.get_rng_state()
            first = self.network()
            untouched = torch.equal(before, torch.get_rng_state())
            torch.manual_seed(2)
            other = self.network()

        assert untouched, "the factory draws from torch's global state"
        assert first.state_dict().keys() == other.state_dict().keys()
        assert all(map(torch.equal, first.state_dict().values(), other.state_dict().values()))

    def test_another_generator_gives_other_weights(self) -> None:
        """Draw weights that are not pretrained, at least those of the last layer."""
        first, other = self.network(seed=0), self.network(seed=1)

        # At least one: pretrained weights are the same for all seeds.
        assert not all(map(torch.equal, first.parameters(), other.parameters()))

    def test_it_opens_no_file_that_it_does_not_declare(self) -> None:
        """``reads`` names every file; else an old result would be shown after one has changed."""
        self.network()  # imports open files too; they are done now
        with _record_opened_files() as opened:
            self.network()
        params = self.definition.params.model_validate(dict(self.params))
        declared = {
            file.resolve()
            for external in list_externals(self.definition, params)
            for file in external.files()
        }

        assert opened - declared == set(), "declare these files in a static method 'reads'"

    def test_a_sample_gets_a_logit_a_class(self) -> None:
        """Finite numbers, whatever the size of the batch."""
        network = self.network()
        # One sample too: batch normalisation in training mode would fail.
        for count in (1, 4):
            with torch.no_grad():
                logits = network(self.inputs(count))
            assert logits.shape == (count, CLASSES)
            assert logits.isfinite().all()

    def test_samples_do_not_see_each_other(self) -> None:
        """In eval mode a sample's logits are its own."""
        network, inputs = self.network(), self.inputs()
        with torch.no_grad():
            # One sample alone against the same in a batch of four.
            torch.testing.assert_close(network(inputs)[:1], network(inputs[:1]))

    def test_its_representation_is_found(self) -> None:
        """The input of the linear layer that yields the logits."""
        network = Classifier(self.network(), sample=self.inputs(1)).eval()
        with torch.no_grad():
            logits, representation = network.represent(self.inputs())

        assert representation.shape == (4, network.width)
        torch.testing.assert_close(logits, network.head(representation))

    def test_some_weights_may_be_sparse(self) -> None:
        """And a gradient reaches each of them."""
        network = Classifier(self.network(), sample=self.inputs(1)).eval()
        network(self.inputs()).sum().backward()
        weights = network.sparse_parameters()

        assert weights
        assert all(weight.grad is not None for weight in weights.values())

    def test_its_state_can_be_loaded_into_a_fresh_one(self) -> None:
        """As a model file is."""
        saved, other = self.network(seed=0), self.network(seed=1)
        other.load_state_dict(saved.state_dict())

        with torch.no_grad():
            assert torch.equal(saved(self.inputs()), other(self.inputs()))


@contextmanager
def _record_opened_files() -> Iterator[set[Path]]:
    """The files that are opened for reading, but for those of installed packages and the system."""
    opened: set[Path] = set()
    original = io.open

    def open_and_record(file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        # Reading modes only; integers are file descriptors, which have no path.
        if isinstance(file, str | Path) and not set(mode) & set("wxa"):
            opened.add(Path(file).resolve())
        return original(file, mode, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        # Both names: libraries open files by either.
        patch.setattr(builtins, "open", open_and_record)
        patch.setattr(io, "open", open_and_record)
        yield opened
    system = [Path(path) for path in (sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev")]
    # Packages and system files do not belong to the model.
    opened -= {path for path in opened if any(path.is_relative_to(place) for place in system)}
