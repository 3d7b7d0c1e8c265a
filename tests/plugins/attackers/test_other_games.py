"""Evasion, inversion and extraction: conformance, and beside implementations that are not ours."""

import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.api import Access, AttackerDef
from safecompress_core.testing import (
    EvaderConformance,
    ExtractorConformance,
    InverterConformance,
)
from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    InversionTargets,
    Observations,
    PerturbationBudget,
    observe,
)
from safecompress_plugins.attackers.evasion.manifest import FgsmParams, PgdParams
from safecompress_plugins.attackers.extraction.knockoff import Knockoff
from safecompress_plugins.attackers.extraction.manifest import KnockoffParams
from safecompress_plugins.attackers.inversion.dlg import Dlg, label_of
from safecompress_plugins.attackers.inversion.manifest import DlgParams, MiFaceParams
from safecompress_plugins.attackers.inversion.mi_face import MiFace
from safecompress_plugins.attackers.manifest import DEFINITIONS

pytest.importorskip("foolbox", reason="the extra 'attacks' is not installed")

BY_NAME = {definition.name: definition for definition in DEFINITIONS}
LOW, HIGH = torch.zeros(()), torch.ones(())


class TestFgsm(EvaderConformance):
    definition: AttackerDef = BY_NAME["fgsm"]
    params = {"epsilon": 0.1}


class TestPgd(EvaderConformance):
    definition: AttackerDef = BY_NAME["pgd"]
    params = {"epsilon": 0.1, "restarts": 2}


class TestPgdInTheEuclideanNorm(EvaderConformance):
    definition: AttackerDef = BY_NAME["pgd"]
    params = {"epsilon": 0.1, "norm": "l2"}
    norm = "l2"


class TestMiFace(InverterConformance):
    definition: AttackerDef = BY_NAME["mi-face"]
    params = {"step_size": 1.0, "confidence": 0.9}


class TestDlg(InverterConformance):
    definition: AttackerDef = BY_NAME["dlg"]


class TestKnockoff(ExtractorConformance):
    definition: AttackerDef = BY_NAME["knockoff"]


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge


def strangers(
    knowledge: AdversaryKnowledge, access: Access = Access.WHITE_BOX
) -> AdversaryKnowledge:
    """The non-members of a pool."""
    assert knowledge.truth is not None
    seen = knowledge.seen.take(~knowledge.truth).restrict(access)
    return AdversaryKnowledge(seen=seen, truth=None, values=seen.classes)


