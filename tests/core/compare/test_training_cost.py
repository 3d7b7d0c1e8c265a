"""Cost of a method in trainings of one model."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.compare.training_cost import (
    TrainingCost,
    budget_notes,
    cost_taken,
    planned_trainings,
)
from safecompress_core.host import load_plugins
from safecompress_core.results.schema import PoolRecord, Results
from safecompress_core.specfile.models.comparison import Comparison, load_comparison
from tests.core.fixtures.records import candidate_record, round_record
from tests.core.fixtures.results import run_results

BASE = """\
version: 1
name: race
seed: 1
task: {data: {type: handwriting, task: session}, model: {type: mlp, hidden: [8]}}
training: {epochs: 40, batch_size: 64}
method:
  type: test-driven
  density: 0.1
  strategies:
    - {prune: {type: magnitude}, grow: {type: random}, set: {learning_rate: {low: 0.01, high: 0.1}}}
attackers: [{type: counterfactual}]
"""
COMPARED = """\
version: 1
name: costs
base: base.yaml
budgets: [6, 12]
variants:
  - {}
  - {name: test-driven-loop, method: {field: 1, rounds: 4, derive_at: 1}}
  - {name: prune, method: {type: prune, density: 0.1}}
"""


@pytest.fixture
def compared(tmp_path: Path) -> Comparison:
    """A race at two budgets, the papers' loop, and a method of one training."""
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "costs.yaml").write_text(COMPARED)
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    return load_comparison(tmp_path / "costs.yaml", registry=registry)


def finished(*rounds: Any) -> Results:
    """Results of a run on 100 members in two pools."""
    pools = {
        name: PoolRecord(members=50, non_members=50, fingerprint="0f" * 32)
        for name in ("select", "audit")
    }
    return run_results().model_copy(update={"rounds": rounds, "pools": pools})


def test_plans_state_candidates_and_twins(compared: Comparison) -> None:
    """4 rounds of 10 epochs: 6 of the model, then 4 for itself and each of 3 settings; twice."""
    costs = [planned_trainings(entry.loaded) for entry in compared.entries]

    race, wider, loop, prune = (cost or 0.0 for cost in costs)
    assert race <= 6
    assert race < wider <= 12
    assert loop == 2 * 4 * (6 + 4 * 4) / 40
    assert prune == 1


def test_notes_are_of_variants_without_a_budget(compared: Comparison) -> None:
    """None where no budget is asked for."""
    assert list(budget_notes(compared.entries)) == [
        "test-driven-loop takes no budget: it costs 4.4 trainings of one model",
        "prune takes no budget: it costs 1 training of one model",
    ]
    assert not list(budget_notes(compared.entries[2:]))


def test_a_variant_that_cannot_spend_its_budget_is_noted(compared: Comparison) -> None:
    """Its strategies open fewer settings than a budget of 100 would pay for, say."""
    race = replace(compared.entries[0], budget=100.0)

    assert list(budget_notes([race])) == [
        "test-driven at budget 100 costs 6 trainings of one model at most"
    ]


def test_rounds_state_what_was_really_trained(compared: Comparison) -> None:
    """2.5 trainings of 40 epochs of 2 steps: 100 members in batches of 64."""
    rounds = (
        round_record(1, candidate_record("r1c1"), trainings=1.5),
        round_record(2, candidate_record("r2c1"), trainings=1.0),
    )

    assert cost_taken(compared.entries[0].loaded, finished(*rounds)) == TrainingCost(2.5, 200)


def test_a_method_without_rounds_does_what_it_states(compared: Comparison) -> None:
    """One training of 40 epochs of 2 steps."""
    assert cost_taken(compared.entries[-1].loaded, finished()) == TrainingCost(1.0, 80)
