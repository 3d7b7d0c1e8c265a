"""Proposals of settings: the spec first, none twice, the same after an interruption."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from safecompress_core.choose.manifest import ParetoParams, WeightedParams
from safecompress_core.choose.pareto import Pareto
from safecompress_core.choose.weighted import Weighted
from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.methods.search.space import SearchSpace
from safecompress_core.methods.search.study import OpenTrial, TrialStudy
from safecompress_core.methods.search.trials import Trial, TrialTest
from safecompress_core.seeding import Seed
from safecompress_core.training.settings import Settings

Prepare = Callable[..., RunContext]
Searching = Callable[..., dict[str, Any]]
Make = Callable[..., TrialStudy]

WRITTEN = Settings(learning_rate=0.01, density=0.3, update_fraction=0.5, rule=0, defences={})
EVALUATOR: Any = SimpleNamespace(
    weights=np.array([1.0, 0.0]),
    attacks=("a", "b"),
    games=("membership", "membership"),
    measures={},
)
FINITE = [
    {
        "prune": {"type": "magnitude"},
        "grow": {"type": "random"},
        "set": {"density": [0.3, 0.2, 0.1], "learning_rate": [0.02]},
    }
]


@pytest.fixture
def study(prepare: Prepare, searching: Searching) -> Make:
    """Makes studies of the small search."""

    def made(*, aggregator: Any = None, seed: int = 0, **changes: Any) -> TrialStudy:
        params = prepare(**searching(**changes)).spec.method
        assert isinstance(params, SearchParams)
        names = [strategy.describe() for strategy in params.strategies]
        return TrialStudy(
            params,
            SearchSpace(params.open_settings, WRITTEN, rule_names=names),
            aggregator=aggregator or Weighted(WeightedParams()),
            evaluator=EVALUATOR,
            seed=Seed(seed),
        )

    return made


def figures(performance: float, leak: float) -> ModelFigures:
    """Of a model, without draws."""
    return ModelFigures(
        performance=np.array([performance]),
        advantage=np.array([leak, 1.0]),
        attack_accuracy=np.array([leak, 1.0]),
        advantage_draws=np.zeros((2, 1)),
        accuracy_draws=np.zeros((2, 1)),
    )


def ended(proposed: OpenTrial, number: int, *tests: ModelFigures, is_pruned: bool = False) -> Trial:
    """A trial with these tests."""
    records = [
        TrialTest(id="", epoch=index, density=0.3, defences={}, attacks={}, figures=test)
        for index, test in enumerate(tests, 1)
    ]
    return Trial(
        number=number,
        drawn=proposed.drawn,
        values=proposed.values,
        attributes=proposed.attributes,
        tests=tuple(records),
        is_pruned=is_pruned,
    )


def search(made: TrialStudy, count: int) -> tuple[Trial, ...]:
    """Trials whose performance is best at a learning rate of 0.02."""
    trials: tuple[Trial, ...] = ()
    while len(trials) < count and (proposed := made.propose(trials)) is not None:
        rate, density = proposed.drawn.settings.learning_rate, proposed.drawn.settings.density
        test = figures(1 - abs(np.log10(rate / 0.02)) / 2, density)
        trials = (*trials, ended(proposed, len(trials) + 1, test))
    return trials


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
@pytest.mark.parametrize("aggregator", [None, Pareto(ParetoParams())])
def test_the_spec_comes_first_and_nothing_is_trained_twice(
    study: Make, sampler: str, aggregator: Any
) -> None:
    """Six settings are open, of which one value is the spec's own: then the search is over."""
    trials = search(study(sampler=sampler, strategies=FINITE, aggregator=aggregator), 20)

    assert trials[0].drawn.name == "as written"
    keys = {trial.drawn.key for trial in trials}
    assert len(keys) == len(trials) == 6


@pytest.mark.parametrize("sampler", ["random", "tpe", "nsga2"])
def test_proposals_depend_on_the_seed_and_the_trials_alone(study: Make, sampler: str) -> None:
    """A new study over the trials that have ended proposes what the old one proposes."""
    options: Mapping[str, Any] = {"sampler": sampler, "budget": 12}
    trials = search(study(**options), 9)

    again = study(**options).propose(trials[:8])

    assert again is not None
    assert again.drawn == trials[8].drawn
    assert again.attributes == trials[8].attributes
    other = study(seed=1, **options).propose(trials[:8])
    assert other is not None
    assert other.drawn != trials[8].drawn


def test_a_sampler_learns_from_the_trials(study: Make) -> None:
    """Over four seeds TPE comes nearer to the best learning rate than chance, on average."""

    def miss(sampler: str) -> float:
        trials = [
            trial
            for seed in range(4)
            for trial in search(study(sampler=sampler, budget=24, seed=seed), 24)[12:]
        ]
        rates = np.array([trial.drawn.settings.learning_rate for trial in trials])
        return float(np.abs(np.log10(rates / 0.02)).mean())

    assert miss("tpe") < 0.8 * miss("random")


@pytest.mark.parametrize("pruner", ["median", "successive-halving"])
def test_a_pruner_ends_what_is_worse_than_the_trials_before(study: Make, pruner: str) -> None:
    """At the same report; what is better goes on."""
    made = study(pruner=pruner, budget=3)
    trials: tuple[Trial, ...] = ()
    for number in (1, 2):
        proposed = made.propose(trials)
        assert proposed is not None
        assert not proposed.is_pruned(0.3 * number, report=1)
        test = figures(0.3 * number, 0.0)
        trials = (*trials, ended(proposed, number, test, test, test, test))

    better, worse = made.propose(trials), made.propose(trials)

    assert better is not None
    assert worse is not None
    assert not better.is_pruned(0.9, report=1)
    assert worse.is_pruned(0.1, report=1)
    # A pruned trial is part of the next study.
    pruned = ended(worse, 3, figures(0.1, 0.0), is_pruned=True)
    assert made.propose((*trials, pruned)) is not None
