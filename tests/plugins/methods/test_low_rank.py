"""Low rank: which ranks a budget allows, what the two layers are at first, and what a file says."""

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from safecompress_core.errors import SpecError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_plugins.methods.low_rank import ranks

LOW_RANK = {"type": "low-rank", "density": 0.5}
SHAPES = {"one": (6, 8), "two": (4, 6), "three": (5, 5)}


def spectra(seed: int) -> dict[str, torch.Tensor]:
    """Singular values of random matrices, by numpy."""
    random = np.random.default_rng(seed)
    return {
        name: torch.from_numpy(np.linalg.svd(random.normal(size=shape), compute_uv=False))
        for name, shape in SHAPES.items()
    }


def cost(name: str, rank: int) -> int:
    """Weights of a layer at a rank, or of the layer as it is."""
    return min(rank * sum(SHAPES[name]), prod(SHAPES[name]))


@pytest.mark.parametrize("most", [35, 50, 63, 80, 96, 97])
@pytest.mark.parametrize("seed", range(3))
def test_the_least_energy_that_any_layer_keeps_is_as_large_as_can_be(seed: int, most: int) -> None:
    """No other ranks within the budget keep more of the layer that keeps least."""
    values = spectra(seed)
    shares = {name: (one.square().cumsum(0) / one.square().sum()) for name, one in values.items()}

    def kept(name: str, rank: int) -> float:
        return float(shares[name][rank - 1])

    every = product(*(range(1, min(shape) + 1) for shape in SHAPES.values()))
    allowed = [
        dict(zip(SHAPES, one, strict=True))
        for one in every
        if sum(cost(name, rank) for name, rank in zip(SHAPES, one, strict=True)) <= most
    ]
    best = max(min(kept(name, rank) for name, rank in one.items()) for one in allowed)
    energy, found = ranks(values, SHAPES, most=most)

    assert energy == pytest.approx(best, abs=1e-12)
    used = sum(cost(name, found.get(name, min(SHAPES[name]))) for name in SHAPES)
    assert used <= most
    for name, rank in found.items():
        assert kept(name, rank) >= energy - 1e-12
        assert rank == 1 or kept(name, rank - 1) < energy - 1e-12
        assert rank * sum(SHAPES[name]) < prod(SHAPES[name])


def test_a_budget_of_all_weights_leaves_every_layer_as_it_is() -> None:
    """Two layers of full rank would have more weights than the one."""
    assert ranks(spectra(0), SHAPES, most=97) == (1.0, {})


