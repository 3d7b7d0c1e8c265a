"""MemGuard of Jia et al. 2019: noise on answers, found against an attacker of one's own."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, softmax
from sklearn.neural_network import MLPClassifier
from torch import Tensor, nn

from safecompress_core.toolkit import Classifier, DefenceContext, GuardTrainingData, Schedule
from safecompress_core.training.precision import Precision
from safecompress_plugins.defences.manifest import MemguardParams
from safecompress_plugins.defences.outputs.memguard import AnswerNoise, Memguard, NoiseSearch
from safecompress_plugins.defences.training.dmp import Dmp
from safecompress_plugins.defences.training.manifest import DmpParams

CLASSES = 4


def drawn(count: int, scale: float, *, seed: int) -> Tensor:
    """Logits (N, C); the larger the scale, the surer."""
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(count, CLASSES, generator=generator)


MEMBERS, OTHERS = drawn(150, 5.0, seed=1), drawn(150, 1.5, seed=2)
ASKED = torch.cat([drawn(100, 5.0, seed=3), drawn(100, 1.5, seed=4)])


def lesson() -> GuardTrainingData:
    """What there is to learn from."""
    return GuardTrainingData(
        members=MEMBERS, others=OTHERS, at_random=lambda *_: torch.zeros(0, CLASSES)
    )


def untrained(**params: Any) -> AnswerNoise:
    """A small one."""
    return AnswerNoise(
        MemguardParams.model_validate({"hidden": [32, 16], **params}),
        classes=CLASSES,
        generator=torch.Generator().manual_seed(5),
    )


@pytest.fixture(scope="module")
def learned() -> AnswerNoise:
    """Has learned to tell sure answers from others, and may say anything."""
    made = untrained(budget=2.0)
    made.learn(lesson(), generator=torch.Generator().manual_seed(6))
    return made


def queries(count: int) -> Tensor:
    """Numbers of so many inputs."""
    return torch.randint(2**62, (count,), generator=torch.Generator().manual_seed(10))


def distances(one: AnswerNoise, logits: Tensor) -> Tensor:
    """L1 distance of each answer to what the model would have said."""
    answered = one(logits, queries(len(logits)))
    return (answered.softmax(dim=1) - logits.softmax(dim=1)).abs().sum(dim=1)


def sureness(one: AnswerNoise, logits: Tensor) -> Tensor:
    """How far the defender's attacker is from a coin flip, by scipy."""
    odds = one.classifier(logits.softmax(dim=1))[:, 0].double().numpy()
    return torch.as_tensor(np.abs(expit(odds) - 0.5))


def linear(weights: list[float], bias: float) -> nn.Sequential:
    """An attacker that is a weighted sum of posteriors."""
    layer = nn.Linear(len(weights), 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([weights]))
        layer.bias.fill_(bias)
    return nn.Sequential(layer)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_attacker_learns_who_is_a_member(learned: AnswerNoise) -> None:
    """As well as such a network of scikit-learn's, and it is frozen afterwards."""
    known, asked = (
        one.softmax(dim=1).sort(dim=1, descending=True).values.numpy()
        for one in (torch.cat([MEMBERS, OTHERS]), ASKED)
    )
    peer = MLPClassifier((32, 16), batch_size=64, max_iter=100, n_iter_no_change=100)
    peer.set_params(random_state=0).fit(known, np.arange(300) < 150)
    truth = np.arange(200) < 100

    says = learned.classifier(ASKED.softmax(dim=1))[:, 0] > 0

    right = float((says.numpy() == truth).mean())
    assert right > 0.7
    assert right > peer.score(asked, truth) - 0.03
    assert not any(one.requires_grad for one in learned.parameters())


def test_the_noise_of_a_hand_worked_case() -> None:
    """Two classes and h(s) = s₁ − 0.7: from p = 0.9 the nearest answer beyond is p = 0.7.

    Each step of 0.1 along the unit vector (−1, 1)/√2 lowers z₁ − z₂ by 0.1·√2. From ln 9 ≈ 2.197
    it must be at most ln(7/3) ≈ 0.847, so 10 steps: p = 1 / (1 + exp(−(2.197 − 1.414))) = 0.6863.
    """
    logits = torch.tensor([[2.1972246, 0.0]])
    search = NoiseSearch(linear([1.0, 0.0], -0.7), steps=300, step_size=0.1)

    noise = search.noise(logits)

    torch.testing.assert_close(noise, torch.tensor([[-0.70711, 0.70711]]), atol=1e-4, rtol=0)
    assert (logits + noise).softmax(dim=1)[0, 0] == pytest.approx(0.6863, abs=1e-4)


def test_a_label_that_would_have_to_change_is_left_without_noise() -> None:
    """h(s) = s₁ − 0.3 is crossed only where the other class is the likelier."""
    search = NoiseSearch(linear([1.0, 0.0], -0.3), steps=300, step_size=0.1)

    assert not search.noise(torch.tensor([[2.1972246, 0.0]])).any()