def toolbox(seen: Observations) -> Any:
    """The same network as the adversarial-robustness-toolbox takes it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that it looks for
        classification = pytest.importorskip("art.estimators.classification")
    network = seen.network()
    return classification.PyTorchClassifier(
        model=network,
        loss=nn.CrossEntropyLoss(),
        input_shape=tuple(seen.inputs.shape[1:]),
        nb_classes=seen.classes,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )


def robust_accuracy(seen: Observations, moved: Tensor) -> float:
    """Share of moved samples that are answered rightly."""
    return float((seen.predict(moved) == seen.labels).double().mean())


@pytest.mark.parametrize(("norm", "order", "epsilon"), [("linf", np.inf, 0.02), ("l2", 2, 0.15)])
def test_fgsm_is_that_of_the_adversarial_robustness_toolbox(
    leaky: Leaky, norm: Any, order: float, epsilon: float
) -> None:
    """The same robust accuracy of a real model, and the same moved samples."""
    from safecompress_plugins.attackers.evasion.gradient_evasion import Fgsm

    knowledge = strangers(leaky.pool)
    seen = knowledge.seen
    attacks = pytest.importorskip("art.attacks.evasion")
    theirs = torch.as_tensor(
        attacks.FastGradientMethod(toolbox(seen), norm=order, eps=epsilon).generate(
            seen.inputs.numpy(), y=seen.labels.numpy()
        )
    )

    budget = PerturbationBudget(norm=norm, epsilon=epsilon, low=LOW, high=HIGH)
    attacker = Fgsm(FgsmParams(norm=norm, epsilon=epsilon))
    ours = attacker.perturb(knowledge, budget, generator=torch.Generator())

    right = seen.predictions == seen.labels
    # A gradient that is 0 but for rounding has either sign.
    assert float(((ours - theirs)[right].abs() <= 1e-4).double().mean()) > 0.999
    assert robust_accuracy(seen, ours) == pytest.approx(robust_accuracy(seen, theirs), abs=0.01)
    assert 0.05 < robust_accuracy(seen, ours) < float(right.double().mean()) - 0.05


@pytest.mark.parametrize(("norm", "order", "epsilon"), [("linf", np.inf, 0.05), ("l2", 2, 0.15)])
def test_pgd_gets_as_far_as_that_of_the_adversarial_robustness_toolbox(
    leaky: Leaky, norm: Any, order: float, epsilon: float
) -> None:
    """Both from one random start, which makes no odds after 40 steps: the same loss and accuracy.

    A single step (`fgsm`) stays at least a tenth under that loss.
    """
    from safecompress_plugins.attackers.evasion.gradient_evasion import Fgsm, Pgd

    knowledge = strangers(leaky.pool)
    seen = knowledge.seen
    budget = PerturbationBudget(norm=norm, epsilon=epsilon, low=LOW, high=HIGH)
    attacker = Pgd(PgdParams(norm=norm, epsilon=epsilon, steps=40, step_size=epsilon / 8))
    ours = attacker.perturb(knowledge, budget, generator=torch.Generator().manual_seed(0))
    theirs = descended(seen, norm=order, eps=epsilon, eps_step=epsilon / 8, max_iter=40)
    single = Fgsm(FgsmParams(norm=norm, epsilon=epsilon)).perturb(
        knowledge, budget, generator=torch.Generator()
    )

    budget.check(ours, seen.inputs)
    assert loss_after(seen, ours) == pytest.approx(loss_after(seen, theirs), rel=0.05)
    assert loss_after(seen, ours) > loss_after(seen, single) * 1.1
    assert robust_accuracy(seen, ours) == pytest.approx(robust_accuracy(seen, theirs), abs=0.02)


def loss_after(seen: Observations, moved: Tensor) -> float:
    """Mean cross-entropy of the samples that were answered rightly before they were moved."""
    right = seen.predictions == seen.labels
    with torch.no_grad():
        return float(F.cross_entropy(seen.network()(moved[right]), seen.labels[right]))


def descended(seen: Observations, **settings: Any) -> Tensor:
    """What the toolbox's projected gradient descent makes of samples, from one random start."""
    attacks = pytest.importorskip("art.attacks.evasion")
    before = np.random.get_state()  # noqa: NPY002  it draws from numpy's global state
    np.random.seed(0)  # noqa: NPY002
    descent = attacks.ProjectedGradientDescent(
        toolbox(seen), num_random_init=1, verbose=False, **settings
    )
    moved = descent.generate(seen.inputs.numpy(), y=seen.labels.numpy())
    np.random.set_state(before)  # noqa: NPY002
    return torch.as_tensor(moved)


def test_samples_come_back_exactly_from_the_gradients_of_a_linear_layer() -> None:
    """Hand-worked: row i of the weights' gradient is the input times the gradient of bias i."""
    seen = linear(lambda _: None)
    found = Dlg(DlgParams()).reconstruct(
        AdversaryKnowledge(seen=seen, truth=None, values=10),
        gradients(seen, 6),
        generator=torch.Generator(),
    )

    torch.testing.assert_close(found, seen.inputs[:6], atol=1e-6, rtol=0)


def test_gradients_of_a_smooth_network_lead_to_the_sample_by_descent_alone() -> None:
    """Without a bias in the first layer nothing can be read off; L-BFGS gets there all the same."""
    generator = torch.Generator().manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 128, bias=False), nn.Sigmoid(), nn.Linear(128, 10))
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.5, 0.5, generator=generator)
    inputs, labels = digits()
    seen = observe(Classifier(module), inputs, labels)

    found = Dlg(DlgParams()).reconstruct(
        AdversaryKnowledge(seen=seen, truth=None, values=10),
        gradients(seen, 3),
        generator=generator,
    )

    torch.testing.assert_close(found, inputs[:3], atol=0.01, rtol=0)


def test_the_label_is_read_off_the_gradient() -> None:
    """With and without a bias in the last layer, for every sample."""
    for bias in (True, False):
        module = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10, bias=bias))
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.uniform_(-0.3, 0.3, generator=torch.Generator().manual_seed(1))
        inputs, labels = digits()
        seen = observe(Classifier(module), inputs[:40], labels[:40])

        said = [label_of(seen.network(), one) for one in gradients(seen, 40).gradients]

        assert said == labels[:40].tolist()


