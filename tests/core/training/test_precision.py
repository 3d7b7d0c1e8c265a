"""Precision, layout and compilation change how a network is trained, and nothing else."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn

from safecompress_core.data.dataset import Dataset
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed
from safecompress_core.sparse.selection import random_positions
from safecompress_core.sparse.topology import Topology
from safecompress_core.specfile.models.run_spec import Training
from safecompress_core.training import precision as arithmetic_module
from safecompress_core.training.learning_rate import LearningRate
from safecompress_core.training.precision import (
    PLAIN,
    Precision,
    choose_precision,
    has_fast_bfloat16,
)
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import TopologySchedule, Trainer
from safecompress_core.training.training_state import TrainingState, read_topology

CPU = torch.device("cpu")
EVERY = [
    PLAIN,
    Precision(channels_last=True),
    Precision(dtype=torch.bfloat16, channels_last=True),
    Precision(dtype=torch.float16),
]


def convolutions(*, dropout: float = 0.2) -> Classifier:
    """8 × 8 pixels ▸ 6 channels ▸ 10 classes, with batch normalisation."""
    module = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 6, 3, padding=1),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Conv2d(6, 6, 3, stride=2),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(54, 10),
    )
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.3, 0.3, generator=generator)
    return Classifier(module)


def sparse(network: Classifier) -> Topology:
    """Half of each layer."""
    generator = torch.Generator().manual_seed(6)
    return Topology.from_masks(
        {
            name: random_positions(
                torch.ones_like(weight, dtype=torch.bool), weight.numel() // 2, generator=generator
            )
            for name, weight in network.sparse_parameters().items()
        }
    )


def learner(precision: Precision, *, topology: Topology | None = None) -> TrainingState:
    """Of the convolutions, laid out as asked."""
    network = convolutions()
    precision.apply_memory_format(network)
    return TrainingState(
        network,
        topology or sparse(network),
        Settings(learning_rate=0.01, density=1.0, update_fraction=0.3, rule=0, defences={}),
        make_optimizer=lambda parameters, rate: torch.optim.AdamW(
            parameters, lr=rate, weight_decay=0.1
        ),
        make_defence=lambda *_: pytest.fail("there is no defence"),
        make_scaler=lambda: precision.scaler(CPU),
    )


@pytest.fixture
def trainer(digits: Dataset) -> Callable[[Precision], Trainer]:
    """Makes trainers on 161 samples in batches of 32, so that a single one would be left over."""

    def made(precision: Precision) -> Trainer:
        return Trainer(
            digits,
            torch.arange(161),
            batch_size=32,
            device=CPU,
            seed=Seed(11),
            epochs=6,
            clip_norm=1.0,
            precision=precision,
        )

    return made


def same(one: TrainingState, other: TrainingState) -> bool:
    """Whether two learners agree to the last bit."""
    mine, its = one.tensors(), other.tensors()
    return mine.keys() == its.keys() and all(torch.equal(mine[name], its[name]) for name in mine)


@pytest.mark.parametrize("precision", EVERY)
def test_a_killed_learner_goes_on_to_the_same_bytes(
    precision: Precision,
    trainer: Callable[[Precision], Trainer],
    topology_schedule: TopologySchedule,
) -> None:
    """Statistics, moments in their layout and the loss's scale come back; so does a branch's."""
    trains = trainer(precision)
    whole = learner(precision)
    trains.train(whole, until=3, topology_schedule=topology_schedule, what="it")
    kept = {name: tensor.clone() for name, tensor in whole.tensors().items()}
    twin = whole.branch(whole.settings)
    restored = learner(precision, topology=read_topology(kept, whole.weights))
    restored.restore(kept, epoch=3)

    for one in (whole, twin, restored):
        trains.train(one, until=6, topology_schedule=topology_schedule, what="it")

    assert same(whole, twin)
    assert same(whole, restored)


@pytest.mark.parametrize("precision", EVERY)
def test_what_is_not_active_stays_zero(
    precision: Precision,
    trainer: Callable[[Precision], Trainer],
    topology_schedule: TopologySchedule,
) -> None:
    """Weights and both moments of AdamW, whose decay pulls at every weight."""
    one = learner(precision)
    trainer(precision).train(one, until=3, topology_schedule=topology_schedule, what="it")

    assert one.topology is not None
    for name, weight in one.weights.items():
        state = one.optimizer.state[weight]
        for tensor in (weight, state["exp_avg"], state["exp_avg_sq"]):
            assert tensor.dtype is torch.float32
            assert not tensor[~one.topology.masks[name]].count_nonzero()
            assert tensor[one.topology.masks[name]].count_nonzero()


def test_a_network_may_be_thinned_out_between_two_phases(
    trainer: Callable[[Precision], Trainer],
) -> None:
    """What stays goes on with its moments; the rest is gone, with them, and stays away."""
    trains = trainer(PLAIN)
    dense = learner(PLAIN, topology=Topology.dense(shapes_of(convolutions())))
    trains.train(dense, until=2, topology_schedule=None, what="it")
    topology = sparse(dense.network)

    thin = dense.branch(dense.settings, topology=topology)
    for name, weight in thin.weights.items():
        mask, before = topology.masks[name], dense.weights[name]
        state, its = thin.optimizer.state[weight], dense.optimizer.state[before]
        pairs = [(weight, before), (state["exp_avg"], its["exp_avg"])]
        for tensor, whole in pairs:
            assert torch.equal(tensor[mask], whole[mask])
            assert not tensor[~mask].count_nonzero()
            assert whole[~mask].count_nonzero()
    trains.train(thin, until=4, topology_schedule=None, what="it", phase=(2, 4))

    assert thin.density == topology.density
    assert all(not w[~topology.masks[n]].count_nonzero() for n, w in thin.weights.items())


def shapes_of(network: Classifier) -> dict[str, torch.Size]:
    """Of the weights that may be thinned out."""
    return {name: weight.shape for name, weight in network.sparse_parameters().items()}


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.1), (torch.float16, 0.1)])
def test_half_precision_learns_what_float32_does(
    dtype: torch.dtype, tolerance: float, trainer: Callable[[Precision], Trainer]
) -> None:
    """After ten epochs the losses differ by rounding; the layers did compute in half precision."""
    seen: set[torch.dtype] = set()
    losses = []
    for precision in (PLAIN, Precision(dtype=dtype)):
        one = learner(precision)
        handle = one.network.head.register_forward_hook(lambda *args: seen.add(args[-1].dtype))
        trainer(precision).train(one, until=10, topology_schedule=None, what="it")
        handle.remove()
        losses.append(final_loss(one, trainer(PLAIN)))

    assert seen == {torch.float32, dtype}
    assert losses[1] == pytest.approx(losses[0], abs=tolerance)
    assert losses[0] < final_loss(learner(PLAIN), trainer(PLAIN)) - 0.3


def final_loss(one: TrainingState, trainer: Trainer) -> float:
    """Mean over the members, in eval mode and float32."""
    one.network.eval()
    batches = list(trainer._batches(0))
    with torch.no_grad():
        logits = one.network(torch.cat([batch.inputs for batch in batches]))
    labels = torch.cat([batch.labels for batch in batches])
    return nn.functional.cross_entropy(logits, labels).item()


def test_layout_changes_no_value(trainer: Callable[[Precision], Trainer]) -> None:
    """Weights, masks and moments lie pixel by pixel, and say what they said."""
    one = learner(Precision(channels_last=True))
    plain = learner(PLAIN)
    assert all(map(torch.equal, one.network.parameters(), plain.network.parameters()))

    trainer(PLAIN).train(one, until=1, topology_schedule=None, what="it")

    weight = one.network.module[4].weight  # type: ignore[index]
    assert not weight.is_contiguous()
    for tensor in (weight, one.optimizer.state[weight]["exp_avg"]):
        assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_gradients_to_grow_by_are_float32_and_leave_statistics_alone(
    trainer: Callable[[Precision], Trainer],
) -> None:
    """Candidates that grow at random would otherwise have seen fewer batches."""
    one = learner(Precision(dtype=torch.bfloat16))
    before = {name: buffer.clone() for name, buffer in one.network.named_buffers()}
    half, full = (
        trainer(precision).dense_gradients(one, batches=2)
        for precision in (Precision(dtype=torch.bfloat16), PLAIN)
    )

    assert all(torch.equal(half[name], full[name]) for name in full)
    assert before
    assert all(torch.equal(before[name], now) for name, now in one.network.named_buffers())


def test_a_single_sample_at_the_end_joins_the_batch_before_it(
    trainer: Callable[[Precision], Trainer],
) -> None:
    """161 = 4 · 32 + 33: batch normalisation has nothing to go by in a batch of one."""
    batches = [len(batch.labels) for batch in trainer(PLAIN)._batches(0)]

    assert batches == [32, 32, 32, 32, 33]


def test_the_schedule_multiplies_what_the_strategy_has_set(digits: Dataset) -> None:
    """A linear schedule scales the rate that a model has now, over the phase that it is in."""
    trainer = Trainer(
        digits,
        torch.arange(64),
        batch_size=32,
        device=CPU,
        seed=Seed(1),
        epochs=4,
        learning_rate=LearningRate(shape="linear"),
    )
    one = learner(PLAIN)
    trainer.train(one, until=2, topology_schedule=None, what="it")
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * (1 - 1.5 / 4))

    twin = one.branch(
        Settings(learning_rate=0.5, density=1.0, update_fraction=0.3, rule=0, defences={})
    )
    trainer.train(twin, until=3, topology_schedule=None, what="it")
    assert twin.optimizer.param_groups[0]["lr"] == pytest.approx(0.5 * (1 - 2.5 / 4))

    trainer.train(one, until=4, topology_schedule=None, what="it", phase=(2, 4))
    assert one.optimizer.param_groups[0]["lr"] == pytest.approx(0.01 * (1 - 1.5 / 2))


def test_a_long_gradient_is_cut_to_the_norm_asked_for(digits: Dataset) -> None:
    """A step of plain gradient descent at rate 1 is then exactly that long."""
    trainer = Trainer(
        digits, torch.arange(32), batch_size=32, device=CPU, seed=Seed(1), clip_norm=0.01
    )
    network = convolutions(dropout=0)
    before = [parameter.detach().clone() for parameter in network.parameters()]
    one = TrainingState(
        network,
        None,
        Settings(learning_rate=1.0, density=1.0, update_fraction=0, rule=0, defences={}),
        make_optimizer=lambda parameters, rate: torch.optim.SGD(parameters, lr=rate),
        make_defence=lambda *_: pytest.fail("there is no defence"),
    )

    trainer.train(one, until=1, topology_schedule=None, what="it")

    steps = zip(network.parameters(), before, strict=True)
    length = torch.stack([(now.detach() - then).norm() for now, then in steps]).norm()
    assert length.item() == pytest.approx(0.01, rel=1e-3)


def test_a_compiled_network_is_trained_like_any_other(
    monkeypatch: pytest.MonkeyPatch,
    trainer: Callable[[Precision], Trainer],
    topology_schedule: TopologySchedule,
) -> None:
    """Here without code generation, which needs a compiler: what is traced computes the same."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    one, other = learner(PLAIN), learner(PLAIN)

    trainer(Precision(compile=True)).train(
        one, until=3, topology_schedule=topology_schedule, what="it"
    )
    trainer(PLAIN).train(other, until=3, topology_schedule=topology_schedule, what="it")

    assert same(one, other)


