"""Gates that decide nothing, runs that test nothing, and counts without a bound."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.load import load_any_spec

RUN = """\
version: 1
name: trial
task: {data: {type: handwriting}, model: {type: mlp}}
method:
  type: test-driven
  field: 1
  twins: false
  density: 0.1
  strategies:
    - {prune: {type: magnitude}, grow: {type: gradient}}
attackers: [{type: neural-blackbox}]
audit:
  attackers:
    - {type: loss-threshold}
    - {type: attribute-probe, attribute: digit}
    - {type: pgd, epsilon: 0.1}
    - {type: mi-face}
    - {type: knockoff}
"""
AUDIT = """\
version: 1
kind: audit
name: trial
task: {data: {type: handwriting}, model: {type: mlp}}
audit: {attackers: [{type: loss-threshold}]}
"""


@pytest.fixture(scope="module")
def built_ins() -> Registry:
    """What SafeCompress itself registers."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


@pytest.fixture
def told(built_ins: Registry, tmp_path: Path) -> Callable[..., list[str]]:
    """The problems of a spec, each as path, message and hint."""

    def tell(text: str, *overrides: str) -> list[str]:
        path = tmp_path / "trial.yaml"
        path.write_text(text)
        try:
            load_any_spec(path, overrides=overrides, registry=built_ins)
        except SpecError as error:
            return [f"{one.path}: {one.message}; {one.hint}" for one in error.problems]
        return []

    return tell


UNMET = [
    ("accuracy", "at_least: 30", "'accuracy' is never above 1; write 0.3 for 30 %"),
    ("accuracy", "at_most: -0.1", "'accuracy' is never below 0; write a number between 0 and 1"),
    ("file-bytes", "at_most: 0", "'file-bytes' is never below 1; write a number above 1"),
    ("model.density", "at_least: 2", "'model.density' is never above 1; write 0.02 for 2 %"),
    ("model.file_bytes", "at_most: 0.5", "'model.file_bytes' is never below 1; write a number"),
    ("membership.auc", "at_least: 1.1", "'membership.auc' is never above 1; write 0.011 for"),
    ("loss-threshold.advantage", "at_most: -1.5", "'loss-threshold.advantage' is never below -1"),
    ("attribute.mae", "at_most: -1", "'attribute.mae' is never below 0; write a number above 0"),
    ("evasion.robust_accuracy", "at_least: 5", "'evasion.robust_accuracy' is never above 1"),
    ("inversion.error", "at_most: -1", "'inversion.error' is never below 0"),
    ("extraction.fidelity", "at_least: 90", "'extraction.fidelity' is never above 1; write 0.9"),
]
UNMISSED = [
    ("accuracy", "at_least: 0", "'accuracy' is never below 0, so this gate cannot be missed"),
    ("membership.advantage", "at_most: 1", "'membership.advantage' is never above 1, so this"),
    ("membership.accuracy", "at_most: 50", "'membership.accuracy' is never above 1, so this gate"),
    ("model.density", "at_most: 1", "'model.density' is never above 1, so this gate cannot be"),
    ("model.file_bytes", "at_least: 1", "'model.file_bytes' is never below 1, so this gate"),
    ("pgd.advantage", "at_most: 1", "'pgd.advantage' is never above 1, so this gate cannot be"),
    ("mi-face.error", "at_least: 0", "'mi-face.error' is never below 0, so this gate cannot be"),
]


@pytest.mark.parametrize(("measure", "bound", "problem"), [*UNMET, *UNMISSED])
def test_a_gate_that_decides_nothing_is_a_problem(
    told: Callable[..., list[str]], measure: str, bound: str, problem: str
) -> None:
    """Of each measure with a range, of a game as of an attacker; a percentage gets its share."""
    [found] = told(RUN, f"gate=[{{measure: {measure}, {bound}}}]")

    assert found.startswith(f"gate.0.{bound.partition(':')[0]}: {problem}")


@pytest.mark.parametrize(
    ("measure", "bound"),
    [
        ("accuracy", "at_least: 1"),
        ("accuracy", "at_most: 0"),
        ("attribute.mae_lift", "at_most: -200"),
        ("inversion.psnr", "at_most: -3"),
        ("evasion.advantage", "at_most: -1.5"),
        ("model.file_bytes", "at_most: 40000"),
        ("membership.advantage", "at_most: 0"),
    ],
)
def test_a_gate_at_the_far_end_or_on_an_open_measure_is_none(
    told: Callable[..., list[str]], measure: str, bound: str
) -> None:
    """It can be met, if only just."""
    assert told(RUN, f"gate=[{{measure: {measure}, {bound}}}]") == []


