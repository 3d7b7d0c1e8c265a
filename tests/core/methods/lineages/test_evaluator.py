"""Tests of candidates: warm-started copies, the same draws for all, one look at the model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from safecompress_core.api import Access, Kind
from safecompress_core.attacks.observations import Observations
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool, SamplePools
from safecompress_core.games.play import Attack
from safecompress_core.host import load_plugins
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.metric import SampleMetric
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.output_guard import (
    GuardedClassifier,
    GuardTrainingData,
    OutputGuard,
)
from safecompress_core.results.events import EventLog
from safecompress_core.seeding import Seed

MakeNetwork = Callable[..., Classifier]
HELD = (Access.BLACK_BOX, Access.WHITE_BOX)
FACTS = {"round": 1, "candidate": "r1c1", "strategy": "keep"}


class Accuracy(SampleMetric):
    def per_sample(self, unseen: Observations) -> Tensor:
        return (unseen.predictions == unseen.labels).float()


@pytest.fixture
def events() -> list[Mapping[str, Any]]:
    """What the examiner tells."""
    return []


@pytest.fixture
def examiner(
    mislabelled: Dataset, pools: SamplePools, spies: Any, events: list[Mapping[str, Any]]
) -> Callable[..., CandidateEvaluator]:
    """Makes examiners of the same seed with some attacks."""

    def made(attacks: Sequence[Attack], *, create: Any = spies.create) -> CandidateEvaluator:
        return CandidateEvaluator(
            attacks,
            Accuracy(),
            dataset=mislabelled,
            pools=pools,
            create=create,
            events=EventLog(events.append),
            seed=Seed(2),
        )

    return made


def test_attackers_are_copied_for_each_candidate_and_not_shared(
    examiner: Callable[..., CandidateEvaluator], network: MakeNetwork, spies: Any
) -> None:
    """Each candidate's attacker has been fitted once and adapted once; the armed one stays."""
    board = examiner([spies.attack("one"), spies.attack("two")])
    fitted_attackers = board.fit_attackers(network(), unit="0")

    for _ in range(3):
        board.evaluate(network(), fitted_attackers, unit="0", facts=FACTS)

    assert {name: [what for what, _ in a.history] for name, a in fitted_attackers.items()} == {
        "one": ["fit"],
        "two": ["fit"],
    }
    assert [what for what, *_ in spies.log].count("fit") == 2
    assert [what for what, *_ in spies.log].count("adapt") == 6


def test_all_candidates_of_a_unit_are_attacked_from_the_same_draws(
    examiner: Callable[..., CandidateEvaluator], network: MakeNetwork, spies: Any
) -> None:
    """Whatever was tested before; another unit and another attacker draw other numbers."""
    board = examiner([spies.attack("one"), spies.attack("two")])
    for unit in ("0", "1"):
        fitted_attackers = board.fit_attackers(network(), unit=unit)
        for _ in range(2):
            board.evaluate(network(), fitted_attackers, unit=unit, facts=FACTS)
    adapted = [drawn for what, drawn, _ in spies.log if what == "adapt"]
    fitted = [drawn for what, drawn, _ in spies.log if what == "fit"]

    assert adapted[:2] == adapted[2:4]
    assert adapted[4:6] == adapted[6:8]
    assert len({*adapted, *fitted}) == 4 + 4


def test_attackers_learn_from_attack_train_and_are_asked_about_select(
    examiner: Callable[..., CandidateEvaluator],
    network: MakeNetwork,
    spies: Any,
    pools: SamplePools,
) -> None:
    """With the truth of the first alone; nothing of the audit pool is ever looked at."""
    board = examiner([spies.attack("one")])
    board.evaluate(network(), board.fit_attackers(network(), unit="0"), unit="0", facts=FACTS)
    given = {
        what: {tuple(map(float, row)) for row in evidence.seen.inputs}
        for what, _, evidence in spies.log
    }
    audit = {tuple(map(float, row)) for row in board._dataset.inputs[pools.audit.indices]}

    assert not audit & set().union(*given.values())
    for what, _, evidence in spies.log:
        assert (evidence.truth is None) == (what == "score")
    asked = [len(evidence.seen) for what, _, evidence in spies.log if what == "score"]
    assert asked == [len(pools.attack_train), len(pools.select)]


