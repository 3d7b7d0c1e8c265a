"""From a comparison to the specs of its runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.models.comparison import Comparison, load_comparison
from tests.core.specfile.conftest import GOOD

TWO = """\
version: 1
name: two
base: base.yaml
seeds: [1, 2]
densities: [0.1, 0.2]
changes: {training: {epochs: 7}}
variants:
  - {}
  - name: loop-smoother
    method: {defences: [{type: smooth, target: 0.9}]}
"""


@pytest.fixture
def compared(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Comparison]:
    """Loads a text as ``two.yaml`` beside the good spec, ``base.yaml``."""
    monkeypatch.chdir(tmp_path)

    def load(text: str, *overrides: str, base: str = GOOD) -> Comparison:
        Path("base.yaml").write_text(base)
        Path("two.yaml").write_text(text)
        return load_comparison(Path("two.yaml"), overrides=overrides, registry=registry)

    return load


@pytest.fixture
def told(compared: Callable[..., Comparison]) -> Callable[..., list[str]]:
    """The problems of a comparison, as a user reads them."""

    def tell(text: str, *overrides: str, base: str = GOOD) -> list[str]:
        with pytest.raises(SpecError) as raised:
            compared(text, *overrides, base=base)
        return [str(problem) for problem in raised.value.problems]

    return tell


def test_every_variant_runs_at_every_density_with_every_seed(
    compared: Callable[..., Comparison],
) -> None:
    """Seed by seed, so that what runs of a seed share is there early."""
    entries = compared(TWO).entries

    assert [one.label for one in entries] == [
        f"{variant} at density {density}, seed {seed}"
        for seed in (1, 2)
        for variant in ("loop", "loop-smoother")
        for density in (0.1, 0.2)
    ]
    for one in entries:
        assert one.loaded.resolved["seed"] == one.seed
        assert one.loaded.resolved["method"]["density"] == one.density
        assert one.loaded.resolved["name"] == one.variant
        assert one.loaded.resolved["training"]["epochs"] == 7


def test_a_variant_changes_what_it_names_and_keeps_the_rest(
    compared: Callable[..., Comparison],
) -> None:
    """As a spec that extends the base would: mappings merge, lists replace."""
    plain, _, smoother, _ = (one.loaded.resolved for one in compared(TWO).entries[:4])

    assert [one["target"] for one in plain["method"]["defences"]] == [0.3]
    assert [one["target"] for one in smoother["method"]["defences"]] == [0.9]
    assert smoother["attackers"] == plain["attackers"]


def test_without_densities_a_variant_keeps_its_own(compared: Callable[..., Comparison]) -> None:
    """That of the base, or what it says itself."""
    text = TWO.replace("densities: [0.1, 0.2]\n", "")

    [first, *_] = compared(text).entries

    assert first.density is None
    assert first.loaded.resolved["method"]["density"] == 0.1
    assert first.label == "loop, seed 1"


def test_overrides_change_the_comparison(compared: Callable[..., Comparison]) -> None:
    """All its fields, what every variant changes included."""
    entries = compared(TWO, "seeds=[5]", "changes.training.epochs=9").entries

    assert {one.seed for one in entries} == {5}
    assert {one.loaded.resolved["training"]["epochs"] for one in entries} == {9}


def test_a_problem_of_a_variant_has_its_place(told: Callable[..., list[str]]) -> None:
    """In the file that says it, and once, though several runs have it."""
    found = told(TWO.replace("target: 0.9", "target: 9"))

    assert [problem.partition(" is greater")[0] for problem in found] == [
        "two.yaml:10:48: method.defences.0.target: 9"
    ]


def test_a_problem_of_the_base_is_told_in_the_base(told: Callable[..., list[str]]) -> None:
    """Where it can be corrected."""
    [found] = told(TWO, base=GOOD.replace("steps:", "stpes:"))

    assert found.startswith("base.yaml:11:3: method.stpes:")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            "base: base.yaml",
            "base: bse.yaml",
            "two.yaml:3:7: base: there is no file 'bse.yaml'; did you mean 'base.yaml'?",
        ),
        (
            "name: loop-smoother",
            "name: smoother",
            "two.yaml:9:11: variants.1.name: the name 'smoother' does not begin with that of the "
            "method; write 'loop-smoother', say",
        ),
        (
            "name: loop-smoother",
            "name: loop",
            "two.yaml:9:11: variants.1.name: two variants are called 'loop'; "
            "give one of them another 'name'",
        ),
        ("seeds: [1, 2]", "seeds: [-1]", "two.yaml:4:9: seeds.0: -1 is less than 0"),
        ("seeds: [1, 2]", "seds: [1]", "two.yaml:4:1: seds: there is no field 'seds'"),
        ("densities: [0.1, 0.2]", "densities: [3]", "two.yaml:5:13: densities.0: 3 is greater"),
    ],
)
def test_what_is_wrong_with_a_comparison_is_told_with_its_hint(
    told: Callable[..., list[str]], before: str, after: str, expected: str
) -> None:
    """File, line, column, field, what is wrong, what to write."""
    assert TWO.count(before) == 1

    [found] = told(TWO.replace(before, after))

    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("pools: {members: 0.4}", "pools.members: 0.4 here, and 0.5 for 'loop'"),
        ("task: {data: {count: 90}}", "task.data.count: 90 here, and 100 for 'loop'"),
        (
            "task: {data: {type: unknown}}",
            "task.data.type: 'unknown' here, and 'letters' for 'loop'",
        ),
    ],
)
def test_variants_of_other_data_or_pools_are_refused(
    told: Callable[..., list[str]], change: str, expected: str
) -> None:
    """Where the variant says so, once for all its densities and seeds, before anything is run."""
    [found] = told(TWO.replace("method: {defences", change + "\n    method: {defences"))

    assert found.startswith("two.yaml:10:")
    assert found.endswith(
        f"{expected}: runs on other data or pools cannot be compared; write it under 'changes', "
        "for all variants alike"
    )


def test_what_all_variants_change_alike_can_be_compared(
    compared: Callable[..., Comparison],
) -> None:
    """Other pools than the base's, but the same for every run."""
    entries = compared(TWO, "changes.pools.members=0.4").entries

    assert {one.loaded.resolved["pools"]["members"] for one in entries} == {0.4}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            ("seeds: [1, 2]", "seeds: [1, 2, 1]"),
            "seeds.2: 1 is given twice, and a run is done once",
        ),
        (("[0.1, 0.2]", "[0.1, 0.1]"), "densities.1: 0.1 is given twice"),
        (("seeds: [1, 2]", f"seeds: {[*range(1500)]}"), "seeds: this makes 6000 runs, and at most"),
        (("seeds: [1, 2]", "seeds: [1.5]"), "seeds.0: 1.5 is not a whole number"),
        (("seeds: [1, 2]", "mia: entropi"), "mia: no membership attacker of the audit is called"),
        (("seeds: [1, 2]", "mia: probe"), "'probe'; there are: entropy"),
        (("base: base.yaml", "base: two.yaml"), "base: the base is not the spec of a run"),
        (("base: base.yaml", "base: /dev/zero"), "base: cannot read '/dev/zero': it is a device"),
        (("base: base.yaml", f"base: {'x' * 300}"), "base: cannot read 'xxx"),
    ],
)
def test_what_no_comparison_can_be_made_of_is_one_problem(
    told: Callable[..., list[str]], change: tuple[str, str], problem: str
) -> None:
    """Runs that are there twice, too many of them, and a base that is none."""
    assert change[0] in TWO

    [found] = told(TWO.replace(*change))

    assert problem in found