def test_two_gates_that_exclude_each_other_are_told_at_the_second(
    told: Callable[..., list[str]],
) -> None:
    """In whichever order; an interval between two bounds is no contradiction."""
    low, high = "{measure: accuracy, at_least: 0.6}", "{measure: accuracy, at_most: 0.5}"

    assert told(RUN, f"gate=[{low}, {high}]") == [
        "gate.1.at_most: 'accuracy' cannot be at least 0.6 and at most 0.5; change one of the two "
        "gates"
    ]
    assert told(RUN, f"gate=[{high}, {low}]")[0].startswith("gate.1.at_least: ")
    assert told(RUN, f"gate=[{high}, {{measure: accuracy, at_least: 0.4}}]") == []


def test_a_density_that_the_method_rules_out_is_told(told: Callable[..., list[str]]) -> None:
    """Of sparse training the density that is kept, of 'uncompressed' everything."""
    gate = "gate=[{measure: model.density, at_most: 0.09}]"

    assert told(RUN, gate) == [
        "gate.0.at_most: 'test-driven' keeps 0.1 of the weights, and all that cannot be sparse; "
        "write 0.1 or more, or a lower method.density"
    ]
    assert told(RUN, gate, "method.density=0.05") == []
    assert told(RUN, gate, "method={type: uncompressed}") == [
        "gate.0.at_most: 'uncompressed' keeps 1 of the weights, and all that cannot be sparse; "
        "take the gate out, or use a method that compresses"
    ]


def test_the_gates_of_an_audit_are_looked_at_as_well(told: Callable[..., list[str]]) -> None:
    """The same measures, the same ranges."""
    [found] = told(AUDIT, "gate=[{measure: membership.accuracy, at_most: 60}]")

    assert found.startswith("gate.0.at_most: 'membership.accuracy' is never above 1")


def test_candidates_without_an_attacker_to_test_them_are_a_problem(
    told: Callable[..., list[str]],
) -> None:
    """A single candidate a round needs none, since there is nothing to choose."""
    assert told(RUN, "attackers=[]") == [
        "attackers: 'test-driven' chooses among candidates by attacks, and there are none; write "
        "attackers: [{type: neural-blackbox}], say"
    ]
    assert told(RUN, "attackers=[]", "method.keep=false") == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("training.epochs=100001", "training.epochs: 100001 is greater than 100000; write"),
        ("training.batch_size=2000000", "training.batch_size: 2000000 is greater than 1000000"),
        ("method.rounds=1001", "method.rounds: 1001 is greater than 1000; write a number of at"),
        ("pools.canaries=1000000001", "pools.canaries: 1000000001 is greater than 1000000000"),
        ("pools.members=1000000001", "pools.members: 1000000001 is neither a share of the samples"),
        ("task.model.hidden=[70000]", "task.model.hidden.0: 70000 is greater than 65536; write"),
        ("attackers.0.epochs=2e6", "attackers.0.epochs: 2000000 is greater than 100000; write"),
        ("training.epochs=200.0", "training.epochs: 200.0 is not a whole number; write 200"),
        ("task.sparsify={include: []}", "task.sparsify.include: there are no entries; write 1 or"),
    ],
)
def test_counts_have_upper_bounds(
    told: Callable[..., list[str]], change: str, problem: str
) -> None:
    """Their own where more would take years, and one for all others."""
    [found] = told(RUN, change)

    assert found.startswith(problem)


@pytest.mark.parametrize(
    "change", ["training.epochs=2e2", "pools.members=2e2", "seed=9223372036854775807"]
)
def test_a_count_may_have_an_exponent_and_a_seed_64_bits(
    told: Callable[..., list[str]], change: str
) -> None:
    """As numbers are written."""
    assert told(RUN, change) == []


def test_a_list_of_attackers_has_a_bound(told: Callable[..., list[str]]) -> None:
    """The place is the list."""
    many = ", ".join(f"{{type: gap, id: gap-{number}}}" for number in range(101))

    assert told(RUN, f"audit.attackers=[{many}]") == [
        "audit.attackers: there are more than 100 entries; write 100 at most"
    ]
