"""DP-SGD, held against a plain loop over samples, opacus' own optimizer and its accountant."""

import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from opacus import GradSampleModule
from opacus.accountants import PRVAccountant, RDPAccountant
from opacus.accountants.utils import get_noise_multiplier
from opacus.optimizers import DPOptimizer
from pydantic import ValidationError
from scipy import stats
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from safecompress_core.errors import MissingExtraError, SafeCompressError
from safecompress_core.host import load_plugins
from safecompress_core.sparse.topology import Topology
from safecompress_core.toolkit import (
    Batch,
    Classifier,
    Defence,
    DefenceContext,
    DefenceInputs,
    Schedule,
    Step,
)
from safecompress_core.training.precision import Precision
from safecompress_plugins.defences.manifest import (
    AugmentationDefenceParams,
    EntropyRegularisationParams,
    L2Params,
    MixupParams,
)
from safecompress_plugins.defences.training import layer_gradients
from safecompress_plugins.defences.training.augmentation import AugmentationDefence
from safecompress_plugins.defences.training.dp_sgd import DpSgd
from safecompress_plugins.defences.training.entropy import EntropyRegularisation
from safecompress_plugins.defences.training.l2 import L2
from safecompress_plugins.defences.training.manifest import DpSgdParams
from safecompress_plugins.defences.training.mixup import Mixup
from safecompress_plugins.defences.training.per_sample import PerSampleHooks

SCHEDULE = Schedule(members=600, steps=10, epochs=5)
PLAIN = Precision()


class Words(nn.Module):
    """A small reader: an embedding, a normalised linear layer for every word, and their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.layer = nn.Linear(6, 8)
        self.normed = nn.LayerNorm(8)
        self.head = nn.Linear(8, 3)

    def forward(self, words: Tensor) -> Tensor:
        hidden = self.normed(torch.tanh(self.layer(self.embedding(words))))
        return self.head(hidden.mean(dim=1))  # type: ignore[no-any-return]


class Places(nn.Module):
    """A reader that knows where a word stands: places are asked about once for all samples."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 6)
        self.places = nn.Embedding(4, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, words: Tensor) -> Tensor:
        places = self.places(torch.arange(words.shape[1])[None])
        return self.head(torch.tanh(self.words(words) + places).mean(dim=1))  # type: ignore[no-any-return]


class Twice(nn.Module):
    """One layer is asked twice, and its output is written over."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 5)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(5, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.head(self.relu(self.layer(self.relu(self.layer(inputs)))))  # type: ignore[no-any-return]


def mlp() -> nn.Module:
    """Two linear layers."""
    return nn.Sequential(nn.Flatten(), nn.Linear(9, 7), nn.Tanh(), nn.Linear(7, 3))


def images(*, inplace: bool = False) -> nn.Module:
    """A convolution, groups and a linear layer."""
    layers = [nn.Conv2d(2, 8, 3), nn.GroupNorm(2, 8), nn.ReLU(inplace=inplace), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(32, 3))


class Sentences(nn.Module):
    """A wide linear layer for every word, dense or sparse, and their mean."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 9)
        self.head = nn.Linear(9, 3)

    def forward(self, words: Tensor) -> Tensor:
        return self.head(torch.tanh(self.layer(words)).mean(dim=1))  # type: ignore[no-any-return]


def odd_images() -> nn.Module:
    """Convolutions with steps, gaps, groups and unequal kernels."""
    layers = [
        nn.Conv2d(2, 4, (3, 2), stride=(2, 1), padding=(1, 2)),
        nn.Conv2d(4, 4, 2, groups=2, padding=1),
        nn.Conv2d(4, 4, 2, dilation=2, bias=False),
        nn.Conv2d(4, 4, 3, padding="same"),
        nn.Conv2d(4, 4, 3, groups=2, padding="same", padding_mode="reflect"),
        nn.Conv2d(4, 3, 2, padding=1, padding_mode="circular"),
    ]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[], Tensor]]] = {
    "linear": (mlp, lambda: torch.rand(12, 9)),
    "convolutions": (lambda: images(inplace=True), lambda: torch.rand(12, 2, 6, 6)),
    "odd convolutions": (odd_images, lambda: torch.rand(12, 2, 6, 6)),
    "words as vectors": (Sentences, lambda: torch.rand(12, 2, 8)),
    "words": (Words, lambda: torch.randint(20, (12, 4))),
    "words and their places": (Places, lambda: torch.randint(20, (12, 4))),
    "a layer asked twice": (Twice, lambda: torch.rand(12, 5)),
}


