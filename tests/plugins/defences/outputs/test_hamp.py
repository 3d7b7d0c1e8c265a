"""HAMP: labels held against scipy's entropy, and answers that tell the ranks of labels alone."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import entropy
from torch import nn, tensor

from safecompress_core.toolkit import (
    Batch,
    Classifier,
    DefenceContext,
    GuardTrainingData,
    Schedule,
    Step,
)
from safecompress_core.training.precision import Precision
from safecompress_plugins.defences.manifest import HampParams
from safecompress_plugins.defences.outputs.hamp import Hamp, RandomValues, largest_share


def hamp(classes: int, **params: float) -> Hamp:
    """The defence for so many classes."""
    defence = Hamp(HampParams(**params))
    defence.prepare(representation=3, classes=classes, attributes={}, generator=torch.Generator())
    return defence


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_labels_have_the_entropy_that_was_asked_for(classes: int, share: float) -> None:
    """As a share of log C; and no larger share of the label's own class would have it."""

    def reached(p: float) -> float:
        others = np.full(classes - 1, (1 - p) / (classes - 1))
        return float(entropy([p, *others])) / math.log(classes)

    p = largest_share(share, classes)

    assert 1 / classes < p < 1
    assert reached(p) == pytest.approx(share, abs=1e-9)
    assert reached(p + 1e-4) < share


def test_the_labels_class_stays_the_likeliest() -> None:
    """Others have what is left, all alike; targets of another defence are evened out as much."""
    batch = Batch(inputs=torch.zeros(2, 3), labels=tensor([1, 0]), attributes={})
    defence = hamp(3, entropy=0.8)
    p = largest_share(0.8, 3)

    hard = defence.transform(batch, generator=torch.Generator()).targets
    mixed = defence.transform(
        Batch(
            inputs=batch.inputs,
            labels=batch.labels,
            attributes={},
            targets=tensor([[0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]),
        ),
        generator=torch.Generator(),
    ).targets

    low = (1 - p) / 2
    torch.testing.assert_close(hard, tensor([[low, p, low], [p, low, low]]))
    torch.testing.assert_close(mixed, tensor([[(p + low) / 2, (p + low) / 2, low], [p, low, low]]))


def test_unsure_answers_are_rewarded(make_step: Callable[..., Step]) -> None:
    """Entropies of (1/2, 1/2) and (1/4, 3/4), averaged, times the weight."""
    step = make_step(tensor([[0.0, 0.0], [0.0, math.log(3)]]), tensor([0, 0]))

    loss = hamp(2, weight=0.4).loss(step, tensor(1.0))

    mean = (entropy([0.5, 0.5]) + entropy([0.25, 0.75])) / 2
    assert float(loss) == pytest.approx(1 - 0.4 * mean)


def values(count: int) -> RandomValues:
    """Has learned so many answers about random inputs."""
    guard = RandomValues(count, 4, torch.Generator().manual_seed(1))
    training_data = GuardTrainingData(
        members=torch.zeros(0, 4),
        others=torch.zeros(0, 4),
        at_random=lambda many, drawn: 2 * torch.randn(many, 4, generator=drawn),
    )
    guard.learn(training_data, generator=torch.Generator().manual_seed(2))
    return guard


def test_an_answer_has_the_values_of_another_and_the_ranks_of_its_own() -> None:
    """A hand-worked case with one answer to choose from."""
    guard = values(1)
    about_noise = guard.values[0].softmax(dim=0)
    assert torch.equal(about_noise.sort(descending=True).values, about_noise)

    answered = guard(
        tensor([[0.1, 30.0, -5.0, 2.0], [7.0, 0.0, 8.0, 6.0]]), tensor([1, 2])
    ).softmax(dim=1)

    ranks = tensor([[2, 0, 3, 1], [1, 3, 0, 2]])
    torch.testing.assert_close(answered, about_noise[ranks])


def test_values_are_those_of_answers_about_random_inputs() -> None:
    """In descending order, but for a grain; queries whose answers are alike meet all of them."""
    guard = values(8)
    drawn = 2 * torch.randn(8, 4, generator=torch.Generator().manual_seed(2))
    ranked = drawn.softmax(dim=1).sort(dim=1, descending=True).values

    alike = tensor([3.0, 1.0, 2.0, 0.0]).expand(400, 4)
    answered = guard(alike, torch.arange(400)).softmax(dim=1)

    torch.testing.assert_close(guard.values.softmax(dim=1), ranked, atol=1e-3, rtol=0)
    met = answered.sort(dim=1, descending=True).values
    nearest = torch.cdist(met, ranked).min(dim=1)
    assert bool((nearest.values < 1e-3).all())
    assert set(nearest.indices.tolist()) == set(range(8))


def test_labels_stay_where_answers_about_noise_are_all_alike() -> None:
    """A network that says nothing of noise, or a guard that has not learned yet."""
    guard = RandomValues(3, 4, torch.Generator().manual_seed(1))
    asked = torch.randn(50, 4, generator=torch.Generator().manual_seed(3))

    answered = guard(asked, torch.arange(50))

    assert torch.equal(answered.argmax(dim=1), asked.argmax(dim=1))


def test_without_answers_nothing_guards_them() -> None:
    """Words cannot be drawn between two numbers, so there it has to be 0."""
    assert Hamp(HampParams(answers=0)).make_guard(classes=4, generator=torch.Generator()) is None
    words, numbers = (
        DefenceContext(
            network=Classifier(nn.Linear(2, 2)),
            schedule=Schedule(members=10, steps=1, epochs=1),
            precision=Precision(),
            others={},
            are_numbers=are_numbers,
        )
        for are_numbers in (False, True)
    )

    assert [problem.path for problem in Hamp(HampParams()).check(words)] == [("answers",)]
    assert not list(Hamp(HampParams()).check(numbers))
    assert not list(Hamp(HampParams(answers=0)).check(words))