def test_fine_tuning_starts_from_the_nearest_matrices_of_these_ranks(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As numpy's decomposition has them, each half with the roots of the singular values."""
    one = shop(LOW_RANK, task__model={"type": "mlp", "hidden": [30, 20]})
    train = one.method_context.trainer.train
    seen: list[dict[str, np.ndarray]] = []

    def noted(learner: Any, **how: Any) -> None:
        for _ in range(2):
            seen.append({name: w.numpy().copy() for name, w in learner.network.state().items()})
            train(learner, **how) if len(seen) % 2 else None

    monkeypatch.setattr(one.method_context.trainer, "train", noted)
    outcome = one.run()
    dense, begun = seen[1], seen[2]
    chosen = outcome.phases[1]["ranks"]

    assert set(chosen) == {"1", "3"}
    for name, rank in chosen.items():
        outputs, values, inputs = np.linalg.svd(dense[f"{name}.weight"].astype(float))
        nearest = (outputs[:, :rank] * values[:rank]) @ inputs[:rank]
        expand, reduce = begun[f"{name}.expand.weight"], begun[f"{name}.reduce.weight"]
        np.testing.assert_allclose(expand @ reduce, nearest, atol=1e-5)
        np.testing.assert_allclose(np.linalg.norm(expand, axis=0) ** 2, values[:rank], rtol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(reduce, axis=1) ** 2, values[:rank], rtol=1e-4)
        assert (begun[f"{name}.expand.bias"] == dense[f"{name}.bias"]).all()
    assert (begun["5.weight"] == dense["5.weight"]).all()


def test_phases_tell_ranks_energy_and_the_density_that_is_left(shop: Callable[..., Any]) -> None:
    """The last layer counts, and stays."""
    outcome = shop(LOW_RANK, task__model={"type": "mlp", "hidden": [30, 20]}).run()
    before, after = outcome.phases
    one, three = after["ranks"]["1"], after["ranks"]["3"]
    total = 64 * 30 + 30 * 20 + 20 * 14

    assert before["density"] == 1.0
    assert after["density"] == (one * 94 + three * 50 + 20 * 14) / total <= 0.5
    assert 0 < after["energy"] < 1
    assert outcome.chosen.network.head.weight.shape == (14, 20)
    assert outcome.chosen.network.width == 20


def test_convolutions_become_fewer_filters_and_1_by_1(shop: Callable[..., Any]) -> None:
    """The network still works on images, with batch normalisation where it was."""
    model = {"type": "resnet18", "width": 0.05}
    prepared = shop(LOW_RANK, task__model=model, training__epochs=2).run_context
    network, architecture = prepared.create_network().eval(), prepared.architecture
    most = round(0.4 * sum(one.numel() for one in network.sparse_parameters().values()))
    small, facts = prepared.method.reshape(network, architecture, most)

    assert sum(one.numel() for one in small.sparse_parameters().values()) <= most
    rank = facts["ranks"]["layer4.1.conv2"]
    pair = small.module.layer4[1].conv2
    assert pair.reduce.weight.shape == (rank, 24, 3, 3)
    assert pair.expand.weight.shape == (24, rank, 1, 1)
    assert torch.isfinite(small.eval()(architecture.sample)).all()
    assert torch.equal(small.module.layer4[1].bn2.weight, network.module.layer4[1].bn2.weight)


def test_layers_that_stay_dense_are_not_touched(shop: Callable[..., Any]) -> None:
    """``sparsify`` leaves one out, so its weights neither count nor change their shape."""
    sparsify = {"exclude": ["1.weight"]}
    one = shop(LOW_RANK, task__model={"type": "mlp", "hidden": [30, 20]}, task__sparsify=sparsify)
    outcome = one.run()

    assert set(outcome.phases[1]["ranks"]) == {"3"}
    assert "1.weight" in outcome.chosen.network.state()
    assert set(outcome.chosen.weights) == {"3.reduce.weight", "3.expand.weight", "5.weight"}


def test_a_layer_that_is_named_is_named_as_two(shop: Callable[..., Any]) -> None:
    """A rule that knows the layers of the spec's model holds for what is in their place."""
    sparsify = {"include": ["3.weight", "5.weight"]}
    one = shop(LOW_RANK, task__model={"type": "mlp", "hidden": [30, 20]}, task__sparsify=sparsify)

    assert set(one.run().chosen.weights) == {"3.reduce.weight", "3.expand.weight", "5.weight"}


@pytest.mark.parametrize(
    ("density", "model", "epochs", "told"),
    [
        (
            0.2,
            {"type": "mlp", "hidden": [10, 8]},
            6,
            "method.density: the smallest network has 204 of the 832 weights; density allows "
            "166; write at least 0.246",
        ),
        (
            0.5,
            {"type": "mlp", "hidden": [10, 8]},
            1,
            "method.type: training.epochs is 1; the method has 2 phases",
        ),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_trained(
    shop: Callable[..., Any], density: float, model: dict[str, Any], epochs: int, told: str
) -> None:
    """At its place in the spec, with what to write."""
    method = {**LOW_RANK, "density": density}
    prepared = shop(method, task__model=model, training__epochs=epochs).run_context

    with pytest.raises(SpecError) as found:
        require_feasible(prepared)
    assert told in str(found.value)


def test_a_network_of_a_single_layer_is_told_before_anything_is_trained(
    shop: Callable[..., Any],
) -> None:
    """The last layer is never made of two."""
    one = shop(LOW_RANK, task__model={"type": "mlp", "hidden": [10]}).run_context
    network = Classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 14)))
    [problem] = one.method.check(network, one.recipe, one.registry.create, one.architecture)

    assert (problem.path, problem.hint) == (
        ("type",),
        "use 'prune', or a model of linear layers or convolutions",
    )