def test_mi_face_follows_the_path_of_the_adversarial_robustness_toolbox() -> None:
    """As many steps of the same size on the same model, with no stopping in between."""
    seen = linear(trained)
    inference = pytest.importorskip("art.attacks.inference.model_inversion")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classification = pytest.importorskip("art.estimators.classification")
    model = classification.PyTorchClassifier(
        model=nn.Sequential(seen.network(), nn.Softmax(dim=1)),
        loss=nn.NLLLoss(),
        input_shape=(64,),
        nb_classes=10,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    theirs = inference.MIFace(
        model, max_iter=60, window_length=1000, threshold=1.0, learning_rate=0.5, verbose=False
    ).infer(np.zeros((10, 64), dtype=np.float32), y=np.arange(10))

    attacker = MiFace(MiFaceParams(steps=60, patience=1000, confidence=1.0, step_size=0.5))
    knowledge = AdversaryKnowledge(seen=seen, truth=None, values=10)
    attacker.fit(knowledge, generator=torch.Generator())
    targets = InversionTargets(classes=torch.arange(10), gradients=(), low=LOW, high=HIGH)
    ours = attacker.reconstruct(knowledge, targets, generator=torch.Generator())

    torch.testing.assert_close(ours, torch.as_tensor(theirs), atol=1e-4, rtol=0)
    assert torch.equal(seen.predict(ours), torch.arange(10))


def test_knockoff_is_as_faithful_as_that_of_the_adversarial_robustness_toolbox(
    leaky: Leaky,
) -> None:
    """The same samples, posteriors and shape of network; other initial weights and batches."""
    known, pool = (strangers(one, Access.BLACK_BOX) for one in (leaky.known, leaky.pool))
    attacker = Knockoff(KnockoffParams())
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    ours = (attacker.answer(pool.seen.inputs) == pool.seen.predictions).double().mean()

    theirs = (thieved(leaky, known, pool) == pool.seen.predictions.numpy()).mean()

    assert float(ours) == pytest.approx(theirs, abs=0.06)
    assert float(ours) > 0.4


def thieved(leaky: Leaky, known: AdversaryKnowledge, pool: AdversaryKnowledge) -> Any:
    """What the toolbox's clone answers to a pool."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the libraries that it looks for
        extraction = pytest.importorskip("art.attacks.extraction")
        classification = pytest.importorskip("art.estimators.classification")
    mean, deviation = known.seen.inputs.mean(), known.seen.inputs.std(correction=0)

    def scaled(inputs: Tensor) -> np.ndarray:
        return ((inputs - mean) / deviation).numpy()

    victim = classification.BlackBoxClassifier(
        lambda x: leaky.pool.seen.query(torch.as_tensor(x) * deviation + mean).numpy(),
        input_shape=(64,),
        nb_classes=14,
    )
    before = np.random.get_state()  # noqa: NPY002  it draws from numpy's global state
    with torch.random.fork_rng():
        torch.manual_seed(0)
        np.random.seed(0)  # noqa: NPY002
        network = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 14))
        clone = classification.PyTorchClassifier(
            model=network,
            loss=nn.CrossEntropyLoss(),
            optimizer=torch.optim.Adam(network.parameters(), lr=1e-3),
            input_shape=(64,),
            nb_classes=14,
            device_type="cpu",
        )
        extraction.KnockoffNets(
            victim,
            batch_size_fit=64,
            nb_epochs=100,
            nb_stolen=len(known.seen),
            use_probability=True,
            verbose=False,
        ).extract(scaled(known.seen.inputs), thieved_classifier=clone)
    np.random.set_state(before)  # noqa: NPY002
    return clone.predict(scaled(pool.seen.inputs)).argmax(axis=1)


def digits() -> tuple[Tensor, Tensor]:
    """200 real images of shape (64,) and what they show."""
    loaded: Any = load_digits()
    inputs = torch.as_tensor(loaded.data[:200], dtype=torch.float32) / 16
    return inputs, torch.as_tensor(loaded.target[:200], dtype=torch.int64)


def trained(network: Classifier) -> None:
    """Learns the digits."""
    inputs, labels = digits()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)
    for _ in range(100):
        optimizer.zero_grad()
        F.cross_entropy(network(inputs), labels).backward()
        optimizer.step()


def linear(prepare: Callable[[Classifier], None]) -> Observations:
    """One linear layer, as it is made or trained."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, 64, 10)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.uniform_(-0.1, 0.1, generator=torch.Generator().manual_seed(2))
    network = Classifier(layer)
    prepare(network)
    return observe(network, *digits())


def gradients(seen: Observations, count: int) -> InversionTargets:
    """Those of the first samples, by a plain loop."""
    network = seen.network().double()
    named = dict(network.module.named_parameters())
    found = []
    for one, label in zip(seen.inputs[:count].double(), seen.labels[:count], strict=True):
        loss = F.cross_entropy(network(one[None]), label[None])
        parts = torch.autograd.grad(loss, list(named.values()))
        found.append(dict(zip(named, parts, strict=True)))
    nothing = torch.zeros(0, dtype=torch.int64)
    return InversionTargets(classes=nothing, gradients=tuple(found), low=LOW, high=HIGH)