def test_runs_of_other_seeds_differ_by_their_seed_alone(
    compared: Callable[..., Comparison],
) -> None:
    """They are validated once, and each has its seed in values, record and place."""
    first, _, second, _ = (one for one in compared(TWO).entries if one.variant == "loop")

    assert (first.seed, second.seed) == (1, 2)
    assert (first.loaded.spec.seed, second.loaded.spec.seed) == (1, 2)
    assert second.loaded.resolved == {**first.loaded.resolved, "seed": 2}
    assert second.loaded.root.mark_of(("seed",)).file == "two.yaml"


BUDGETS = """\
version: 1
name: budgets
base: race.yaml
budgets: [6, 12]
variants:
  - {}
  - {name: test-driven-narrow, method: {field: 2}}
  - {name: prune, method: {type: prune, density: 0.1}}
"""
RACE = """\
version: 1
name: race
seed: 1
task: {data: {type: handwriting, task: session}, model: {type: mlp, hidden: [8]}}
method:
  type: test-driven
  density: 0.1
  strategies:
    - {prune: {type: magnitude}, grow: {type: random}, set: {learning_rate: {low: 0.01, high: 0.1}}}
attackers: [{type: counterfactual}]
"""


@pytest.fixture
def races(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Comparison]:
    """Loads a comparison of methods of which some take a budget."""
    monkeypatch.chdir(tmp_path)
    Path("race.yaml").write_text(RACE)
    Path("budgets.yaml").write_text(BUDGETS)
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry

    def load(*overrides: str) -> Comparison:
        return load_comparison(Path("budgets.yaml"), overrides=overrides, registry=registry)

    return load


def test_every_method_with_a_budget_runs_at_each(races: Callable[..., Comparison]) -> None:
    """A given field fixes the cost, and pruning has none to set: these run once."""
    entries = races("densities=[0.1]").entries

    assert [one.label for one in entries] == [
        "test-driven at density 0.1 and budget 6, seed 0",
        "test-driven at density 0.1 and budget 12, seed 0",
        "test-driven-narrow at density 0.1, seed 0",
        "prune at density 0.1, seed 0",
    ]
    assert [one.loaded.resolved["method"].get("budget") for one in entries] == [6, 12, None, None]


def test_a_budget_that_pays_for_nothing_is_told_at_its_place(
    races: Callable[..., Comparison],
) -> None:
    """In the list of budgets, once for all variants."""
    with pytest.raises(SpecError) as raised:
        races("budgets=[6, 1]")

    [problem] = raised.value.problems
    assert str(problem).startswith(
        "--set budgets=[6, 1]:1:13: method.budget: 1 trainings pay for no field"
    )


def test_budgets_that_no_method_takes_are_told(races: Callable[..., Comparison]) -> None:
    """They would change nothing."""
    with pytest.raises(SpecError) as raised:
        races("variants=[{name: prune, method: {type: prune, density: 0.1}}]")

    [problem] = raised.value.problems
    assert str(problem).startswith(
        "budgets.yaml:4:10: budgets: no variant has a method with a budget"
    )
