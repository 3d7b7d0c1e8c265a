"""Batches, warm starts and the papers' two networks."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from torch import nn

from safecompress_core.api import Access
from safecompress_core.sparse.topology import Topology
from safecompress_core.toolkit import AdversaryKnowledge, Classifier, PoolError, observe
from safecompress_plugins.attackers.membership.manifest import (
    NeuralBlackboxParams,
    NeuralWhiteboxParams,
)
from safecompress_plugins.attackers.membership.neural_blackbox import (
    BlackboxNetwork,
    NeuralBlackbox,
)
from safecompress_plugins.attackers.membership.neural_membership import (
    NeuralMembership,
    draw_balanced_batches,
)
from safecompress_plugins.attackers.membership.neural_whitebox import (
    NeuralWhitebox,
    WhiteboxNetwork,
)

Make = Callable[..., NeuralMembership]


def blackbox(*, epochs: int = 2, adapt_epochs: int = 1) -> NeuralMembership:
    """A black-box attacker that is quickly trained."""
    return NeuralBlackbox(
        NeuralBlackboxParams(
            epochs=epochs, adapt_epochs=adapt_epochs, batch_size=16, learner="network"
        )
    )


def whitebox(*, epochs: int = 2, adapt_epochs: int = 1) -> NeuralMembership:
    """A white-box attacker that is quickly trained."""
    return NeuralWhitebox(
        NeuralWhiteboxParams(
            epochs=epochs, adapt_epochs=adapt_epochs, batch_size=16, learner="network"
        )
    )


def evidence(
    count: int = 40, *, hidden: int = 6, classes: int = 3, scale: float = 1.0
) -> AdversaryKnowledge:
    """A random layer's reactions; every other sample a member."""
    generator = torch.Generator().manual_seed(count)
    head = nn.Linear(hidden, classes)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(std=scale, generator=generator)
    inputs = torch.randn(count, hidden, generator=generator)
    labels = torch.arange(count) % classes
    seen = observe(Classifier(head), inputs, labels)
    return AdversaryKnowledge(seen=seen, truth=torch.arange(count) % 2 == 0, values=2)


@pytest.mark.parametrize(("members", "others"), [(30, 30), (7, 30), (30, 7), (1, 9)])
def test_batches_hold_as_many_members_as_non_members(members: int, others: int) -> None:
    """Also when one class is larger: the larger is gone through once, the smaller evenly."""
    is_member = torch.arange(members + others) < members
    batches = list(draw_balanced_batches(is_member, 8, torch.Generator().manual_seed(0)))

    assert all(is_member[rows].double().mean() == 0.5 for rows in batches)
    assert all(len(rows) == 8 for rows in batches[:-1])
    times = torch.cat(batches).bincount(minlength=members + others)
    small, large = sorted([times[:members], times[members:]], key=len)
    assert (large == 1).all() or len(small) == len(large)
    assert small.max() - small.min() <= 1


def test_every_epoch_is_shuffled_anew() -> None:
    """Batches follow from the generator, and from nothing else."""
    is_member = torch.arange(40) < 20
    generator, again = (torch.Generator().manual_seed(5) for _ in range(2))
    first = torch.cat(list(draw_balanced_batches(is_member, 8, generator)))
    second = torch.cat(list(draw_balanced_batches(is_member, 8, generator)))

    assert not torch.equal(first, second)
    assert torch.equal(first, torch.cat(list(draw_balanced_batches(is_member, 8, again))))


@pytest.mark.parametrize("make", [blackbox, whitebox])
@pytest.mark.parametrize("is_member", [True, False])
def test_both_classes_are_needed(make: Make, is_member: bool) -> None:
    """An adversary that knows only one side cannot learn to tell them apart."""
    known = evidence()
    one_sided = replace(known, truth=torch.full((40,), is_member))

    with pytest.raises(PoolError, match="needs members and non-members"):
        make().fit(one_sided, generator=torch.Generator())


@pytest.mark.parametrize("make", [blackbox, whitebox])
def test_adapting_starts_from_what_was_learned(make: Make) -> None:
    """With no epochs to adapt in, the network answers as before; with some, it changes."""
    known = evidence()
    asked = replace(known, truth=None)
    still, moving = make(adapt_epochs=0), make(adapt_epochs=2)
    for attacker in (still, moving):
        attacker.fit(known, generator=torch.Generator().manual_seed(0))
    before = still.score(asked)
    assert torch.equal(before, moving.score(asked))

    for attacker in (still, moving):
        attacker.adapt(known, generator=torch.Generator().manual_seed(1))

    assert torch.equal(before, still.score(asked))
    assert not torch.equal(before, moving.score(asked))
    assert (before - moving.score(asked)).abs().max() < 1


@pytest.mark.parametrize("make", [blackbox, whitebox])
def test_fitting_again_starts_afresh(make: Make) -> None:
    """What was learned before leaves no trace."""
    known, other = evidence(), evidence(44)
    once, twice = make(), make()
    once.fit(known, generator=torch.Generator().manual_seed(0))
    twice.fit(other, generator=torch.Generator().manual_seed(1))
    twice.fit(known, generator=torch.Generator().manual_seed(0))
    asked = replace(known, truth=None)

    assert torch.equal(once.score(asked), twice.score(asked))


def test_a_fitted_attacker_carries_no_gradients() -> None:
    """They would be copied with it, once a candidate."""
    attacker = blackbox()
    attacker.fit(evidence(), generator=torch.Generator().manual_seed(0))
    network = deepcopy(attacker).network

    assert network is not None
    assert all(parameter.grad is None for parameter in network.parameters())


