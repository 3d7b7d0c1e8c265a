"""Conformance tests of attackers that evade, invert or extract.

The kit's model is linear on purpose: which inputs change its answer, and which inputs its gradients
belong to, is known.
"""

from collections.abc import Mapping
from copy import deepcopy
from importlib import import_module
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import Access, AttackerDef, Need
from safecompress_core.attacks.adversary import (
    AdversaryKnowledge,
    InversionTargets,
    PerturbationBudget,
)
from safecompress_core.attacks.observations import Observations, observe
from safecompress_core.networks.classifier import Classifier
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["EvaderConformance", "ExtractorConformance", "InverterConformance"]

# N samples · C classes · D values of an input

CLASSES, SIDE, SAMPLES = 4, 4, 60
LOW, HIGH = torch.zeros(()), torch.ones(())


class _GameConformance(DefinitionConformance):
    """Base of the three kits: an attacker and a small model with samples in [0, 1]."""

    definition: ClassVar[AttackerDef]
    params: ClassVar[Mapping[str, Any]] = {}

    def attacker(self) -> Any:
        """A fresh attacker."""
        module, _, name = self.definition.target.partition(":")
        params = self.definition.params.model_validate(dict(self.params))
        return getattr(import_module(module), name)(params)

    def adversary_knowledge(self, *, seed: int = 0) -> AdversaryKnowledge:
        """Return images (N, 1, 4, 4) that the model classifies correctly, at its access."""
        seen = _observe(seed).restrict(self.definition.access)
        return AdversaryKnowledge(seen=seen, truth=None, values=CLASSES)

    def fit(self, *, seed: int = 0) -> Any:
        """An attacker that holds other samples of the same kind."""
        attacker = self.attacker()
        attacker.fit(
            self.adversary_knowledge(seed=1), generator=torch.Generator().manual_seed(seed)
        )
        return attacker

    def answers(self, attacker: Any, *, seed: int = 0) -> Tensor:
        """Return its answer to a standard query."""
        raise NotImplementedError

    def test_same_seed_same_answers(self) -> None:
        """All chance comes from the generator, whatever state the process is in."""
        with torch.random.fork_rng():
            torch.manual_seed(1)
            before = torch.get_rng_state()
            first = self.answers(self.fit(seed=7), seed=7)
            # Kept in a variable: the state is changed below, before the assertion.
            untouched = torch.equal(before, torch.get_rng_state())
            torch.manual_seed(2)
            second = self.answers(self.fit(seed=7), seed=7)

        assert torch.equal(first, second)
        assert untouched, "the attacker draws from torch's global state"

    def test_adapting_a_copy_leaves_the_original_as_it_was(self) -> None:
        """Candidates are attacked by copies."""
        original = self.fit()
        before = self.answers(original)

        copy = deepcopy(original)
        copy.adapt(self.adversary_knowledge(seed=3), generator=torch.Generator().manual_seed(5))
        # The copy is used as well, since a shared state may change on answering.
        self.answers(copy)

        assert torch.equal(before, self.answers(original))


class EvaderConformance(_GameConformance):
    """Subclass it for an ``Evader``; ``params`` have to give an ``epsilon``.

    Attributes:
        definition: the attacker's definition.
        params: what a spec would write for it.
    """

    norm: ClassVar[Literal["linf", "l2"]] = "linf"

    def budget(self, epsilon: float) -> PerturbationBudget:
        """Within [0, 1]."""
        return PerturbationBudget(norm=self.norm, epsilon=epsilon, low=LOW, high=HIGH)

    def answers(self, attacker: Any, *, seed: int = 0) -> Tensor:
        """Samples moved by at most 0.3, or 1 in length."""
        knowledge = self.adversary_knowledge(seed=2)
        budget = self.budget(0.3 if self.norm == "linf" else 1.0)
        generator = torch.Generator().manual_seed(seed)
        moved: Tensor = attacker.perturb(knowledge, budget, generator=generator)
        budget.check(moved, knowledge.seen.inputs)
        return moved

    def test_it_misleads_a_model_that_is_easily_misled(self) -> None:
        """A change as large as the inputs' range leaves few answers right."""
        # As large as the range: every input in [0, 1] is within reach.
        knowledge, budget = (
            self.adversary_knowledge(seed=2),
            self.budget(1.0 if self.norm == "linf" else SIDE),
        )
        moved = self.fit().perturb(knowledge, budget, generator=torch.Generator())

        budget.check(moved, knowledge.seen.inputs)
        assert float((knowledge.seen.predict(moved) == knowledge.seen.labels).double().mean()) < 0.2

    def test_it_does_nothing_where_nothing_may_be_done(self) -> None:
        """The null control: with a ball of no size, samples stay where they are."""
        # Not 0, which a spec refuses; in float32 no label changes by this little.
        knowledge, budget = self.adversary_knowledge(seed=2), self.budget(1e-7)
        moved = self.fit().perturb(knowledge, budget, generator=torch.Generator())

        budget.check(moved, knowledge.seen.inputs)
        assert float((knowledge.seen.predict(moved) == knowledge.seen.labels).double().mean()) == 1

    def test_one_sample_is_enough(self) -> None:
        """It can be moved alone."""
        knowledge = self.adversary_knowledge(seed=2).take(torch.tensor([0]))
        moved = self.fit().perturb(knowledge, self.budget(0.3), generator=torch.Generator())

        assert moved.shape == knowledge.seen.inputs.shape


