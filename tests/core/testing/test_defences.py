"""The kit for defences tells good ones from bad ones."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.api import DefenceDef, DefenceParams
from safecompress_core.networks.output_guard import GuardTrainingData, OutputGuard
from safecompress_core.testing.defences import DefenceConformance
from safecompress_core.training.defence import Batch, Defence, Step


class Params(DefenceParams):
    """Nothing to set."""


class Smoothing(Defence):
    """A good defence, with a parameter and a buffer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.amount = nn.Parameter(torch.tensor(0.1))
        self.register_buffer("offset", torch.tensor(0.0))

    def prepare(self, *, generator: torch.Generator, **task: object) -> None:  # type: ignore[override]
        with torch.no_grad():
            self.amount.uniform_(0.1, 0.2, generator=generator)

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        return loss - self.amount * step.logits.log_softmax(dim=1).mean()


class MeanOfNothing(Defence):
    def loss(self, step: Step, loss: Tensor) -> Tensor:
        wrong = step.logits.argmax(dim=1) != step.batch.labels
        return loss - step.losses[wrong].mean()


class LosesBatchesOfOne(Defence):
    def loss(self, step: Step, loss: Tensor) -> Tensor:
        return loss + step.logits.std(dim=0).mean()


class Detached(Defence):
    def loss(self, step: Step, loss: Tensor) -> Tensor:
        return loss * 0


class Unreduced(Defence):
    def loss(self, step: Step, loss: Tensor) -> Tensor:
        return step.losses


class Gambling(Defence):
    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        return replace(batch, inputs=batch.inputs + torch.randn(batch.inputs.shape))


class InPlace(Defence):
    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        batch.inputs.add_(1)
        return batch


class Forgetting(Smoothing):
    """Learns outside its state."""

    def prepare(self, *, generator: torch.Generator, **task: object) -> None:  # type: ignore[override]
        super().prepare(generator=generator)
        self.hidden_state = float(self.amount.detach())

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        return super().loss(step, loss) + self.hidden_state


class Idle(Smoothing):
    def loss(self, step: Step, loss: Tensor) -> Tensor:
        return loss


class Halved(OutputGuard):
    """A good guard."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("by", torch.tensor(2.0))

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        self.by += torch.rand((), generator=generator)

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return logits / self.by


class OtherLabel(Halved):
    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return -logits


class ByTheBatch(Halved):
    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return logits - logits.mean()


class Talkative(Halved):
    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        self.by += torch.rand(())


class Lonely(Halved):
    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        self.by += training_data.others.std(dim=0).mean()


class Amnesic(Halved):
    def __init__(self) -> None:
        super().__init__()
        self.extra = 0.0

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        self.extra = float(training_data.members.abs().mean())

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return logits / (self.by + self.extra)


def kit(made: type[Defence]) -> DefenceConformance:
    """The checks of one defence."""

    class Checks(DefenceConformance):
        definition = DefenceDef(
            name="example",
            params=Params,
            target=f"{made.__module__}:{made.__qualname__}",
            summary="An example.",
        )

        def defence(self, *, seed: int = 0) -> Defence:
            built = made()
            built.prepare(
                representation=6,
                classes=5,
                attributes={},
                generator=torch.Generator().manual_seed(seed),
            )
            return built

    return Checks()


def behind(guard: type[OutputGuard]) -> type[Defence]:
    """A defence that makes such a guard, and nothing else."""

    class Guarding(Smoothing):
        def make_guard(self, *, classes: int, generator: torch.Generator) -> OutputGuard:
            return guard()

    return Guarding


CHECKS = [name for name in vars(DefenceConformance) if name.startswith("test_")]


@pytest.mark.parametrize("check", CHECKS)
def test_a_good_defence_passes(check: str) -> None:
    """With parameters and a buffer, drawn from the generator."""
    getattr(kit(Smoothing), check)()


@pytest.mark.parametrize("check", [name for name in CHECKS if "guard" in name])
def test_a_good_guard_passes(check: str) -> None:
    """With a buffer that it changes when it learns."""
    getattr(kit(behind(Halved)), check)()


@pytest.mark.parametrize(
    ("guard", "check"),
    [
        (OtherLabel, "test_a_guard_leaves_the_label"),
        (ByTheBatch, "test_a_guard_answers_a_query_alike_whatever_is_asked_beside_it"),
        (Talkative, "test_a_guard_learns_by_its_generator_alone"),
        (Lonely, "test_a_guard_bears_having_nobody_to_compare_with"),
        (Amnesic, "test_a_guard_is_made_again_from_its_file"),
    ],
)
@pytest.mark.filterwarnings("ignore:std\\(\\).*degrees of freedom:UserWarning")
def test_a_bad_guard_fails(guard: type[OutputGuard], check: str) -> None:
    """Likewise."""
    with pytest.raises(AssertionError):
        getattr(kit(behind(guard)), check)()


@pytest.mark.parametrize(
    ("defence", "check", "message"),
    [
        (MeanOfNothing, "test_it_bears_a_batch_that_is_all_correct", "the loss is nan"),
        (LosesBatchesOfOne, "test_it_bears_a_batch_of_one", "the loss is nan"),
        (Detached, "test_loss_and_gradients_are_numbers", "no gradient arrives"),
        (Unreduced, "test_loss_and_gradients_are_numbers", "must be a scalar"),
        (Idle, "test_loss_and_gradients_are_numbers", "does not learn"),
        (Gambling, "test_same_generators_same_result", "torch's global state"),
        (InPlace, "test_it_leaves_the_batch_it_is_given_alone", None),
        (Forgetting, "test_its_state_can_be_saved_and_loaded", None),
    ],
)
@pytest.mark.filterwarnings("ignore:std\\(\\).*degrees of freedom:UserWarning")
def test_a_bad_defence_fails(defence: type[Defence], check: str, message: str | None) -> None:
    """Each mistake is caught by the check that is made for it."""
    with pytest.raises(AssertionError, match=message):
        getattr(kit(defence), check)()