def test_the_blackbox_network_is_the_papers() -> None:
    """Layer widths of ASE'22 Fig. 2, weights of variance 0.01, biases 0."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = BlackboxNetwork(14, 14, deviation=0.1)
    weights = {n: p for n, p in network.named_parameters() if n.endswith("weight")}
    biases = [p for n, p in network.named_parameters() if n.endswith("bias")]

    assert [tuple(w.shape) for w in weights.values()] == [
        (1024, 14), (512, 1024), (64, 512),
        (512, 14), (64, 512),
        (256, 128), (64, 256), (1, 64),
    ]  # fmt: skip
    everything = torch.cat([w.flatten() for w in weights.values()])
    assert everything.var().item() == pytest.approx(0.01, rel=0.01)
    assert everything.mean().item() == pytest.approx(0, abs=1e-3)
    assert not torch.cat(biases).any()


@pytest.mark.parametrize(("classes", "hidden"), [(14, 128), (3, 1), (2, 7), (5, 10)])
def test_the_whitebox_network_takes_a_gradient_of_any_size(classes: int, hidden: int) -> None:
    """Also where it cannot be halved evenly; four streams of 64 units meet in 256."""
    known = evidence(12, classes=classes, hidden=hidden)
    attacker = whitebox(epochs=1)
    attacker.fit(known, generator=torch.Generator().manual_seed(0))

    assert attacker.score(replace(known, truth=None)).shape == (12,)
    assert WhiteboxNetwork(classes, [(1, classes, hidden)]).fusion[1].in_features == 256


def test_gradients_and_losses_are_scaled_by_attack_train_alone() -> None:
    """On attack-train they have mean 0 and deviation 1; elsewhere the same scale holds."""
    attacker = NeuralWhitebox(NeuralWhiteboxParams())
    known, pool = evidence(), evidence(60, scale=3.0)
    attacker.calibrate(known.seen)
    _, loss, _, gradient = attacker.features(known.seen)
    _, pool_loss, _, pool_gradient = attacker.features(pool.seen)

    for values in (loss, gradient):
        assert values.mean().item() == pytest.approx(0, abs=1e-5)
        assert values.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    deviation = known.seen.losses.std(correction=0)
    torch.testing.assert_close(
        pool_loss[:, 0] * deviation + known.seen.losses.mean(), pool.seen.losses
    )
    assert pool_gradient.shape == (60, 1, 3, 6)


def test_a_model_without_any_loss_can_be_attacked() -> None:
    """Equal losses and zero gradients have no deviation to divide by."""
    known = evidence()
    flat = observe(Classifier(_zeroed(nn.Linear(6, 3))), torch.zeros(40, 6), known.seen.labels)
    attacker = whitebox()
    attacker.fit(replace(known, seen=flat), generator=torch.Generator().manual_seed(0))

    assert attacker.score(AdversaryKnowledge(seen=flat, truth=None, values=2)).isfinite().all()


def _zeroed(layer: nn.Linear) -> nn.Linear:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def test_sorted_posteriors_hide_which_class_they_belong_to() -> None:
    """The same answers in another order of classes are the same input."""
    attacker = NeuralBlackbox(NeuralBlackboxParams(inputs="sorted"))
    seen = evidence().seen.restrict(Access.BLACK_BOX)
    answers, labels = attacker.features(seen)

    assert torch.equal(answers, seen.posteriors.sort(dim=1, descending=True).values)
    assert torch.equal(labels.argmax(dim=1), seen.labels)
    assert torch.equal(labels.sum(dim=1), torch.ones(40))


def test_the_top_three_posteriors_are_all_that_the_network_sees_of_an_answer() -> None:
    """Largest first; of a model with two classes, both."""
    attacker = NeuralBlackbox(NeuralBlackboxParams(inputs="top3"))
    five, two = (evidence(classes=classes).seen for classes in (5, 2))

    answers, labels = attacker.features(five)

    assert torch.equal(answers, five.posteriors.sort(dim=1, descending=True).values[:, :3])
    assert labels.shape == (40, 5)
    assert attacker.features(two)[0].shape == (40, 2)


def test_correctness_is_one_bit_beside_the_label() -> None:
    """Whether the model is right, and nothing of how sure it is."""
    attacker = NeuralBlackbox(NeuralBlackboxParams(inputs="correctness"))
    seen = evidence().seen

    answers, labels = attacker.features(seen.restrict(Access.BLACK_BOX))

    assert answers[:, 0].bool().tolist() == (seen.posteriors.argmax(dim=1) == seen.labels).tolist()
    assert answers.unique().tolist() == [0, 1]
    assert torch.equal(labels.argmax(dim=1), seen.labels)


def test_chosen_layers_give_a_stream_each_of_their_active_weights() -> None:
    """The last layer is then one layer like any other; a weight that is not there has no input."""
    torch.manual_seed(0)
    network = Classifier(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))
    network.topology = Topology.from_masks({"0.weight": torch.arange(30).reshape(5, 6) % 3 == 0})
    inputs = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    seen = observe(network, inputs, torch.arange(40) % 3)
    known = AdversaryKnowledge(seen=seen, truth=torch.arange(40) % 2 == 0, values=2)
    attacker = NeuralWhitebox(
        NeuralWhiteboxParams(epochs=1, batch_size=16, layers=["0.weight", "2"])
    )
    attacker.fit(known, generator=torch.Generator().manual_seed(0))

    *_, first, last = attacker.features(seen)

    assert (first.shape, last.shape) == ((40, 10), (40, 5 * 3 + 3))
    for gradient in (first, last):
        assert gradient.mean().item() == pytest.approx(0, abs=1e-5)
        assert gradient.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert isinstance(attacker.network, WhiteboxNetwork)
    assert attacker.network.fusion[1].in_features == 64 * 5
    assert attacker.score(replace(known, truth=None)).shape == (40,)
