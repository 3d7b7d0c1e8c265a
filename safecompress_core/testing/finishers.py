"""Conformance tests of finishers."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from safecompress_core.api import FinisherDef
from safecompress_core.methods.finisher import Finish, FinishContext, Finisher
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.input_rounding import round_inputs
from safecompress_core.networks.layer_shapes import LayerShapes
from safecompress_core.saved_models.storage import load_model, save_model
from safecompress_core.sparse.topology import Topology
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["FinisherConformance"]

DENSITIES = (1.0, 0.2, 0.0)
"""Of the first layer; a layer may have lost all of its weights but one."""


class FinisherConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestTernary(FinisherConformance):
            definition = TERNARY

    Attributes:
        definition: the finisher's definition.
        params: what a spec would write for it.
    """

    definition: ClassVar[FinisherDef]

    def finisher(self) -> Finisher:
        """Return a new finisher with the parameters."""
        module, _, name = self.definition.target.partition(":")
        params = self.definition.params.model_validate(dict(self.params))
        built: Finisher = getattr(import_module(module), name)(params)
        return built

    def contexts(self) -> Iterator[FinishContext]:
        """Yield small networks of several densities, with inputs to calibrate on."""
        for density in DENSITIES:
            generator = torch.Generator().manual_seed(0)
            # An odd number of inputs, so that groups and bytes are not filled.
            first = nn.Linear(21, 16)
            module = nn.Sequential(first, nn.ReLU(), nn.Linear(16, 5)).eval()
            with torch.no_grad():
                for parameter in module.parameters():
                    parameter.normal_(generator=generator)
                mask = torch.rand(first.weight.shape, generator=generator) < density
                mask[0, 0] = True
                first.weight.mul_(mask)
            network = Classifier(module)
            network.topology = Topology({"0.weight": mask, "2.weight": torch.ones(5, 16) > 0})
            yield FinishContext(
                network=network,
                weights={n: w.detach().clone() for n, w in network.sparse_parameters().items()},
                calibration=torch.rand(40, 21, generator=generator),
            )

    def test_it_is_a_finisher(self) -> None:
        """A run asks it for a finish."""
        assert isinstance(self.finisher(), Finisher)

    def test_it_finds_nothing_wrong_with_a_perceptron(self) -> None:
        """Layers that every model has."""
        for context in self.contexts():
            assert list(self.finisher().check(context.network)) == []

    def test_it_changes_nothing_itself(self) -> None:
        """The trained model is audited next to the finished one."""
        for context in self.contexts():
            with torch.no_grad():
                before = context.network(context.calibration)

            self.finisher().finish(context)

            with torch.no_grad():
                assert torch.equal(context.network(context.calibration), before)
            for name, weight in context.network.sparse_parameters().items():
                assert torch.equal(weight, context.weights[name])

    def test_its_codes_fit_the_weights(self) -> None:
        """Of the same shape and dtype, and 0 where a weight is 0."""
        for context in self.contexts():
            for name, code in self.finisher().finish(context).codes.items():
                weight, decoded = context.weights[name], code.weight()
                assert (decoded.shape, decoded.dtype) == (weight.shape, weight.dtype)
                assert not decoded[weight == 0].count_nonzero()
                assert decoded.isfinite().all()

    def test_a_smaller_network_computes_the_same_function(self) -> None:
        """But for the order of sums; and it has fewer parameters."""
        for context in self.contexts():
            finish = self.finisher().finish(context)
            if finish.smaller is None:
                continue
            with torch.no_grad():
                before = context.network(context.calibration)
            weights = sum(tensor.numel() for tensor in context.network.state().values())

            after = self._answers(context.network, finish, context.calibration)

            torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)
            assert sum(t.numel() for t in context.network.state().values()) < weights

    def test_the_same_model_is_finished_in_the_same_way(self) -> None:
        """A run that is resumed finishes its model again."""
        for once, again in zip(self.contexts(), self.contexts(), strict=True):
            first, second = (self.finisher().finish(context) for context in (once, again))

            assert first.inputs == second.inputs
            assert first.codes.keys() == second.codes.keys()
            for name, code in first.codes.items():
                assert torch.equal(code.weight(), second.codes[name].weight())

    def test_its_model_comes_back_from_a_file(self, tmp_path: Path) -> None:
        """What is audited is what ships: the same answers, to the last bit."""
        for index, context in enumerate(self.contexts()):
            finish = self.finisher().finish(context)
            network, topology = context.network, context.network.topology
            assert topology is not None
            wanted = self._answers(network, finish, context.calibration)
            path = tmp_path / f"{index}.safetensors"
            metadata = network.layer_shapes.to_json()
            if metadata:
                topology = Topology({n: w != 0 for n, w in network.sparse_parameters().items()})

            save_model(
                path, network.state(), topology, metadata, codes=finish.codes, inputs=finish.inputs
            )
            stored = load_model(path)

            module = nn.Sequential(nn.Linear(21, 16), nn.ReLU(), nn.Linear(16, 5)).eval()
            LayerShapes.from_json(stored.metadata).apply(module)
            module.load_state_dict(stored.state)
            round_inputs(module, stored.inputs)
            with torch.no_grad():
                assert torch.equal(module(context.calibration), wanted)

    def test_its_facts_are_json(self) -> None:
        """They are written to results.json."""
        for context in self.contexts():
            facts = dict(self.finisher().finish(context).facts)
            assert json.loads(json.dumps(facts, allow_nan=False)) == facts

    @staticmethod
    @torch.no_grad()
    def _answers(network: Classifier, finish: Finish, inputs: Tensor) -> Tensor:
        """Answers of a network after a finish, which it keeps."""
        if finish.smaller is not None:
            shapes, state = finish.smaller.layer_shapes, finish.smaller.state
            network.reduce(shapes, state, sample=inputs[:1])
        weights = network.sparse_parameters()
        for name, code in finish.codes.items():
            weights[name].copy_(code.weight())
        network.round_inputs(finish.inputs)
        answers: Tensor = network(inputs)
        return answers
