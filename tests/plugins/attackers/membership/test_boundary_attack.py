"""Distances to the decision boundary, found by asking for labels."""

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from safecompress_core.api import Access, AttackerDef
from safecompress_core.errors import MissingExtraError
from safecompress_core.host import load_plugins
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    Observations,
    PoolError,
    correctness,
    observe,
)
from safecompress_plugins.attackers.membership.boundary_attack import BoundaryAttack
from safecompress_plugins.attackers.membership.label_only_manifest import (
    DEFINITIONS,
    BoundaryParams,
)

[BOUNDARY] = [one for one in DEFINITIONS if one.name == "boundary"]
needs_toolbox = pytest.mark.skipif(
    find_spec("art") is None, reason="the extra 'attacks' is not installed"
)


class TestBoundary(AttackerConformance):
    definition: AttackerDef = BOUNDARY
    params = {"steps": 2, "queries": 20}


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge


def fitted(known: Observations, **params: Any) -> BoundaryAttack:
    """An attacker that has drawn its anchors and directions."""
    attacker = BoundaryAttack(BoundaryParams(**params))
    knowledge = AdversaryKnowledge(seen=known.restrict(Access.LABEL_ONLY), truth=None, values=2)
    attacker.fit(knowledge, generator=torch.Generator().manual_seed(0))
    return attacker


def distances(attacker: BoundaryAttack, seen: Observations) -> Tensor:
    """What the attacker measures with label-only access."""
    asked = AdversaryKnowledge(seen=seen.restrict(Access.LABEL_ONLY), truth=None, values=2)
    return attacker.score(asked)


def test_distances_tell_more_than_being_right(leaky: Leaky) -> None:
    """One bit a sample gives an AUC of 0.74."""
    assert leaky.pool.truth is not None
    seen = leaky.pool.seen
    one_bit = roc_auc_score(leaky.pool.truth, correctness(seen.predictions, seen.labels))

    found = roc_auc_score(leaky.pool.truth, distances(fitted(leaky.known.seen), seen))

    assert found > one_bit + 0.02


@pytest.fixture
def linear() -> tuple[Observations, Tensor]:
    """A linear model that is always right, and its samples' true distances to the boundary."""
    generator = torch.Generator().manual_seed(0)
    head = nn.Linear(16, 5)
    with torch.no_grad():
        for parameter in head.parameters():
            parameter.normal_(generator=generator)
        inputs = torch.randn(200, 16, generator=generator)
        logits = head(inputs)
    labels = logits.argmax(dim=1)
    margins = logits.gather(1, labels[:, None]) - logits
    apart = (head.weight[labels][:, None] - head.weight).norm(dim=2).detach()
    rivals = (margins / apart).masked_fill(apart == 0, torch.inf)
    return observe(Classifier(head), inputs, labels), rivals.amin(dim=1)


def test_a_linear_boundary_is_found_where_it_is(linear: tuple[Observations, Tensor]) -> None:
    """Never nearer than it is, and more exactly the more is asked."""
    seen, expected = linear
    rough, fine = (
        distances(fitted(seen, steps=steps, queries=queries), seen) / expected
        for steps, queries in ((1, 10), (8, 60))
    )

    assert rough.min() > 0.999
    assert fine.min() > 0.999
    assert fine.median() < 1.05
    assert fine.median() < rough.median()


def test_a_sample_that_is_predicted_wrongly_is_at_no_distance(
    linear: tuple[Observations, Tensor], leaky: Leaky
) -> None:
    """And only such a sample is."""
    seen = leaky.pool.seen.take(torch.arange(600, 700))

    found = distances(fitted(leaky.known.seen, steps=1, queries=5), seen)

    assert torch.equal(found > 0, seen.predictions == seen.labels)


def test_where_no_other_label_is_known_it_is_as_far_as_was_looked() -> None:
    """A model with one answer has no boundary; the farthest anchor bounds what is known."""
    head = nn.Linear(2, 2)
    with torch.no_grad():
        nn.init.zeros_(head.weight)
        head.bias.copy_(torch.tensor([1.0, 0.0]))
    inputs = torch.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    seen = observe(Classifier(head), inputs, torch.tensor([0, 0, 1]))

    found = distances(fitted(seen), seen)

    torch.testing.assert_close(found, torch.tensor([5.0, 5.0, 0.0]))


def one_hot_answers(seen: Observations) -> Callable[[np.ndarray], np.ndarray]:
    """The model as another library asks it: labels alone, as rows of an identity matrix."""

    def answered(inputs: np.ndarray) -> np.ndarray:
        labels = seen.predict(torch.as_tensor(inputs, dtype=torch.float32))
        return np.eye(seen.classes, dtype=np.float32)[labels]

    return answered


