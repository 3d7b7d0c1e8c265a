"""Conformance tests of defences."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import DefenceDef, Need
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.output_guard import GuardTrainingData, OutputGuard
from safecompress_core.seeding import global_random_state
from safecompress_core.testing.manifest import DefinitionConformance
from safecompress_core.training.defence import Batch, Defence, DefenceInputs, Schedule, Step

__all__ = ["DefenceConformance"]

CLASSES, HIDDEN = 5, 6
EPOCHS = (0, 1)  # some defences take turns
SCHEDULE = Schedule(members=320, steps=10, epochs=3)


class DefenceConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestSmoothing(DefenceConformance):
            definition = SMOOTHING
            params = {"amount": 0.1}

    Attributes:
        definition: the defence's definition.
        params: what a spec would write for it.
        input_shape: shape of one sample.
        attributes: private attributes of the samples, and how many values each has.
    """

    definition: ClassVar[DefenceDef]
    params: ClassVar[Mapping[str, Any]] = {}
    input_shape: ClassVar[tuple[int, ...]] = (1, 8, 8)
    attributes: ClassVar[Mapping[str, int]] = {"group": 3}

    def defence(self, *, seed: int = 0) -> Defence:
        """A fresh defence, prepared for the kit's model."""
        module, _, name = self.definition.target.partition(":")
        # Validated as a spec's parameters are, so that defaults are filled in.
        built: Defence = getattr(import_module(module), name)(
            self.definition.params.model_validate(dict(self.params))
        )
        built.prepare(
            representation=HIDDEN,
            classes=CLASSES,
            attributes=self.attributes,
            generator=torch.Generator().manual_seed(seed),
        )
        built.guard = built.make_guard(
            classes=CLASSES, generator=torch.Generator().manual_seed(seed)
        )
        built.equip(
            DefenceInputs(
                schedule=SCHEDULE,
                # Images in [0, 1], as ``batch`` makes them.
                bounds=(torch.zeros(()), torch.ones(())),
                reference=self.reference()
                if Need.REFERENCE_DATA in self.definition.needs
                else None,
                # In eval mode, as a trained model is given to a defence.
                teacher=self.network().eval()
                if Need.UNCOMPRESSED in self.definition.needs
                else None,
                held_out=self.held_out_posteriors() if self.definition.held_out else None,
            )
        )
        return built

    def reference(self) -> Batch:
        """Samples that are no members."""
        # Without rows: reference samples have no position among the members.
        return replace(self.batch(40), rows=None)

    def held_out_posteriors(self) -> Tensor:
        """Posteriors for all members, always the same."""
        generator = torch.Generator().manual_seed(20)
        # Posteriors, so each row sums to 1 as real held-out answers do.
        return torch.randn(SCHEDULE.members, CLASSES, generator=generator).softmax(dim=1)

    def network(self) -> Classifier:
        """A small model, always the same."""
        generator = torch.Generator().manual_seed(18)
        widths = (torch.Size(self.input_shape).numel(), HIDDEN, CLASSES)
        network = Classifier(
            nn.Sequential(
                nn.Flatten(),
                nn.Linear(widths[0], widths[1]),
                nn.Tanh(),
                nn.Linear(widths[1], widths[2]),
            )
        )
        with torch.no_grad():
            for parameter in network.parameters():
                # Smaller than 1, so that Tanh is not saturated and every gradient is measurable.
                parameter.normal_(std=0.3, generator=generator)
        return network

    def batch(self, size: int = 32) -> Batch:
        """Random samples with random labels and attributes, always the same."""
        generator = torch.Generator().manual_seed(19)
        return Batch(
            inputs=torch.rand(size, *self.input_shape, generator=generator),
            labels=torch.randint(CLASSES, (size,), generator=generator),
            attributes={
                name: torch.randint(values, (size,), generator=generator)
                for name, values in self.attributes.items()
            },
            rows=torch.arange(size),
        )

    def step(
        self, defence: Defence, network: Classifier, batch: Batch, *, epoch: int, seed: int = 0
    ) -> Step:
        """A training step up to the forward pass, as the trainer makes it."""
        generator = torch.Generator().manual_seed(seed)
        # The trainer's order: transform, then challenge, then the forward pass.
        seen = defence.transform(batch.repeated(defence.views), generator=generator)
        seen = defence.challenge(seen, network, generator=generator)
        # dropout and its like draw from the global state, which the trainer lends
        with global_random_state(torch.Generator().manual_seed(seed)), defence.inside(network):
            logits, representation = network.represent(seen.inputs)
        targets = seen.labels if seen.targets is None else seen.targets
        return Step(
            batch=seen,
            logits=logits,
            representation=representation,
            losses=F.cross_entropy(logits, targets, reduction="none"),
            epoch=epoch,
            weights=network.sparse_parameters(),
            network=network,
        )

    def loss(
        self, defence: Defence, network: Classifier, batch: Batch, *, epoch: int, seed: int = 0
    ) -> Tensor:
        """The loss of one training step, as the trainer computes it."""
        step = self.step(defence, network, batch, epoch=epoch, seed=seed)
        # Before the loss: an opponent learns from the same forward pass.
        defence.oppose(step, generator=torch.Generator().manual_seed(seed))
        return defence.loss(step, step.losses.mean())

    def gradients(self, batch: Batch) -> list[Tensor]:
        """Return the gradients after one step of a fresh model and defence."""
        network, defence = self.network(), self.defence()
        step = self.step(defence, network, batch, epoch=0)
        defence.oppose(step, generator=torch.Generator().manual_seed(0))
        defence.loss(step, step.losses.mean()).backward()
        # After backward, since it changes gradients.
        defence.adjust(step, generator=torch.Generator().manual_seed(0))
        gradients = [parameter.grad for parameter in network.parameters()]
        return [gradient for gradient in gradients if gradient is not None]

    def check(self, batch: Batch) -> None:
        """Loss and gradients are finite, and the model learns something."""
        # A fresh network for each epoch: gradients would add up otherwise.
        for epoch in EPOCHS:
            network, defence = self.network(), self.defence()
            loss = self.loss(defence, network, batch, epoch=epoch)
            assert loss.ndim == 0, f"the loss has shape {tuple(loss.shape)}; it must be a scalar"
            assert loss.isfinite(), f"the loss is {loss.item()} in epoch {epoch}"
            loss.backward()
            gradients = [parameter.grad for parameter in network.parameters()]
            assert all(g is not None and g.isfinite().all() for g in gradients)
            # At least one: dead layers may have a gradient of 0.
            assert any(g is not None and g.any() for g in gradients), "no gradient arrives"
            trained = [parameter for parameter in defence.parameters() if parameter.requires_grad]
            # An opponent trains in ``oppose``, whose gradients must arrive as well.
            opponent_gradients = [parameter.grad for parameter in trained]
            assert all(g is not None and g.isfinite().all() for g in opponent_gradients), (
                "a parameter of the defence does not learn"
            )

    def test_loss_and_gradients_are_numbers(self) -> None:
        """An ordinary batch trains the model and the defence's own parameters."""
        self.check(self.batch())

    def test_it_bears_a_batch_of_one(self) -> None:
        """An epoch's last batch may hold a single sample."""
        self.check(self.batch(1))

    def test_it_bears_a_batch_that_is_all_correct(self) -> None:
        """Nothing misclassified is no reason for a NaN."""
        batch = self.batch()
        labels = self.network()(batch.inputs).argmax(dim=1)

        self.check(replace(batch, labels=labels))

    def test_same_generators_same_result(self) -> None:
        """All chance comes from the generators, whatever state the process is in."""
        outcomes: list[Tensor] = []
        for state in (1, 2):
            # The process's own state is restored, since other tests may depend on it.
            with torch.random.fork_rng():
                torch.manual_seed(state)
                defence, network = self.defence(), self.network()
                before = torch.get_rng_state()
                outcomes.append(
                    torch.stack(
                        # Both epochs, since alternating defences draw in one of them only.
                        [self.loss(defence, network, self.batch(), epoch=e) for e in EPOCHS]
                    )
                )
                untouched = torch.equal(before, torch.get_rng_state())
            assert untouched, "the defence draws from torch's global state"

        assert torch.equal(*outcomes)

    def test_it_leaves_the_batch_it_is_given_alone(self) -> None:
        """The trainer's samples are shared; a transformed batch is a new one of the same shape."""
        batch = self.batch()
        original = deepcopy(batch)
        seen = self.defence().transform(batch, generator=torch.Generator().manual_seed(0))

        assert torch.equal(batch.inputs, original.inputs)
        assert torch.equal(batch.labels, original.labels)
        assert seen.inputs.shape == original.inputs.shape
        assert seen.inputs.isfinite().all()
        assert len(seen.labels) == len(original.labels)
        assert seen.attributes.keys() == original.attributes.keys()

    def test_it_can_be_copied_with_what_it_has_learned(self) -> None:
        """Each candidate of a round goes on with a copy of its own."""
        defence, network, batch = self.defence(), self.network(), self.batch()
        self.loss(defence, network, batch, epoch=0).backward()
        copy = deepcopy(defence)
        # Zeroed in place: a copy that shares tensors changes its answers.
        with torch.no_grad():
            for parameter in defence.parameters():
                parameter.zero_()
        fresh = self.defence()
        self.loss(fresh, network, batch, epoch=0)  # an opponent has learned from this step

        assert torch.equal(
            self.loss(copy, network, batch, epoch=1), self.loss(fresh, network, batch, epoch=1)
        )

    def test_its_state_can_be_saved_and_loaded(self) -> None:
        """A resumed run goes on with the same defence."""
        network, batch = self.network(), self.batch()
        saved, other = self.defence(seed=0), self.defence(seed=1)
        # Another seed: equal losses then come from the loaded state alone.
        other.load_state_dict(saved.state_dict())

        for epoch in EPOCHS:
            assert torch.equal(
                self.loss(saved, network, batch, epoch=epoch),
                self.loss(other, network, batch, epoch=epoch),
            )

    def test_an_opponent_leaves_the_model_alone(self) -> None:
        """It trains on what the model answers; weights, gradients and mode of the model stay."""
        network, batch, defence = self.network(), self.batch(), self.defence()
        before = deepcopy(network.state_dict())
        step = self.step(defence, network, batch, epoch=0)
        defence.oppose(step, generator=torch.Generator().manual_seed(0))

        assert all(torch.equal(before[name], now) for name, now in network.state_dict().items())
        assert all(parameter.grad is None for parameter in network.parameters())
        assert all(module.training for module in network.modules())
        step.losses.mean().backward()  # the step's own graph is still there

    def test_what_it_puts_around_a_forward_pass_is_gone_afterwards(self) -> None:
        """Remove all hooks afterwards: the shipped model answers as if untouched."""
        network, batch, defence = self.network(), self.batch(), self.defence()
        self.loss(defence, network, batch, epoch=0)
        defence.review(network, epoch=0)

        # Compared with an untouched network: hooks that are left behind change the logits.
        assert torch.equal(network(batch.inputs), self.network()(batch.inputs))
        assert all(module.training for module in network.modules())
        assert network.state_dict().keys() == self.network().state_dict().keys()

    def test_gradients_that_it_changes_are_numbers(self) -> None:
        """For a whole batch and for one sample, and the same for the same generators."""
        for size in (1, 32):
            first, again = (self.gradients(self.batch(size)) for _ in range(2))
            assert all(gradient.isfinite().all() for gradient in first)
            assert all(map(torch.equal, first, again))

    def test_what_it_says_of_itself_can_be_written_down(self) -> None:
        """Facts are JSON, with a sentence for people; before and after some training."""
        network, defence = self.network(), self.defence()
        for epoch in EPOCHS:
            facts = defence.facts()
            assert facts == json.loads(json.dumps(facts, allow_nan=False))
            # The report adds the full stop.
            assert not facts or not facts["text"].endswith(".")
            step = self.step(defence, network, self.batch(), epoch=epoch)
            step.losses.mean().backward()
            defence.adjust(step, generator=torch.Generator().manual_seed(epoch))
            defence.review(network, epoch=epoch)

    def test_a_sample_that_counts_by_itself_changes_nothing_of_others(self) -> None:
        """With another sample in its place, the gradient of every other one's logits is the same.

        Only for a defence that says so (``is_per_sample``); it also has nothing that learns.
        """
        defence = self.defence()
        if not defence.is_per_sample:
            return
        batch, gradients = self.batch(), []
        other = replace(
            batch,
            inputs=torch.cat([1 - batch.inputs[:1], batch.inputs[1:]]),
            labels=torch.cat([(batch.labels[:1] + 1) % CLASSES, batch.labels[1:]]),
        )
        for samples in (batch, other):
            step = self.step(self.defence(), self.network(), samples, epoch=0)
            loss = self.defence().loss(step, step.losses.mean())
            gradients.append(torch.autograd.grad(loss, step.logits)[0])

        # The changed sample must have an effect, or the check would pass for a constant loss.
        assert not torch.equal(gradients[0][0], gradients[1][0])
        torch.testing.assert_close(gradients[0][1:], gradients[1][1:])
        assert not list(defence.parameters())

    def guard(self, *, seed: int = 0) -> OutputGuard | None:
        """A fresh one for the answers; None where the defence makes none."""
        return self.defence().make_guard(
            classes=CLASSES, generator=torch.Generator().manual_seed(seed)
        )

    def answers(self, count: int, *, seed: int = 21) -> Tensor:
        """Logits of some samples."""
        generator = torch.Generator().manual_seed(seed)
        # Scaled, so that some answers are near certain.
        return 4 * torch.randn(count, CLASSES, generator=generator)

    def trained_guard(self, *, seed: int = 0, others: int = 40) -> OutputGuard | None:
        """The guard after it was shown answers, those about members being surer."""
        guard = self.guard(seed=seed)
        if guard is not None:
            reads = guard.reads_samples
            training_data = GuardTrainingData(
                members=self.answers(40 if reads else 0),
                # Less certain than members, which is the leak that a guard hides.
                others=0.3 * self.answers(others if reads else 0, seed=22),
                at_random=lambda count, drawn: torch.randn(count, CLASSES, generator=drawn),
            )
            guard.learn(training_data, generator=torch.Generator().manual_seed(seed))
        return guard

    def test_a_guard_leaves_the_label(self) -> None:
        """Also of answers that are certain or all alike; and with one to ask about, or none."""
        guard = self.trained_guard()
        if guard is None:
            return
        # Ties of all classes, and a probability that rounds to 1.
        odd = torch.stack([torch.zeros(CLASSES), 60 * torch.eye(CLASSES)[2]])
        for asked in (self.answers(50), odd, odd[:1], odd[:0]):
            answered = guard(asked, queries(len(asked)))
            assert answered.shape == asked.shape
            assert answered.isfinite().all()
            assert torch.equal(answered.argmax(dim=1), asked.argmax(dim=1))

    def test_a_guard_answers_a_query_alike_whatever_is_asked_beside_it(self) -> None:
        """Asking again averages nothing out; what it is given stays as it is."""
        guard, asked = self.trained_guard(), self.answers(20)
        if guard is None:
            return
        asked_before, asking = asked.clone(), queries(20)
        whole = guard(asked, asking)
        parts = zip(asked.split(7), asking.split(7), strict=True)

        assert torch.equal(asked, asked_before)
        # In uneven parts: an answer must not depend on its batch.
        torch.testing.assert_close(torch.cat([guard(*part) for part in parts]), whole)

    def test_a_guard_learns_by_its_generator_alone(self) -> None:
        """Without gradients left behind, and without the global state of chance."""
        answers: list[Tensor] = []
        for state in (1, 2):
            with torch.random.fork_rng():
                torch.manual_seed(state)
                before = torch.get_rng_state()
                guard = self.trained_guard()
                if guard is None:
                    return
                answers.append(guard(self.answers(20), queries(20)))
                assert torch.equal(before, torch.get_rng_state())
            # A shipped guard is not trained any more; gradients would cost memory.
            assert not any(parameter.requires_grad for parameter in guard.parameters())

        assert torch.equal(*answers)

    def test_a_guard_bears_having_nobody_to_compare_with(self) -> None:
        """A spec may set no reference samples aside."""
        guard = self.trained_guard(others=0)

        assert guard is None or guard(self.answers(5), queries(5)).isfinite().all()

    def test_a_guard_is_made_again_from_its_file(self) -> None:
        """Rebuild the guard from its state alone; it answers the same."""
        guard, other = self.trained_guard(seed=0), self.guard(seed=1)
        if guard is None or other is None:
            return
        other.load_state_dict(guard.state_dict())

        asked = self.answers(20), queries(20)
        assert torch.equal(other(*asked), guard(*asked))

    def test_it_trains_by_itself_only_what_is_its_own(self) -> None:
        """All parameters of an optimizer of its own are parameters of the defence."""
        defence = self.defence()
        parameters = {id(parameter) for parameter in defence.parameters()}
        groups = defence.own_optimizer.param_groups if defence.own_optimizer else []

        assert all(id(parameter) in parameters for group in groups for parameter in group["params"])


def queries(count: int) -> Tensor:
    """Numbers of so many inputs."""
    generator = torch.Generator().manual_seed(23)
    # Any int64 but the extremes: the numbers are hashes of inputs.
    return torch.randint(-(2**62), 2**62, (count,), generator=generator)
