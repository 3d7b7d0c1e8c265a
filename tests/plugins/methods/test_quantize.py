"""Quantisation: what int8 makes of a network, and that it is the network which ships."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.saved_models.storage import load_model
from safecompress_core.training.training_state import TrainingState
from safecompress_plugins.finishers.integer_weights import int8

QUANTIZE = {"type": "quantize"}


def normal(*shape: int) -> Tensor:
    """Numbers from a normal distribution, always the same."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(7))


def test_a_layer_is_what_torchao_makes_of_it() -> None:
    """Values, scales and weights, to the last bit."""
    from torchao.quantization import Int8WeightOnlyConfig, quantize_

    layer = nn.Linear(24, 9)
    with torch.no_grad():
        layer.weight.copy_(normal(9, 24))
    own = int8(layer.weight)
    theirs = nn.Sequential(layer)
    quantize_(theirs, Int8WeightOnlyConfig())
    weight: Any = theirs[0].weight

    assert torch.equal(own.codes, weight.qdata)
    assert torch.equal(own.scales, weight.scale.flatten())
    assert torch.equal(own.weight(), weight.dequantize())


def test_a_kernel_has_a_scale_for_each_output_channel() -> None:
    """By torchao's primitives, and by hand: the largest magnitude over 127.5."""
    from torchao.quantization.quant_primitives import dequantize_affine

    kernel = normal(6, 3, 5, 5)
    own = int8(kernel)
    zeros = torch.zeros(6, dtype=torch.int32)
    theirs = dequantize_affine(own.codes, (1, 3, 5, 5), own.scales, zeros, torch.int8)

    assert torch.equal(own.scales, kernel.abs().amax(dim=(1, 2, 3)) / 127.5)
    assert torch.equal(own.weight(), theirs)
    half_a_step = own.scales.view(-1, 1, 1, 1) * 0.501
    assert ((own.weight() - kernel).abs() <= half_a_step).all()


@pytest.mark.parametrize("shape", [(5, 1), (5, 1, 1, 1), (5, 1, 3, 3), (1, 4)])
def test_sizes_of_one_are_no_trouble(shape: tuple[int, ...]) -> None:
    """A single input, or a single output, is quantised by the same rule."""
    weight = normal(*shape)
    own = int8(weight)
    scales = weight.flatten(1).abs().amax(dim=1) / 127.5
    apart = (own.weight() - weight).flatten(1).abs()

    assert own.codes.shape == weight.shape
    assert torch.equal(own.scales, scales)
    assert (apart <= 0.501 * scales.unsqueeze(1)).all()


def test_an_output_without_a_weight_stays_at_zero() -> None:
    """Its scale is no 0, by which nothing could be divided."""
    own = int8(torch.zeros(2, 3))

    assert (own.scales > 0).all()
    assert not own.weight().any()


def test_after_training_it_is_the_uncompressed_model_in_int8(
    shop: Callable[..., Any], tmp_path: Path
) -> None:
    """Every weight that may be sparse is rounded, biases are not, and the file has the int8."""
    dense = shop({"type": "uncompressed"}, "dense").run().chosen
    one = shop(QUANTIZE)
    outcome = one.run()
    one.method_context.store(outcome.chosen, tmp_path / "m")
    stored = load_model(tmp_path / "m")

    state, plain = outcome.chosen.network.state(), dense.network.state()
    for name, tensor in state.items():
        expected = int8(plain[name]).weight() if name in dense.weights else plain[name]
        assert torch.equal(tensor, expected)
        assert torch.equal(stored.state[name], tensor)
    assert set(stored.codes) == set(dense.weights)
    assert outcome.chosen.density == stored.topology.density == 1.0
    assert [(phase["name"], phase["epochs"]) for phase in outcome.phases] == [
        ("train", 6),
        ("quantise", 0),
    ]
    moved = sum(float((state[n] - plain[n]).double().square().sum()) for n in dense.weights)
    whole = sum(float(plain[n].double().square().sum()) for n in dense.weights)
    assert outcome.phases[1]["error"] == pytest.approx((moved / whole) ** 0.5)


@pytest.mark.parametrize("aware", [False, True])
def test_convolutions_are_quantised_however_they_lie_in_memory(
    shop: Callable[..., Any], tmp_path: Path, *, aware: bool
) -> None:
    """Batch statistics and biases are not; the file gives back what answers."""
    # No narrower: with 4 channels in channels_last, oneDNN aborts where there is no AVX-512.
    model = {"type": "resnet18", "width": 0.125}
    one = shop(
        {**QUANTIZE, "aware": aware},
        task__model=model,
        training__epochs=2,
        training__channels_last=True,
    )
    outcome = one.run()
    one.method_context.store(outcome.chosen, tmp_path / "m")
    stored = load_model(tmp_path / "m")
    network = one.run_context.create_network()
    network.module.load_state_dict(stored.state)
    inputs = one.run_context.dataset.inputs[torch.arange(50)]

    assert len(stored.codes) == 21
    assert sum(own.codes.ndim == 4 for own in stored.codes.values()) == 20
    with torch.no_grad():
        wanted = outcome.chosen.network.eval()(inputs)
        assert torch.equal(network.eval()(inputs), wanted)


