"""Whether defences do what they are for, on real data: a model that has learned by heart."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F

from safecompress_core.host import load_plugins
from safecompress_core.toolkit import Classifier, Defence, DefenceInputs, Seed
from safecompress_core.training.settings import Settings
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import TrainingState
from safecompress_plugins.data.arrays.handwriting import Handwriting
from safecompress_plugins.data.manifest import HandwritingParams
from safecompress_plugins.models.manifest import MlpParams
from safecompress_plugins.models.mlp import Mlp

pytestmark = pytest.mark.slow

EPOCHS = 100
DATA = Handwriting(HandwritingParams()).load()
ORDER = torch.randperm(len(DATA), generator=torch.Generator().manual_seed(3))
MEMBERS, REFERENCE, OTHERS = ORDER[:400], ORDER[400:800], ORDER[800:]


@cache
def trained(
    kind: str = "",
    *,
    teacher: Classifier | None = None,
    hidden: int = 128,
    weights: int = 1,
    **params: Any,
) -> Classifier:
    """A dense perceptron, trained with one defence or none; its first weights are of a seed."""
    network = Classifier(
        Mlp(MlpParams(hidden=[hidden])).build(
            input_shape=(1, 8, 8), classes=14, generator=torch.Generator().manual_seed(weights)
        )
    )
    trainer = Trainer(
        DATA,
        MEMBERS,
        batch_size=64,
        device=torch.device("cpu"),
        seed=Seed(5),
        epochs=EPOCHS,
        reference=REFERENCE,
    )
    registry = load_plugins().registry

    def made(_: str, given: Any) -> Defence:
        defence: Defence = registry.create(given)
        defence.prepare(
            representation=hidden, classes=14, attributes={}, generator=torch.Generator()
        )
        defence.equip(
            DefenceInputs(
                schedule=trainer.schedule,
                bounds=trainer.bounds,
                reference=trainer.reference,
                teacher=teacher,
            )
        )
        return defence

    definitions = {one.name: one for one in registry if one.kind == "defence"}
    chosen = {kind: definitions[kind].params.model_validate(params)} if kind else {}
    state = TrainingState(
        network,
        None,
        Settings(learning_rate=0.003, density=1.0, update_fraction=0, rule=0, defences=chosen),
        make_optimizer=lambda parameters, rate: torch.optim.Adam(parameters, lr=rate),
        make_defence=made,
    )
    trainer.train(state, until=EPOCHS, topology_schedule=None, what=kind)
    return network.eval().requires_grad_(requires_grad=False)


def leak(network: Classifier) -> float:
    """AUC of the loss as a sign of membership, by scikit-learn."""
    rows = torch.cat([MEMBERS, OTHERS])
    losses = F.cross_entropy(network(DATA.inputs[rows]), DATA.labels[rows], reduction="none")
    return float(roc_auc_score([1] * len(MEMBERS) + [0] * len(OTHERS), -losses))


@pytest.fixture(scope="module")
def undefended() -> Classifier:
    """It knows its members."""
    network = trained()
    assert leak(network) > 0.8
    return network


@pytest.mark.parametrize(
    ("kind", "params", "less"),
    [
        ("dp-sgd", {"noise": 0, "clip": 0.05}, 0.03),
        ("dp-sgd", {"noise": 0.5, "clip": 0.1}, 0.1),
        ("early-stopping", {"patience": 5}, 0.05),
        ("dropout", {"rate": 0.5}, 0.02),
        ("l1", {"weight": 1e-3}, 0.06),
        ("pair-regularisation", {"weight": 8}, 0.02),
        ("dmp", {}, 0.08),
    ],
)
def test_members_are_told_apart_less_well(
    undefended: Classifier, kind: str, params: dict[str, Any], less: float
) -> None:
    """By an attack that knows the true loss."""
    teacher = undefended if kind == "dmp" else None

    assert leak(trained(kind, teacher=teacher, **params)) < leak(undefended) - less


def test_ranked_answers_become_alike(undefended: Classifier) -> None:
    """What pairs are regularised for: the spread of the sorted posteriors falls by half."""

    def spread(network: Classifier) -> float:
        posteriors = network(DATA.inputs[MEMBERS]).softmax(dim=1).sort(dim=1).values
        return posteriors.std(dim=0).mean().item()

    assert spread(trained("pair-regularisation", weight=8)) < spread(undefended) / 2


def test_answers_become_less_sure(undefended: Classifier) -> None:
    """HAMP's labels have at least eight tenths of the entropy that there can be."""

    def entropy(network: Classifier) -> float:
        posteriors = network(DATA.inputs[MEMBERS]).softmax(dim=1)
        return torch.special.entr(posteriors).sum(dim=1).mean().item()

    most = float(torch.tensor(14.0).log())
    assert entropy(undefended) < 0.4 * most
    assert entropy(trained("hamp", entropy=0.8)) > 0.7 * most


def test_a_model_withstands_what_it_was_trained_against(
    undefended: Classifier, moved: Callable[[Classifier], torch.Tensor]
) -> None:
    """Of the unseen samples that it gets right, far more stay right under attack."""
    robust = trained("adversarial-training", epsilon=0.1, steps=5)

    def survival(network: Classifier) -> float:
        labels = DATA.labels[OTHERS]
        right = network(DATA.inputs[OTHERS]).argmax(dim=1) == labels
        still = network(moved(network)).argmax(dim=1) == labels
        return float((right & still).sum() / right.sum())

    assert survival(robust) > survival(undefended) + 0.2


@pytest.mark.parametrize("weights", [2, 3])
def test_a_smaller_model_answers_for_the_same_reasons(undefended: Classifier, weights: int) -> None:
    """Integrated gradients on unseen samples rank inputs more alike than after plain training."""
    attribution = pytest.importorskip("safecompress_plugins.metrics.attribution")
    inputs = DATA.inputs[OTHERS[:200]]
    answers = undefended(inputs).argmax(dim=1)

    def attributions(network: Classifier) -> Any:
        found = attribution.attribute_inputs(
            network, inputs, answers, method="integrated-gradients", steps=16
        )
        return found.flatten(1).double().numpy()

    def agreement(network: Classifier) -> float:
        pair = attributions(undefended), attributions(network)
        return float(attribution.rank_correlation(*pair).mean())

    plain = trained(hidden=32, weights=weights)
    preserved = trained(
        "attribution-preservation", teacher=undefended, hidden=32, weights=weights, weight=3.0
    )

    assert agreement(preserved) > agreement(plain) + 0.05


@pytest.fixture
def moved() -> Callable[[Classifier], torch.Tensor]:
    """Unseen samples, each moved by a single step along the gradient's sign, for any model."""

    def of(network: Classifier) -> torch.Tensor:
        inputs = DATA.inputs[OTHERS].clone().requires_grad_()
        loss = F.cross_entropy(network(inputs), DATA.labels[OTHERS])
        (gradient,) = torch.autograd.grad(loss, inputs)
        return (inputs + 0.1 * gradient.sign()).clamp(0, 1).detach()

    return of