@pytest.fixture(params=MODELS)
def task(request: pytest.FixtureRequest) -> tuple[Classifier, Batch]:
    """A network in double precision, and a batch."""
    make, inputs = MODELS[request.param]
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = Classifier(make().double())
        drawn = inputs()
    drawn = drawn.double() if drawn.is_floating_point() else drawn
    return network, Batch(inputs=drawn, labels=torch.arange(12) % 3, attributes={})


def half(network: Classifier) -> Topology:
    """Leave out every other weight."""
    return Topology.from_masks(
        {
            name: (torch.arange(weight.numel()) % 2 == 0).reshape(weight.shape)
            for name, weight in network.sparse_parameters().items()
        }
    )


def looped(network: Classifier, batch: Batch) -> list[dict[str, Tensor]]:
    """The gradient of each sample, one backward pass each; what masks leave out is 0."""
    names, parameters = zip(*network.module.named_parameters(), strict=True)
    found = []
    for sample, label in zip(batch.inputs, batch.labels, strict=True):
        loss = F.cross_entropy(network(sample[None]), label[None])
        rows = torch.autograd.grad(loss, parameters)
        masks = [network.masks.get(name, torch.ones(())) for name in names]
        found.append({n: row * mask for n, row, mask in zip(names, rows, masks, strict=True)})
    return found


def averaged(rows: list[dict[str, Tensor]], views: int) -> list[dict[str, Tensor]]:
    """The mean over neighbouring rows, by parameter."""
    return [
        {
            name: torch.stack([row[name] for row in rows[i : i + views]]).mean(dim=0)
            for name in rows[i]
        }
        for i in range(0, len(rows), views)
    ]


def stepped(defence: DpSgd, network: Classifier, batch: Batch, *, seed: int = 0) -> None:
    """One training step up to the optimizer."""
    with defence.inside(network):
        logits, representation = network.represent(batch.inputs)
    losses = F.cross_entropy(logits, batch.labels, reduction="none")
    step = Step(
        batch=batch,
        logits=logits,
        representation=representation,
        losses=losses,
        epoch=0,
        weights=network.sparse_parameters(),
        network=network,
    )
    network.zero_grad()
    losses.mean().backward()
    defence.adjust(step, generator=torch.Generator().manual_seed(seed))


def dp_sgd(schedule: Schedule = SCHEDULE, **params: Any) -> DpSgd:
    """The defence, equipped for so much training."""
    defence = DpSgd(DpSgdParams(**params))
    defence.equip(DefenceInputs(schedule=schedule))
    return defence