def test_noise_is_found_as_a_loop_over_samples_finds_it(learned: AnswerNoise) -> None:
    """Algorithm 1 written out for one sample at a time, with slopes by finite differences."""
    layers = [one for one in learned.classifier.modules() if isinstance(one, nn.Linear)]
    weights = [(one.weight.double().numpy(), one.bias.double().numpy()) for one in layers]

    def odds(posteriors: Any) -> float:
        values = np.sort(posteriors)[::-1]
        for index, (matrix, bias) in enumerate(weights):
            values = matrix @ values + bias
            if index < len(weights) - 1:
                values = np.maximum(values, 0)
        return float(values[0])

    def by_hand(z: Any) -> Any:
        label, found, size = int(z.argmax()), np.zeros_like(z), 0.1
        side = np.sign(odds(softmax(z)))
        others = [index for index in range(len(z)) if index != label]

        def loss(e: Any) -> float:
            over = max(0.0, -(z[label] + e[label]) + max(z[others] + e[others]))
            moved = np.abs(softmax(z) - softmax(z + e)).sum()
            return abs(odds(softmax(z + e))) + 10 * over + size * float(moved)

        while size <= 1e5:
            e = np.zeros_like(z)
            for _ in range(30):
                is_done = odds(softmax(z + e)) * side <= 0 and int((z + e).argmax()) == label
                if is_done:
                    break
                units = 1e-6 * np.eye(len(z))
                slope = np.array([(loss(e + u) - loss(e - u)) / 2e-6 for u in units])
                e = e - 0.1 * slope / np.linalg.norm(slope)
            else:
                return found
            found, size = e, size * 10
        return found

    some = ASKED[::20]
    search = NoiseSearch(learned.classifier, steps=30, step_size=0.1)
    wanted = np.stack([by_hand(one) for one in some.double().numpy()])
    found = search.noise(some)

    # A kink may be met on another side by rounding: nearly all, and none by more than a step.
    apart = torch.linalg.vector_norm(found - torch.as_tensor(wanted).float(), dim=1)
    assert (apart < 1e-3).sum() >= 8
    assert (found.abs().sum(dim=1) > 0).sum() >= 5


def test_labels_stay_and_the_attacker_is_no_surer(learned: AnswerNoise) -> None:
    """Whatever the answer; and it falls to a coin flip for most of them."""
    answered = learned(ASKED, queries(len(ASKED)))
    before, after = sureness(learned, ASKED), sureness(learned, answered)

    assert torch.equal(answered.argmax(dim=1), ASKED.argmax(dim=1))
    assert bool((after <= before + 1e-6).all())
    assert float(after.mean()) < 0.3 * float(before.mean())


@pytest.mark.slow
@pytest.mark.parametrize("budget", [0.0, 0.1, 0.3])
def test_answers_are_as_far_off_on_average_as_the_budget_allows(
    learned: AnswerNoise, budget: float
) -> None:
    """A coin decides; each of 2,000 different answers has its own."""
    many = drawn(2000, 4.0, seed=7)
    free = distances(learned, many)
    small = untrained(budget=budget)
    small.load_state_dict(learned.state_dict())

    found = distances(small, many)

    is_noisy = found > 0
    torch.testing.assert_close(found[is_noisy], free[is_noisy])
    expected = free.clamp_max(budget).mean()
    assert float(found.mean()) == pytest.approx(float(expected), rel=0.1, abs=1e-9)
    assert float(found.mean()) <= budget + 0.02


def test_answers_that_are_alike_have_coins_of_their_own(learned: AnswerNoise) -> None:
    """Members' answers may be; a coin that they share would tell who they are."""
    alike = MEMBERS[MEMBERS.softmax(dim=1).amax(dim=1).argmax()].expand(2000, CLASSES)
    free = float(distances(learned, alike[:1]))
    small = untrained(budget=free / 4)
    small.load_state_dict(learned.state_dict())

    share = float((distances(small, alike) > 0).float().mean())

    assert free > 0
    assert share == pytest.approx(0.25, abs=0.04)


def test_nearly_certain_answers_have_no_noise_and_no_error(learned: AnswerNoise) -> None:
    """Their slopes are tiny, and what is asked of the steps is too far."""
    certain = 200 * torch.eye(CLASSES)

    answered = learned(certain, queries(CLASSES))

    assert torch.equal(answered, certain)


def test_it_stands_beside_no_defence_that_trains_on_reference_samples() -> None:
    """They would be no example of non-members."""
    context = DefenceContext(
        network=Classifier(nn.Linear(2, 2)),
        schedule=Schedule(members=10, steps=1, epochs=1),
        precision=Precision(),
        others={"dmp": Dmp(DmpParams())},
    )

    found = list(Memguard(MemguardParams()).check(context))

    assert [problem.message for problem in found] == [
        "'dmp' trains on the reference samples, which memguard takes for non-members"
    ]
    assert not list(Memguard(MemguardParams()).check(replace(context, others={})))


@settings(max_examples=50)
@given(st.lists(st.floats(-30, 30, width=32), min_size=CLASSES, max_size=CLASSES))
def test_any_logits_have_an_answer_with_the_same_label(values: list[float]) -> None:
    """Also where all are alike, or one is certain."""
    logits = torch.tensor([values])

    answered = untrained(steps=20)(logits, queries(1))

    assert bool(answered.isfinite().all())
    assert answered.argmax() == logits.argmax()


def test_facts_tell_how_many_answers_are_changed() -> None:
    """After it has learned, of the reference samples."""
    defence = Memguard(MemguardParams(hidden=[8], epochs=20))
    made = defence.make_guard(classes=CLASSES, generator=torch.Generator().manual_seed(5))
    defence.guard = made
    assert not defence.facts()

    made.learn(lesson(), generator=torch.Generator().manual_seed(6))

    assert isinstance(made, AnswerNoise)
    moved, facts = distances(made, OTHERS), defence.facts()
    assert facts["noisy"] == pytest.approx(float((moved > 0).float().mean()))
    assert facts["distance"] == pytest.approx(float(moved.mean()))
    assert facts["text"].startswith(f"{facts['noisy']:.0%} of outputs carry noise")