class StraightThrough(torch.autograd.Function):
    """Rounds to int8 on the way there, and does nothing on the way back."""

    @staticmethod
    def forward(_: Any, weight: Tensor) -> Tensor:
        return int8(weight).weight()

    @staticmethod
    def backward(_: Any, slope: Tensor) -> Tensor:
        return slope


def test_aware_training_follows_the_gradient_at_the_rounded_weights(
    shop: Callable[..., Any],
) -> None:
    """One step of plain SGD, as autograd makes it through a straight-through function."""
    one = shop(
        {**QUANTIZE, "aware": True, "pretrain": 0.5},
        training__optimizer="sgd",
        training__momentum=0.0,
        training__learning_rate=0.5,
        training__epochs=2,
        training__batch_size=10_000,
    )
    trainer, network = one.method_context.trainer, one.method_context.create_network()
    learner = one.method_context.new_state(network, None, one.method_context.settings([]))
    trainer.train(learner, until=1, topology_schedule=None, what="it")
    parameters = dict(network.module.named_parameters())
    rounded = {
        name: StraightThrough.apply(one) if name in learner.weights else one
        for name, one in parameters.items()
    }
    [batch] = trainer._batches(1)
    logits = torch.func.functional_call(network.module, rounded, batch.inputs)
    nn.functional.cross_entropy(logits, batch.labels).backward()
    with torch.no_grad():
        for parameter in parameters.values():
            parameter.sub_(0.5 * parameter.grad)

    chosen = one.run().chosen

    for name, weight in chosen.weights.items():
        torch.testing.assert_close(weight, int8(parameters[name]).weight(), rtol=0, atol=1e-6)


def test_aware_training_shows_int8_to_the_batch_and_moves_what_lies_behind(
    shop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its last part alone."""
    one = shop({**QUANTIZE, "aware": True, "pretrain": 0.5})
    trainer, kept = (
        one.method_context.trainer,
        dict(one.method_context.create_network().sparse_parameters()),
    )
    step, descend = trainer._step, trainer._descend
    exact: dict[int, set[tuple[bool, bool]]] = {}

    def seen(state: TrainingState, *rest: Any, **how: Any) -> Any:
        is_plain = all(torch.equal(one, kept[name]) for name, one in state.weights.items())
        is_int8 = all(
            torch.equal(one, int8(kept[name]).weight()) for name, one in state.weights.items()
        )
        exact.setdefault(state.epoch, set()).add((is_plain, is_int8))
        return step(state, *rest, **how)

    def descended(state: TrainingState, *rest: Any, **how: Any) -> Any:
        loss = descend(state, *rest, **how)
        kept.update({name: one.detach().clone() for name, one in state.weights.items()})
        return loss

    monkeypatch.setattr(trainer, "_step", seen)
    monkeypatch.setattr(trainer, "_descend", descended)
    outcome = one.run()

    assert exact == {
        **{epoch: {(True, False)} for epoch in range(3)},
        **{epoch: {(False, True)} for epoch in range(3, 6)},
    }
    assert [(phase["name"], phase["epochs"]) for phase in outcome.phases] == [
        ("train", 3),
        ("train as int8", 3),
        ("quantise", 0),
    ]


def test_what_trains_on_is_stored_in_full(shop: Callable[..., Any], tmp_path: Path) -> None:
    """A branch of a quantised learner has weights of its own, and its file no int8."""
    one = shop(QUANTIZE)
    chosen = one.run().chosen
    branch = chosen.branch(chosen.settings)
    one.method_context.trainer.train(branch, until=7, topology_schedule=None, what="it")
    one.method_context.store(branch, tmp_path / "m")

    assert load_model(tmp_path / "m").codes == {}


def test_too_few_epochs_for_aware_training_are_a_problem(shop: Callable[..., Any]) -> None:
    """It says how many it takes."""
    prepared = shop({**QUANTIZE, "aware": True}, training__epochs=1).run_context
    [problem] = prepared.method.check(
        prepared.create_network(), prepared.recipe, prepared.registry.create, prepared.architecture
    )

    assert (problem.path, problem.hint) == (("aware",), "write training.epochs: 2, or more")