@pytest.mark.parametrize(
    ("network", "sample", "is_fast", "expected"),
    [
        (convolutions(), (1, 1, 8, 8), True, (torch.bfloat16, True)),
        (convolutions(), (1, 1, 8, 8), False, (torch.float32, False)),
        (nn.Linear(3, 2), (1, 3), True, (torch.float32, False)),
        (nn.Embedding(3, 2), (1, 3), True, (torch.bfloat16, False)),
    ],
)
def test_auto_is_what_measured_fastest(
    monkeypatch: pytest.MonkeyPatch,
    *,
    network: nn.Module,
    sample: tuple[int, ...],
    is_fast: bool,
    expected: tuple[torch.dtype, bool],
) -> None:
    """Half precision for convolutions and tokens where the device is made for it."""
    monkeypatch.setattr(arithmetic_module, "has_fast_bfloat16", lambda _: is_fast)
    asked = Training(precision="float16", channels_last=True, compile=True)

    found = [
        choose_precision(training, network, torch.zeros(sample), CPU)
        for training in (Training(), asked)
    ]

    assert (found[0].dtype, found[0].channels_last) == expected
    assert found[1] == Precision(dtype=torch.float16, channels_last=True, compile=True)


@pytest.mark.parametrize("has_tiles", [True, False])
@pytest.mark.parametrize("has_vectors", [True, False])
def test_a_processor_is_fast_in_bfloat16_by_either_kind_of_instruction(
    monkeypatch: pytest.MonkeyPatch, *, has_tiles: bool, has_vectors: bool
) -> None:
    """Matrix tiles (AMX) or vectors (AVX512-BF16), as torch reports them."""
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_tiles)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_vectors)

    assert has_fast_bfloat16(CPU) == (has_tiles or has_vectors)
