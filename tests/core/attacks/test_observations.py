"""Observations: made once, of one model, readable as far as access goes."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.attacks.observations import Observations, last_layer_gradients, observe
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import AccessError, PoolError, TrainingDivergedError
from safecompress_core.games.controls.threshold_attacks import threshold_attacks
from safecompress_core.networks.classifier import Classifier

Build = Callable[[], Classifier]

NEEDED = {
    "predictions": Access.LABEL_ONLY,
    "posteriors": Access.BLACK_BOX,
    "logits": Access.BLACK_BOX,
    "losses": Access.BLACK_BOX,
    "inputs": Access.LABEL_ONLY,
    "hidden": Access.WHITE_BOX,
    "last_layer_gradients": Access.WHITE_BOX,
    "parameters": Access.WHITE_BOX,
}


def train_a_step(network: Classifier, data: Dataset) -> None:
    """One large step, so that everything changes."""
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    nn.functional.cross_entropy(network(data.inputs), data.labels).backward()
    optimizer.step()


def gradients_by_backward(network: Classifier, inputs: Tensor, labels: Tensor) -> Tensor:
    """The slow reference: one backward pass a sample."""
    rows = []
    for sample, label in zip(inputs, labels, strict=True):
        loss = nn.functional.cross_entropy(network(sample[None]), label[None])
        rows.append(torch.autograd.grad(loss, network.head.weight)[0])
    return torch.stack(rows)


@pytest.fixture
def seen(classifier: Build, all_digits: Dataset) -> Observations:
    """Fifty all_digits, observed with white-box access."""
    return observe(classifier(), all_digits.inputs[:50], all_digits.labels[:50], batch_size=16)


@pytest.mark.parametrize("access", Access)
@pytest.mark.parametrize("what", NEEDED)
def test_an_observation_is_there_to_read_only_with_its_access(
    seen: Observations, what: str, access: Access
) -> None:
    """Whoever declared too little gets an error that names what it read and what that needs."""
    view = seen.restrict(access)

    if access.covers(NEEDED[what]):
        assert len(getattr(view, what)) > 0
    else:
        with pytest.raises(AccessError, match=f"'{what}' needs {NEEDED[what]} access.*{access}"):
            getattr(view, what)


def test_querying_needs_gray_box_access(seen: Observations) -> None:
    """Black-box attackers see answers to given samples, not to samples of their choosing."""
    with pytest.raises(AccessError, match="'query' needs gray-box access"):
        seen.restrict(Access.BLACK_BOX).query(torch.zeros(1, 64))

    answers = seen.restrict(Access.GRAY_BOX).query(seen.inputs)
    torch.testing.assert_close(answers, seen.posteriors)


def test_labels_of_chosen_inputs_need_label_only_access(
    seen: Observations, classifier: Build
) -> None:
    """The weakest adversary may ask as well; what it is told is a label."""
    blind = seen.restrict(Access.LABEL_ONLY)
    chosen = 1 - blind.inputs
    with torch.no_grad():
        expected = classifier().eval()(chosen).argmax(dim=1)

    assert torch.equal(blind.predict(blind.inputs), seen.predictions)
    assert torch.equal(blind.predict(chosen), expected)


def test_a_restricted_view_cannot_be_widened(seen: Observations) -> None:
    """An attacker cannot take back what its access left out."""
    with pytest.raises(AccessError, match="needs white-box access"):
        seen.restrict(Access.LABEL_ONLY).restrict(Access.WHITE_BOX)


def test_any_access_sees_labels_and_the_number_of_classes(
    seen: Observations, all_digits: Dataset
) -> None:
    """Labels are the adversary's own knowledge."""
    view = seen.restrict(Access.LABEL_ONLY)

    assert torch.equal(view.labels, all_digits.labels[:50])
    assert (len(view), view.classes) == (50, 10)


def test_closed_form_gradients_equal_one_backward_pass_a_sample(
    classifier: Build, all_digits: Dataset
) -> None:
    """To 1e-9 in double precision, on real all_digits."""
    network = classifier().double().eval()
    inputs, labels = all_digits.inputs[:40].double(), all_digits.labels[:40]
    logits, hidden = network.represent(inputs)

    closed = last_layer_gradients(logits.softmax(1).detach(), hidden.detach(), labels)

    expected = gradients_by_backward(network, inputs, labels)
    torch.testing.assert_close(closed, expected, rtol=0, atol=1e-9)