def test_another_librarys_hop_skip_jump_finds_no_nearer_boundary(leaky: Leaky) -> None:
    """adversarial-robustness-toolbox 1.20 on 25 samples of a real model, with as many steps.

    It starts from random images, ours from other samples, so the paths differ, and neither knows
    the true distance: what can be compared is who found the nearer point of another label.
    """
    evasion = pytest.importorskip("art.attacks.evasion")
    estimators = pytest.importorskip("art.estimators.classification")
    right = leaky.pool.seen.predictions == leaky.pool.seen.labels
    seen = leaky.pool.seen.take(right.nonzero()[:25, 0])
    model = estimators.BlackBoxClassifier(
        one_hot_answers(seen), input_shape=(64,), nb_classes=14, clip_values=(0, 1)
    )
    jumps = evasion.HopSkipJump(
        model, norm=2, max_iter=8, init_eval=60, max_eval=200, init_size=100, verbose=False
    )
    before = np.random.get_state()  # noqa: NPY002  it draws from numpy's global state
    try:
        np.random.seed(0)  # noqa: NPY002
        moved = jumps.generate(seen.inputs.numpy())
    finally:
        np.random.set_state(before)  # noqa: NPY002
    theirs = np.linalg.norm(moved - seen.inputs.numpy(), axis=1)

    ours = distances(fitted(leaky.known.seen, steps=8, queries=60), seen).numpy()

    assert ours.mean() < theirs.mean()
    assert (ours < theirs).mean() > 0.8


@pytest.mark.slow
@needs_toolbox
class TestBoundaryByTheToolbox(AttackerConformance):
    definition: AttackerDef = BOUNDARY
    params = {"search": "hopskipjump", "steps": 1, "queries": 2, "budget": 15}


@needs_toolbox
def test_the_toolbox_finds_a_linear_boundary_where_it_is(
    linear: tuple[Observations, Tensor],
) -> None:
    """Never nearer than it is, and more exactly the more may be asked."""
    seen, expected = linear
    some, known = seen.take(torch.arange(20)), expected[:20]
    rough, fine = (
        distances(fitted(seen, search="hopskipjump", steps=30, queries=20, budget=budget), some)
        / known
        for budget in (50, 1000)
    )

    assert rough.min() > 0.999
    assert fine.min() > 0.999
    assert fine.median() < 1.1
    assert fine.median() < rough.median()


@needs_toolbox
def test_the_toolbox_leaves_global_states_as_they_were(leaky: Leaky) -> None:
    """And whatever they are, its distances are the same."""
    seen = leaky.pool.seen.take(torch.arange(12))
    attacker = fitted(leaky.known.seen, search="hopskipjump", budget=200)
    found = []
    kept = np.random.get_state()  # noqa: NPY002  numpy's global state is what this is about
    try:
        for seed in (1, 2):
            np.random.seed(seed)  # noqa: NPY002
            found.append(distances(attacker, seen))
            assert np.random.rand() == np.random.RandomState(seed).rand()  # noqa: NPY002
    finally:
        np.random.set_state(kept)  # noqa: NPY002

    assert torch.equal(*found)


@needs_toolbox
def test_no_sample_is_asked_about_more_often_than_the_budget_allows(leaky: Leaky) -> None:
    """All questions about a sample are counted, not only those that estimate a direction."""
    seen = leaky.pool.seen.take(leaky.pool.seen.predictions == leaky.pool.seen.labels)
    one = seen.take(torch.tensor([0]))
    attacker = fitted(leaky.known.seen, search="hopskipjump", steps=50, budget=75)
    asked: list[int] = []
    predict = Observations.predict

    def counted(self: Observations, inputs: Tensor) -> Tensor:
        asked.append(len(inputs))
        return predict(self, inputs)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Observations, "predict", counted)
        distances(attacker, one)

    anchors, *about_it = asked
    assert anchors == 200
    assert 40 < sum(about_it) <= 75


def test_what_is_missing_is_said_when_the_attacker_is_built(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is trained; without it the attack's own search works."""
    for name in {"art", *sys.modules}:
        if name.partition(".")[0] == "art":
            monkeypatch.setitem(sys.modules, name, None)  # type: ignore[arg-type]
    monkeypatch.delitem(
        sys.modules, "safecompress_plugins.attackers.membership.hop_skip_jump", raising=False
    )
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry

    with pytest.raises(MissingExtraError, match=r"art is not .*\[attacks\]'"):
        registry.create(BoundaryParams(search="hopskipjump"))

    assert isinstance(registry.create(BoundaryParams()), BoundaryAttack)


def test_there_must_be_somewhere_to_start(leaky: Leaky) -> None:
    """An empty pool is an error with words."""
    empty = replace(leaky.known, seen=leaky.known.seen.take(torch.arange(0)))

    with pytest.raises(PoolError, match="attack-train is empty"):
        BoundaryAttack(BoundaryParams()).fit(empty, generator=torch.Generator())