@pytest.fixture(params=["at once", "a sample at a time", "kept"])
def bound(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many values are formed at a time, and how many are kept."""
    chunk, kept = {"at once": (2**20, 0), "a sample at a time": (1, 0), "kept": (300, 2**20)}[
        request.param
    ]
    monkeypatch.setattr(layer_gradients, "CHUNK", {"cpu": chunk})
    monkeypatch.setattr(layer_gradients, "KEPT", {"cpu": kept})


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("views", [1, 3])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_gradients_are_those_of_a_loop_over_samples(
    task: tuple[Classifier, Batch], is_sparse: bool, views: int
) -> None:
    """Norms and a weighted sum, to 1e-9; inactive weights count for nothing.

    Of several views of a sample it is the mean of their gradients.
    """
    network, batch = task
    network.topology = half(network) if is_sparse else None
    samples = 12 // views
    one_by_one = averaged(looped(network, batch), views)
    watcher, weights = PerSampleHooks(), torch.linspace(0.1, 1, samples, dtype=torch.float64)

    with watcher.watching(network):
        logits = network(batch.inputs)
    F.cross_entropy(logits, batch.labels).backward()
    found = watcher.gradients(network, samples=samples)

    norms = [torch.cat([row.flatten() for row in rows.values()]).norm() for rows in one_by_one]
    torch.testing.assert_close(found.norms(), torch.stack(norms), rtol=1e-9, atol=1e-12)
    sums = {id(parameter): total for parameter, total in found.weighted_sum(weights)}
    for name, parameter in network.module.named_parameters():
        rows = torch.stack([rows[name] for rows in one_by_one])
        expected = torch.tensordot(weights, rows, dims=1)
        torch.testing.assert_close(sums[id(parameter)], expected, rtol=1e-9, atol=1e-12)


class Sizes(TorchDispatchMode):
    """Size of the largest tensor that an operation makes."""

    largest = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        # A view is as large as what it is of, and takes no memory.
        storages = {
            one.untyped_storage().data_ptr(): one.untyped_storage().nbytes() // one.itemsize
            for one in (made if isinstance(made, tuple | list) else [made])
            if isinstance(one, Tensor)
        }
        self.largest = max(self.largest, *storages.values(), 0)
        return made


@pytest.mark.parametrize("views", [1, 4])
@pytest.mark.parametrize("batch", [64, 256])
def test_gradients_of_a_batch_are_never_all_there(
    batch: int, views: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batch times parameters would be 2 and 9 million values; the bound is 100,000."""
    monkeypatch.setattr(layer_gradients, "CHUNK", {"cpu": 100_000})
    monkeypatch.setattr(layer_gradients, "KEPT", {"cpu": 100_000})
    layers = [nn.Conv2d(4, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 2), nn.Flatten()]
    network = Classifier(nn.Sequential(*layers, nn.Linear(64, 128), nn.Linear(128, 128)))
    network.topology = half(network)
    watcher = PerSampleHooks()
    with watcher.watching(network):
        logits = network(torch.rand(batch, 4, 4, 4))
    F.cross_entropy(logits, torch.arange(batch) % 128).backward()

    with Sizes() as sizes:
        found = watcher.gradients(network, samples=batch // views)
        weights = 1 / found.norms()
        sums = dict(found.weighted_sum(weights))

    assert len(sums) == 8
    assert sizes.largest <= max(100_000, batch * 64 * 4)


def test_clipped_gradients_are_those_of_opacus_own_optimizer() -> None:
    """Noise 0, a whole model without a topology; opacus divides by the batch it expects."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        ours, theirs = Classifier(images()), GradSampleModule(images())
    theirs._module.load_state_dict(ours.module.state_dict())
    batch = Batch(
        inputs=torch.rand(60, 2, 6, 6, generator=torch.Generator().manual_seed(6)),
        labels=torch.arange(60) % 3,
        attributes={},
    )
    optimizer = DPOptimizer(
        torch.optim.SGD(theirs.parameters(), lr=1),
        noise_multiplier=0,
        max_grad_norm=0.8,
        expected_batch_size=60,
    )
    seen = batch.inputs.clone().requires_grad_()  # or the hooks of opacus warn
    F.cross_entropy(theirs(seen), batch.labels).backward()
    optimizer.pre_step()

    stepped(dp_sgd(noise=0, clip=0.8), ours, batch)

    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad)


def test_noise_has_its_deviation_and_spares_what_does_not_exist() -> None:
    """Normal, σ·C over the mean batch of 60; where there is no weight the gradient is exactly 0."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = Classifier(nn.Sequential(nn.Linear(100, 200), nn.Tanh(), nn.Linear(200, 3)))
    network.topology = half(network)
    batch = Batch(inputs=torch.rand(12, 100), labels=torch.arange(12) % 3, attributes={})
    weight = network.module[0].weight

    stepped(dp_sgd(noise=0, clip=0.5), network, batch)
    plain = weight.grad.clone()
    stepped(dp_sgd(noise=3, clip=0.5), network, batch)

    noise = ((weight.grad - plain) * 60 / (3 * 0.5))[network.masks["0.weight"]]
    assert len(noise) == 10_000
    assert stats.kstest(noise.numpy(), "norm").pvalue > 0.01
    assert noise.std().item() == pytest.approx(1, abs=0.03)
    assert not weight.grad[~network.masks["0.weight"]].any()


@pytest.mark.parametrize("is_sparse", [False, True])
def test_views_of_a_sample_are_averaged_before_they_are_clipped(is_sparse: bool) -> None:
    """As one backward pass a view, the mean of each sample's, clipped, and their sum over 60."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = Classifier(images())
    network.topology = half(network) if is_sparse else None
    plain = Batch(
        inputs=torch.rand(6, 2, 6, 6, generator=torch.Generator().manual_seed(6)),
        labels=torch.arange(6) % 3,
        attributes={"group": torch.arange(6) % 2},
        rows=torch.arange(6),
    )
    changes = AugmentationDefence(AugmentationDefenceParams(noise=0.2, translation=0.2))
    seen = changes.transform(plain.repeated(4), generator=torch.Generator().manual_seed(7))
    rows = averaged(looped(network, seen), 4)
    norms = torch.stack([torch.cat([one.flatten() for one in row.values()]).norm() for row in rows])
    limit = float(norms.median())

    stepped(dp_sgd(noise=0, clip=limit, views=4), network, seen)

    assert not torch.equal(seen.inputs[0], seen.inputs[1])
    factors = (limit / norms).clamp(max=1)
    for name, parameter in network.module.named_parameters():
        expected = sum(factor * row[name] for factor, row in zip(factors, rows, strict=True)) / 60
        torch.testing.assert_close(parameter.grad, expected)


def test_equal_views_are_one() -> None:
    """Without a change of inputs, 4 views of a sample give the gradient of one."""
    batch = Batch(inputs=torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    network, grads = Classifier(mlp()), []
    for views in (1, 4):
        stepped(dp_sgd(noise=0, clip=0.3, views=views), network, batch.repeated(views))
        grads.append([parameter.grad.clone() for parameter in network.parameters()])

    for one, other in zip(*grads, strict=True):
        torch.testing.assert_close(one, other)


def test_views_need_a_change_of_inputs_before_them() -> None:
    """Defences are applied in the order of the spec."""
    changes = {"shaken": AugmentationDefence(AugmentationDefenceParams(noise=0.1))}
    alone = problems_of(mlp(), views=8)
    after = problems_of(mlp(), views=8, others=changes)

    assert (
        alone
        == after
        == [
            (
                "views",
                "nothing before it changes inputs, so all 8 views are the same",
                "write training.augmentation, {type: augmentation} before it, or views: 1",
            )
        ]
    )
    assert not problems_of(mlp(), views=8, others=changes, earlier=("shaken",))
    assert not problems_of(mlp(), views=8, draws_views=True)


def test_no_sample_moves_the_sum_by_more_than_the_limit() -> None:
    """What makes it private: without one sample, the sum changes by at most C."""
    network = Classifier(mlp())
    whole = Batch(inputs=50 * torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    sums = []
    for count in (12, 11):
        part = Batch(inputs=whole.inputs[:count], labels=whole.labels[:count], attributes={})
        stepped(dp_sgd(noise=0, clip=0.3), network, part)
        sums.append(torch.cat([60 * one.grad.flatten() for one in network.parameters()]))

    assert (sums[0] - sums[1]).norm().item() == pytest.approx(0.3, rel=1e-4)


@pytest.mark.parametrize(("name", "theirs"), [("rdp", RDPAccountant), ("prv", PRVAccountant)])
def test_epsilon_is_that_of_opacus_accountant(name: str, theirs: type) -> None:
    """Told step by step."""
    network = Classifier(mlp())
    batch = Batch(inputs=torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    defence, accountant = dp_sgd(noise=1.3, accountant=name, delta=1e-4), theirs()
    for _ in range(20):
        stepped(defence, network, batch)
        accountant.step(noise_multiplier=1.3, sample_rate=0.1)

    facts = defence.facts()

    assert facts["epsilon"] == pytest.approx(accountant.get_epsilon(delta=1e-4))
    assert (facts["steps"], facts["sampling_rate"], facts["noise_multiplier"]) == (20, 0.1, 1.3)
    assert f"ε = {facts['epsilon']:.3g} at δ = 0.0001" in facts["text"]
    assert "assumes Poisson sampling, batches were shuffled" in facts["text"]


@pytest.mark.filterwarnings("ignore:Optimal order")
def test_a_budget_becomes_the_noise_that_keeps_to_it() -> None:
    """Over all steps of the schedule; half of them spend less."""
    network = Classifier(mlp())
    batch = Batch(inputs=torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    defence = dp_sgd(epsilon=4.0)
    spent = []
    for _ in range(2):
        for _ in range(25):
            stepped(defence, network, batch)
        spent.append(defence.facts()["epsilon"])

    noise = get_noise_multiplier(
        target_epsilon=4.0, target_delta=1e-5, sample_rate=0.1, steps=50, accountant="rdp"
    )
    assert defence.facts()["noise_multiplier"] == noise
    assert spent[0] < 3.5
    assert 3.98 < spent[1] <= 4.0


def test_the_whole_history_counts_whatever_the_noise_was() -> None:
    """A candidate that goes on with less noise has its parent's steps behind it."""
    network = Classifier(mlp())
    batch = Batch(inputs=torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    parent, child = dp_sgd(noise=2.0), dp_sgd(noise=1.0)
    for _ in range(3):
        stepped(parent, network, batch)
    child.load_state_dict(parent.state_dict())
    for _ in range(2):
        stepped(child, network, batch)

    accountant = RDPAccountant()
    accountant.history = [(2.0, 0.1, 3), (1.0, 0.1, 2)]
    facts = child.facts()
    assert facts["history"] == [[2.0, 0.1, 3], [1.0, 0.1, 2]]
    assert facts["epsilon"] == pytest.approx(accountant.get_epsilon(delta=1e-5))
    assert facts["steps"] == 5


def test_clipping_alone_guarantees_nothing_and_says_so() -> None:
    """ε is infinite; the figures of the clipping are there."""
    network = Classifier(mlp())
    batch = Batch(inputs=torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    defence = dp_sgd(noise=0)
    stepped(defence, network, batch)

    assert not defence.guarantees
    assert dp_sgd(noise=0.01).guarantees
    assert dp_sgd(epsilon=1).guarantees
    assert defence.facts()["epsilon"] is None
    assert defence.facts()["text"] == (
        "no guarantee, since there was no noise: noise multiplier 0, clipping norm 1, 1 steps at a "
        "sampling rate of 0.1"
    )


def test_a_model_that_tests_have_chosen_has_no_epsilon() -> None:
    """The tests looked at members without noise; what was done to gradients is still stated."""
    network = Classifier(mlp())
    batch = Batch(inputs=torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    defence = dp_sgd(epsilon=8, clip=0.5)
    defence.equip(DefenceInputs(schedule=SCHEDULE, is_chosen=True))
    for _ in range(2):
        stepped(defence, network, batch)

    facts = defence.facts()

    assert facts["epsilon"] is None
    assert (facts["steps"], facts["clipping_norm"]) == (2, 0.5)
    assert facts["text"] == (
        "no guarantee, since selection used members without noise: noise multiplier "
        f"{facts['noise_multiplier']:.3g}, clipping norm 0.5, 2 steps at a sampling rate of 0.1"
    )


@pytest.mark.parametrize(
    ("given", "said"), [({}, "neither of epsilon and noise"), ({"epsilon": 1, "noise": 1}, "both")]
)
def test_noise_is_given_one_way(given: dict[str, float], said: str) -> None:
    """The message says what to write."""
    with pytest.raises(ValidationError, match=f"{said}.*set one, for example epsilon: 8"):
        DpSgdParams(**given)


def problems_of(
    module: nn.Module,
    *,
    precision: Precision = PLAIN,
    schedule: Schedule = SCHEDULE,
    others: dict[str, Defence] | None = None,
    earlier: tuple[str, ...] = (),
    draws_views: bool = False,
    **params: Any,
) -> list[tuple[str, str, str]]:
    """What the defence has to say against these surroundings."""
    context = DefenceContext(
        network=Classifier(module),
        schedule=schedule,
        precision=precision,
        others=others or {},
        earlier=earlier,
        draws_views=draws_views,
    )
    found = DpSgd(DpSgdParams(**{"noise": 1.0, **params})).check(context)
    return [(*one.path, one.message, one.hint) for one in found]


def test_layers_in_which_samples_see_each_other_are_refused_by_name() -> None:
    """Batch normalisation, with the models that have none; groups are welcome."""
    layers = [nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4, affine=False), nn.Flatten(), nn.Linear(4, 3)]
    [found] = problems_of(nn.Sequential(*layers))

    assert found[1] == (
        "dp-sgd does not support '1' (BatchNorm2d): it mixes samples of a batch, so per-sample "
        "gradients are undefined"
    )
    assert "normalisation: group" in found[2]
    assert not problems_of(images())


def test_layers_of_which_opacus_knows_nothing_are_refused_by_name() -> None:
    """Attention keeps weights of its own."""

    class Attending(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2)
            self.head = nn.Linear(4, 3)

    [found] = problems_of(Attending())

    assert found[1] == (
        "opacus has no per-sample gradients for 'attention' (MultiheadAttention) and 1 more"
    )


def test_a_padding_that_opacus_takes_for_zeros_is_refused() -> None:
    """Its norms would be wrong; in two dimensions ours are right."""
    layers = [nn.Conv1d(1, 2, 3, padding=1, padding_mode="circular"), nn.Flatten()]

    [found] = problems_of(nn.Sequential(*layers, nn.Linear(8, 3)))

    assert found[1] == "opacus has no per-sample gradients for '0' (Conv1d)"
    assert not problems_of(odd_images())


def test_neighbours_must_be_about_one_sample_at_a_time() -> None:
    """Mixtures and penalties are refused by id; entropy of every sample is welcome."""
    found = problems_of(
        mlp(),
        others={
            "mixup": Mixup(MixupParams()),
            "small": L2(L2Params()),
            "unsure": EntropyRegularisation(EntropyRegularisationParams(on="all")),
            "wrong": EntropyRegularisation(EntropyRegularisationParams(on="misclassified")),
            "twin": DpSgd(DpSgdParams(noise=1)),
        },
    )

    assert [one[1].split()[0] for one in found] == ["'mixup'", "'small'", "'wrong'", "'twin'"]
    assert {one[2] for one in found} == {"remove one of the two"}


def test_budgets_that_say_nothing_are_refused() -> None:
    """δ of 1 in 600 lets one of 600 be published; some budgets no noise can keep to."""
    [(field, message, hint)] = problems_of(mlp(), delta=1 / 600)
    assert (field, hint) == ("delta", "write less than 0.002")
    assert "one of 600 members" in message
    [(field, message, _)] = problems_of(mlp(), noise=None, epsilon=1e-9)
    assert (field, message) == ("epsilon", "no noise level reaches an epsilon of 1e-09")


def test_scaled_gradients_are_refused() -> None:
    """Clipping would mean something else at every scale."""
    half_precision = Precision(dtype=torch.float16)

    assert [one[0] for one in problems_of(mlp(), precision=half_precision)] == ["type"]


def test_what_learns_unseen_is_an_error() -> None:
    """A weight that is used past its layer would get the members' own gradient, without noise."""

    class Past(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.head = nn.Linear(9, 4), nn.Linear(4, 3)

        def forward(self, inputs: Tensor) -> Tensor:
            return self.head(F.linear(inputs, self.first.weight))  # type: ignore[no-any-return]

    batch = Batch(inputs=torch.rand(12, 9), labels=torch.arange(12) % 3, attributes={})
    with pytest.raises(
        SafeCompressError, match=r"dp-sgd: first\.weight has a gradient from outside"
    ):
        stepped(dp_sgd(noise=1), Classifier(Past()), batch)


def test_without_opacus_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the defence is built, which is before anything is trained."""
    for module in [name for name in sys.modules if name.partition(".")[0] == "opacus"]:
        monkeypatch.delitem(sys.modules, module)
    for module in ("dp_sgd", "per_sample", "layer_gradients", "convolution_gradients"):
        monkeypatch.delitem(sys.modules, f"safecompress_plugins.defences.training.{module}")
    monkeypatch.setitem(sys.modules, "opacus", None)

    with pytest.raises(MissingExtraError, match=r"pip install '.*\[dp\]'"):
        load_plugins().registry.create(DpSgdParams(noise=1))
