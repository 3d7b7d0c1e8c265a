"""N:M structured sparsity: which weights stay, and how they are trained."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.ao.pruning import WeightNormSparsifier

from safecompress_core.engine.learner import Learner
from safecompress_core.errors import SpecError
from safecompress_plugins.methods.n_of_m import largest_of_groups

N_OF_M = {"type": "n-m"}


@given(
    outputs=st.integers(1, 5),
    groups=st.integers(1, 4),
    m=st.integers(2, 8),
    kernel=st.integers(0, 3),
    data=st.data(),
)
def test_every_group_keeps_its_n_largest(
    outputs: int, groups: int, m: int, kernel: int, data: st.DataObject
) -> None:
    """Exactly n of each, ties included; a kernel's places are groups of their own."""
    n = data.draw(st.integers(1, m - 1))
    shape = (outputs, groups * m, *(kernel,) * (2 if kernel else 0))
    seed = data.draw(st.integers(0, 2**31))
    values = torch.randint(0, 5, shape, generator=torch.Generator().manual_seed(seed)).float()

    mask = largest_of_groups(values, n=n, m=m)

    assert mask.shape == values.shape
    for start in range(0, groups * m, m):
        inside, sizes = mask[:, start : start + m], values[:, start : start + m]
        assert (inside.sum(dim=1) == n).all()
        smallest_kept = sizes.masked_fill(~inside, torch.inf).amin(dim=1)
        largest_gone = sizes.masked_fill(inside, -torch.inf).amax(dim=1)
        assert (smallest_kept >= largest_gone).all()


def test_a_case_by_hand() -> None:
    """Of equal weights the first ones stay; groups end where the output ends."""
    values = torch.tensor(
        [[1.0, 5.0, 2.0, 3.0, 1.0, 1.0, 1.0, 1.0], [0.0, 1.0, 9.0, 0.0, *[2.0] * 4]]
    )

    assert largest_of_groups(values, n=2, m=4).int().tolist() == [
        [0, 1, 0, 1, 1, 1, 0, 0],
        [0, 1, 1, 0, 1, 1, 0, 0],
    ]


def test_the_2_of_4_of_a_layer_are_those_of_torch() -> None:
    """Held against torch's sparsifier, which other people wrote."""
    layer = nn.Linear(32, 6)
    with torch.no_grad():
        layer.weight.normal_(generator=torch.Generator().manual_seed(4))
    own = largest_of_groups(layer.weight.detach().abs(), n=2, m=4)
    theirs = WeightNormSparsifier(sparsity_level=1.0, sparse_block_shape=(1, 4), zeros_per_block=2)
    network = nn.Sequential(layer)
    theirs.prepare(network, [{"tensor_fqn": "0.weight"}])
    theirs.step()
    theirs.squash_mask()

    assert torch.equal(own, network[0].weight != 0)


def grouped(mask: Tensor) -> Tensor:
    """How many stay in each four consecutive inputs."""
    return mask.view(len(mask), -1, 4).sum(dim=2)


@pytest.mark.parametrize("schedule", ["one-shot", "sr-ste"])
def test_the_model_is_n_of_m_wherever_it_can_be(shop: Callable[..., Any], schedule: str) -> None:
    """64 and 8 inputs are whole groups of 4, 10 are not: that layer stays dense, and is named."""
    outcome = shop({**N_OF_M, "schedule": schedule}).run()
    learner = outcome.chosen
    first, second, last = learner.topology.masks.values()

    assert (grouped(first) == 2).all()
    assert second.all()
    assert (grouped(last) == 2).all()
    for mask, weight in zip((first, second, last), learner.weights.values(), strict=True):
        assert not weight[~mask].any()
        assert weight[mask].all()
    assert outcome.facts == {"dense_layers": [list(learner.weights)[1]]}