def test_gradients_are_those_of_the_observed_model_however_late_they_are_read(
    classifier: Build, all_digits: Dataset
) -> None:
    """Training goes on between observing and reading; stale or newer gradients would both lie."""
    network = classifier()
    inputs, labels = all_digits.inputs[:40], all_digits.labels[:40]
    before = observe(network, inputs, labels)
    expected_before = gradients_by_backward(network.eval(), inputs, labels)

    train_a_step(network, all_digits)
    after = observe(network, inputs, labels)
    expected_after = gradients_by_backward(network, inputs, labels)

    torch.testing.assert_close(before.last_layer_gradients, expected_before, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(after.last_layer_gradients, expected_after, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(expected_before, expected_after, atol=1e-3)


def test_queries_and_parameters_are_of_the_model_as_it_was_observed(
    classifier: Build, all_digits: Dataset
) -> None:
    """A snapshot: training on changes neither its answers nor its weights."""
    network = classifier()
    seen = observe(network, all_digits.inputs[:40], all_digits.labels[:40])
    weight = network.head.weight.detach().clone()

    train_a_step(network, all_digits)

    torch.testing.assert_close(seen.query(all_digits.inputs[:40]), seen.posteriors)
    assert torch.equal(seen.parameters["3.weight"], weight)
    assert not torch.equal(network.head.weight, weight)


def test_attacks_cause_no_forward_pass_beyond_the_one_that_observed(
    classifier: Build, all_digits: Dataset
) -> None:
    """The papers' code runs the target again in every epoch of an attack."""
    network = classifier()
    passes: list[int] = []
    network.register_forward_hook(lambda module, args, output: passes.append(len(output)))

    seen = observe(network, all_digits.inputs[:100], all_digits.labels[:100], batch_size=30)
    for _ in range(5):
        threshold_attacks(seen)
        view = seen.restrict(Access.WHITE_BOX)
        _ = view.predictions, view.posteriors, view.losses, view.last_layer_gradients, view.hidden

    assert passes == [30, 30, 30, 10]
    assert seen.last_layer_gradients is seen.restrict(Access.WHITE_BOX).last_layer_gradients


def test_the_network_is_observed_in_eval_mode_and_left_in_its_own(
    classifier: Build, all_digits: Dataset
) -> None:
    """Dropout is off while observing; a part that was frozen in eval mode stays frozen."""
    network = classifier()
    frozen = network.module[0]
    frozen.eval()

    first = observe(network, all_digits.inputs[:40], all_digits.labels[:40])
    again = observe(network, all_digits.inputs[:40], all_digits.labels[:40], batch_size=7)

    torch.testing.assert_close(first.logits, again.logits)
    assert network.training
    assert network.module[2].training
    assert not frozen.training
    assert not first.logits.requires_grad


def test_confident_samples_keep_different_losses(all_digits: Dataset) -> None:
    """In single precision all of these would tie at a loss of 0."""
    identity = nn.Linear(3, 3, bias=False)
    nn.init.eye_(identity.weight)
    logits = torch.tensor([[20.0, 0, 0], [25.0, 0, 0], [30.0, 0, 0]])

    seen = observe(Classifier(identity), logits, torch.zeros(3, dtype=torch.int64))

    expected = torch.log1p(2 * torch.exp(-torch.tensor([20.0, 25, 30], dtype=torch.float64)))
    torch.testing.assert_close(seen.losses, expected.float(), rtol=1e-5, atol=0)
    assert seen.losses.unique().numel() == 3


def test_taking_samples_gives_their_observations_in_that_order(seen: Observations) -> None:
    """Nothing is run again, and access stays as it is."""
    positions = torch.tensor([7, 3, 7])

    taken = seen.restrict(Access.BLACK_BOX).take(positions)

    assert taken.access is Access.BLACK_BOX
    assert torch.equal(taken.posteriors, seen.posteriors[positions])
    assert torch.equal(taken.labels, seen.labels[positions])
    full = seen.take(seen.labels == 3).last_layer_gradients
    assert torch.equal(full, seen.last_layer_gradients[seen.labels == 3])


def test_a_network_without_finite_logits_cannot_be_observed(
    classifier: Build, all_digits: Dataset
) -> None:
    """NaN would otherwise look like a score."""
    network = classifier()
    with torch.no_grad():
        network.head.bias.fill_(torch.nan)

    with pytest.raises(TrainingDivergedError, match="not finite for 20 of 20 samples"):
        observe(network, all_digits.inputs[:20], all_digits.labels[:20])


def test_labels_that_the_network_does_not_know_are_an_error(
    classifier: Build, all_digits: Dataset
) -> None:
    """The message names the label and the classes."""
    with pytest.raises(PoolError, match=r"label 10 is outside \[0, 10\)"):
        observe(classifier(), all_digits.inputs[:2], torch.tensor([3, 10]))
    with pytest.raises(PoolError, match="3 inputs but 2 labels"):
        observe(classifier(), all_digits.inputs[:3], torch.tensor([3, 1]))


def test_who_knows_some_columns_sees_the_others_as_0(
    classifier: Build, all_digits: Dataset
) -> None:
    """Also of some samples and with less access; what the model makes of them is as it was."""
    images = all_digits.inputs[:5].reshape(5, 1, 8, 8)
    flat = Classifier(nn.Sequential(nn.Flatten(), classifier().module))
    seen = observe(flat, images, all_digits.labels[:5])
    columns = torch.tensor([3, 20, 63])

    shown = seen.with_visible_columns(columns).restrict(Access.GRAY_BOX).take(torch.tensor([4, 0]))

    assert shown.inputs.shape == (2, 1, 8, 8)
    assert torch.equal(shown.inputs.flatten(1)[:, columns], all_digits.inputs[[4, 0]][:, columns])
    others = torch.ones(64, dtype=torch.bool).index_fill(0, columns, value=False)
    assert not shown.inputs.flatten(1)[:, others].any()
    assert torch.equal(shown.logits, seen.logits[[4, 0]])
    assert torch.equal(seen.inputs, images)


def test_large_samples_are_observed_few_at_a_time(
    classifier: Build, all_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as hold so many numbers; what is seen is the same but for rounding."""
    network = classifier()
    whole = observe(network, all_digits.inputs, all_digits.labels)
    sizes: list[int] = []
    network.register_forward_pre_hook(lambda _, inputs: sizes.append(len(inputs[0])))
    numbers = all_digits.inputs[:1].numel()  # type: ignore[index]
    monkeypatch.setattr("safecompress_core.attacks.observations.CHUNK", 150 * numbers + 1)

    parts = observe(network, all_digits.inputs, all_digits.labels)

    assert set(sizes[:-1]) == {150}
    assert sum(sizes) == len(all_digits)
    torch.testing.assert_close(parts.logits, whole.logits)