@pytest.mark.parametrize("name", ["neural-blackbox", "neural-whitebox"])
def test_the_target_is_forwarded_as_often_however_many_epochs_an_attack_has(
    examiner: Callable[..., CandidateEvaluator],
    overfitted: Classifier,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    """Once a pool; the papers' code forwards it in every epoch, which takes 98 % of the time."""
    registry = load_plugins().registry
    definition = registry.get(Kind.ATTACKER, name)
    rows: list[int] = []
    forward = Classifier.forward

    def counting(self: Classifier, inputs: Tensor) -> Tensor:
        rows.append(len(inputs))
        return forward(self, inputs)

    monkeypatch.setattr(Classifier, "forward", counting)
    found = {}
    for epochs in (1, 4):
        params = definition.params(epochs=epochs, adapt_epochs=epochs)
        game = registry.create_game("membership")
        attack = Attack(id=name, game=game, definition=definition, params=params)
        board = examiner([attack], create=registry.create)
        rows.clear()
        fitted_attackers = board.fit_attackers(overfitted, unit="0")
        armed = list(rows)
        rows.clear()
        board.evaluate(overfitted, fitted_attackers, unit="0", facts=FACTS)
        found[epochs] = (armed, list(rows))

    assert found[1] == found[4] == ([160], [160, 120])


@pytest.mark.parametrize("name", ["neural-blackbox", "neural-whitebox"])
def test_no_epoch_of_an_attack_is_chosen_on_what_it_is_judged_by(
    mislabelled: Dataset, pools: SamplePools, overfitted: Classifier, name: str
) -> None:
    """Call members non-members and the reverse: of each sample, the attack says the same."""
    registry = load_plugins().registry
    definition = registry.get(Kind.ATTACKER, name)
    game = registry.create_game("membership")
    params = definition.params(epochs=4)
    attack = Attack(id=name, game=game, definition=definition, params=params)
    true = pools.select
    swapped = Pool(name="select", members=true.non_members, non_members=true.members)
    correct = []
    for select in (true, swapped):
        board = CandidateEvaluator(
            [attack],
            Accuracy(),
            dataset=mislabelled,
            pools=replace(pools, select=select),
            create=registry.create,
            events=EventLog(),
            seed=Seed(2),
        )
        fitted_attackers = board.fit_attackers(overfitted, unit="0")
        found = board.evaluate(overfitted, fitted_attackers, unit="0", facts=FACTS)
        own = found.outperformed[name][1] if name in found.outperformed else found.results[name]
        correct.append(own.correct)

    assert np.array_equal(correct[0], ~np.roll(correct[1], len(true.members)))


def test_a_weak_attacker_is_outdone_and_selection_uses_the_stronger_attack(
    examiner: Callable[..., CandidateEvaluator],
    overfitted: Classifier,
    spies: Any,
    events: list[Mapping[str, Any]],
) -> None:
    """A coin says that a leaky model is safe; a threshold on the loss knows better."""
    board = examiner([spies.attack("coin", reads="coin"), spies.attack("reader")])
    fitted_attackers = board.fit_attackers(overfitted, unit="0")

    found = board.evaluate(overfitted, fitted_attackers, unit="0", facts=FACTS)
    record = found.to_json()

    assert set(found.outperformed) == {"coin"}
    cheap, own = found.outperformed["coin"]
    assert cheap in ("loss-threshold", "modified-entropy")
    assert own.advantage.value < 0.2 < found.results["coin"].advantage.value
    assert record["coin"]["outdone_by"] == cheap
    assert record["coin"]["own_advantage"] == own.advantage.value
    assert record["reader"]["outdone_by"] is record["reader"]["own_advantage"] is None
    assert [(e["attacker"], e["outdone_by"]) for e in events] == [("coin", cheap), ("reader", None)]


class Even(OutputGuard):
    """Answers all labels alike, but for a grain."""

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        raise NotImplementedError

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return 1e-3 * torch.nn.functional.one_hot(logits.argmax(dim=1), logits.shape[1])


def test_who_holds_the_network_is_held_against_thresholds_before_its_guard(
    examiner: Callable[..., CandidateEvaluator], overfitted: Classifier, spies: Any
) -> None:
    """Behind it, a threshold on the loss is no better than on whether the label is right."""
    guarded = GuardedClassifier(overfitted, Even())
    coins = {access: spies.attack(access, reads="coin", access=access) for access in HELD}
    board = examiner(list(coins.values()))

    found = board.evaluate(guarded, board.fit_attackers(guarded, unit="0"), unit="0", facts=FACTS)
    bare = board.evaluate(
        overfitted, board.fit_attackers(overfitted, unit="0"), unit="0", facts=FACTS
    )

    asking, holding = (found.results[access].advantage.value for access in HELD)
    assert holding == bare.results[Access.WHITE_BOX].advantage.value
    assert asking < holding - 0.1


def test_an_adversary_that_sees_labels_alone_is_not_held_against_posteriors(
    examiner: Callable[..., CandidateEvaluator], overfitted: Classifier, spies: Any
) -> None:
    """Nor is one that is after an attribute held against membership attacks."""
    blind = spies.attack("blind", reads="coin", access=Access.LABEL_ONLY)
    nosy = spies.attack("nosy", reads="attribute", game="attribute", attribute="bold")
    board = examiner([blind, nosy])

    found = board.evaluate(
        overfitted, board.fit_attackers(overfitted, unit="0"), unit="0", facts=FACTS
    )

    assert found.outperformed == {}
    assert found.results["nosy"].game == "attribute"


def test_performance_is_read_on_the_non_members_of_select(
    examiner: Callable[..., CandidateEvaluator],
    overfitted: Classifier,
    mislabelled: Dataset,
    pools: SamplePools,
) -> None:
    """Not on members, all of which the model knows by heart; without any attack, too."""
    board = examiner([])
    found = board.evaluate(
        overfitted, board.fit_attackers(overfitted, unit="0"), unit="0", facts=FACTS
    )
    inputs, labels = (t[pools.select.non_members] for t in (mislabelled.inputs, mislabelled.labels))
    with torch.no_grad():
        right = overfitted(inputs).argmax(dim=1) == labels

    assert np.array_equal(found.performance, right.double().numpy())
    assert found.performance.mean() < 0.8
    assert found.results == {}


def test_a_model_is_left_as_it_was(
    examiner: Callable[..., CandidateEvaluator], network: MakeNetwork, spies: Any
) -> None:
    """Weights, gradients and mode."""
    one = network(dropout=0.5).train()
    before = {name: tensor.clone() for name, tensor in one.state().items()}
    board = examiner([spies.attack("one")])

    board.evaluate(one, board.fit_attackers(one, unit="0"), unit="0", facts=FACTS)

    assert one.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in one.state().items())
    assert all(parameter.grad is None for parameter in one.parameters())


def test_weights_and_ids_are_those_of_the_spec(
    examiner: Callable[..., CandidateEvaluator], spies: Any
) -> None:
    """In its order."""
    board = examiner([spies.attack("b", weight=0.5), spies.attack("a", weight=2.0)])

    assert board.attacks == ("b", "a")
    assert board.weights.tolist() == [0.5, 2.0]


def test_the_examiner_keeps_no_more_pools_than_it_needs(
    examiner: Callable[..., CandidateEvaluator], spies: Any
) -> None:
    """What selects cannot reach what judges at the end."""
    board = examiner([spies.attack("one")])
    kept = [value.name for value in vars(board).values() if hasattr(value, "non_members")]

    assert kept == ["attack_train", "select"]
    assert not any(isinstance(value, SamplePools) for value in vars(board).values())