class InverterConformance(_GameConformance):
    """Subclass it for an ``Inverter``.

    Attributes:
        definition: the attacker's definition.
        params: what a spec would write for it.
    """

    def targets(self) -> InversionTargets:
        """All classes, or the gradients of five samples."""
        if Need.GRADIENTS not in self.definition.needs:
            return InversionTargets(classes=torch.arange(CLASSES), gradients=(), low=LOW, high=HIGH)
        seen = _observe(2)
        # As the game computes them: in float64, so that gradients invert precisely.
        network = seen.network().double()
        named = dict(network.module.named_parameters())
        gradients = []
        for sample, label in zip(seen.inputs[:5].double(), seen.labels[:5], strict=True):
            loss = F.cross_entropy(network(sample[None]), label[None])
            parts = torch.autograd.grad(loss, list(named.values()))
            gradients.append(dict(zip(named, parts, strict=True)))
        return InversionTargets(
            classes=torch.zeros(0, dtype=torch.int64),
            gradients=tuple(gradients),
            low=LOW,
            high=HIGH,
        )

    def answers(self, attacker: Any, *, seed: int = 0) -> Tensor:
        """Reconstructions of the right shape, finite and within the range."""
        targets, generator = self.targets(), torch.Generator().manual_seed(seed)
        inputs_found: Tensor = attacker.reconstruct(
            self.adversary_knowledge(seed=1), targets, generator=generator
        )
        assert tuple(inputs_found.shape) == (len(targets), 1, SIDE, SIDE)
        assert inputs_found.isfinite().all(), "a reconstruction is not a finite number"
        assert ((inputs_found >= LOW) & (inputs_found <= HIGH)).all(), (
            "a reconstruction leaves the range"
        )
        return inputs_found

    def test_it_finds_what_the_model_leaks(self) -> None:
        """Samples come back from their gradients; a class comes back as what is taken for it."""
        reconstructions = self.answers(self.fit())
        if Need.GRADIENTS in self.definition.needs:
            # Visually equal in [0, 1]; optimisation does not end at 0.
            apart = (reconstructions - _observe(2).inputs[: len(reconstructions)]).abs().amax()
            assert float(apart) < 0.05
        else:
            taken_for = _observe(0).predict(reconstructions)
            assert torch.equal(taken_for, torch.arange(CLASSES))


class ExtractorConformance(_GameConformance):
    """Subclass it for an ``Extractor``.

    Attributes:
        definition: the attacker's definition.
        params: what a spec would write for it.
    """

    def answers(self, attacker: Any, *, seed: int = 0) -> Tensor:
        """A label for each sample."""
        inputs = _observe(2).inputs
        labels: Tensor = attacker.answer(inputs)
        assert tuple(labels.shape) == (len(inputs),)
        assert labels.dtype == torch.int64
        return labels

    def test_it_sees_no_more_than_answers(self) -> None:
        """Require black-box access: an owner of the parameters has nothing to extract."""
        assert Access.BLACK_BOX.covers(self.definition.access)

    def test_its_clone_answers_as_a_simple_model_does(self) -> None:
        """The model is linear, and its answers are clear."""
        agreement = self.answers(self.fit()) == _observe(2).predictions

        assert float(agreement.double().mean()) > 0.8


def _observe(seed: int) -> Observations:
    """A linear model of 16 pixels: each class has its own, brighter row."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(SAMPLES) % CLASSES
    inputs = 0.3 * torch.rand(SAMPLES, 1, SIDE, SIDE, generator=generator)
    # The row that has the label's number is brighter, which the head's weights read.
    inputs[torch.arange(SAMPLES), 0, labels] += 0.5
    head: nn.Linear = nn.utils.skip_init(nn.Linear, SIDE * SIDE, CLASSES)
    with torch.no_grad():
        nn.init.zeros_(head.bias)
        # One block of pixels for each class: its own row.
        head.weight.copy_(4 * torch.eye(CLASSES).repeat_interleave(SIDE, dim=1))
    return observe(Classifier(nn.Sequential(nn.Flatten(), head)), inputs, labels)