def test_convolutions_are_grouped_by_their_input_channels(shop: Callable[..., Any]) -> None:
    """One channel is no group of 4, so the first layer of a ResNet stays dense."""
    model = {"type": "resnet18", "width": 0.0625}
    outcome = shop(N_OF_M, task__model=model, training__epochs=2).run()
    first, *others = outcome.chosen.topology.masks.values()

    assert first.shape[1] == 1
    assert first.all()
    for mask in others:
        assert (mask.unflatten(1, (-1, 4)).sum(dim=2) == 2).all()
    assert len(outcome.facts["dense_layers"]) == 1


def test_the_dense_networks_largest_weights_are_fine_tuned(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They start from their trained values, under a schedule of their own."""
    one = shop(N_OF_M)
    train = one.workshop.trainer.train
    seen: list[tuple[int, tuple[int, int], dict[str, Tensor]]] = []

    def noted(learner: Learner, *, phase: tuple[int, int], **how: Any) -> None:
        def now() -> dict[str, Tensor]:
            return {name: weight.detach().clone() for name, weight in learner.weights.items()}

        seen.append((learner.epoch, phase, now()))
        train(learner, phase=phase, **how)
        seen.append((learner.epoch, phase, now()))

    monkeypatch.setattr(one.workshop.trainer, "train", noted)
    outcome = one.run()
    _, dense, pruned, _ = seen

    assert [(epoch, phase) for epoch, phase, _ in seen] == [
        (0, (0, 3)),
        (3, (0, 3)),
        (3, (3, 6)),
        (6, (3, 6)),
    ]
    for name, mask in outcome.chosen.topology.masks.items():
        assert torch.equal(pruned[2][name], dense[2][name] * mask)


def test_sr_ste_makes_the_step_of_the_paper(shop: Callable[..., Any]) -> None:
    """One step of plain SGD: W − γ · (∂L/∂W' + λ_W · (1 − mask) ⊙ W), by a loop of its own."""
    plain = {"optimizer": "sgd", "momentum": 0.0, "learning_rate": 0.5}
    one = shop(
        {**N_OF_M, "schedule": "sr-ste", "decay": 0.1},
        **{f"training__{name}": value for name, value in plain.items()},
        training__epochs=1,
        training__batch_size=10_000,
    )
    network, trainer = one.workshop.blank(), one.workshop.trainer
    before = {name: w.detach().clone() for name, w in network.sparse_parameters().items()}
    masks = {
        name: largest_of_groups(w.abs(), n=2, m=4) if w.shape[1] % 4 == 0 else torch.ones_like(w)
        for name, w in before.items()
    }
    with torch.no_grad():
        for name, weight in network.sparse_parameters().items():
            weight.mul_(masks[name])
    slopes = trainer.slopes(network, batches=1).gradients
    expected = {
        name: w - 0.5 * (slopes[name] + 0.1 * w * (1 - masks[name].float()))
        for name, w in before.items()
    }

    chosen = one.run().chosen

    for name, weight in chosen.weights.items():
        kept = chosen.topology.masks[name]
        torch.testing.assert_close(weight[kept], expected[name][kept])
        if weight.shape[1] % 4 == 0:
            assert torch.equal(kept, largest_of_groups(expected[name].abs(), n=2, m=4))


def test_a_group_that_leaves_nothing_out_is_refused(shop: Callable[..., Any]) -> None:
    """At its place, before anything is loaded."""
    with pytest.raises(SpecError, match="n is 4, and m 4; write an 'n' that is less than 'm'"):
        shop({**N_OF_M, "n": 4})


@pytest.mark.parametrize(
    ("method", "epochs", "field", "message"),
    [
        ({"m": 7}, 6, "m", "7 divides no layer's inputs, which are 8, 10, 64"),
        ({}, 1, "schedule", "training.epochs is 1, and the method's phases need 2"),
    ],
)
def test_what_cannot_be_is_found_before_training(
    shop: Callable[..., Any], method: dict[str, Any], epochs: int, field: str, message: str
) -> None:
    """With what the layers have."""
    prepared = shop({**N_OF_M, **method}, training__epochs=epochs).prepared
    [flaw] = prepared.method.flaws(
        prepared.blank(), prepared.recipe, prepared.registry.create, prepared.architecture
    )

    assert (flaw.field, flaw.message) == (field, message)
