"""Attackers that are made of others, and attackers that audit what they selected."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.api import (
    WHITE_BOX,
    AttackerDef,
    AttackerParams,
    CombinedAttackerDef,
    CombinedAttackerParams,
    Definition,
)
from safecompress_core.errors import SpecError
from safecompress_core.host import Origin, Registry, load_plugins
from safecompress_core.specfile.checks.attacker_checks import auditing_selectors
from safecompress_core.specfile.checks.spec_checks import gate_measures
from safecompress_core.specfile.load import LoadedSpec, load_any_spec

SEVERAL = "{type: several, attackers: [{type: entropy}, {type: threshold, level: 0.1}]}"
PLACE = "audit.attackers.0"

CASES = {
    "another game": (
        "{type: probe, attribute: digit}",
        ":1:71: {place}.attackers.1.type: 'probe' plays 'attribute', and 'entropy' plays "
        "'membership'; make two attackers of them",
    ),
    "one that is made of others": (
        SEVERAL,
        ":1:71: {place}.attackers.1.type: 'several' is made of other attackers, and cannot be a "
        "part of one itself; write its attackers here instead",
    ),
    "a game without scores": (
        "{type: nudge}",
        ":1:71: {place}.attackers.1.type: 'nudge' plays 'evasion', where attackers cannot be "
        "combined; take attackers on membership or on one attribute",
    ),
    "the same name": (
        "{type: entropy}",
        ":1:71: {place}.attackers.1.type: two attackers are called 'entropy'; "
        "give one of them another 'id'",
    ),
    "a weight of its own": (
        "{type: threshold, level: 0.1, weight: 2}",
        ":1:102: {place}.attackers.1.weight: 'threshold' is a part of an attacker, and only the "
        "whole has a weight; leave it out",
    ),
    "one that selects": (
        "{type: threshold, id: other}",
        ":1:64: {place}.attackers.1: this is the attacker 'threshold' that selects, whose figures "
        "read too low here; audit with another one, or write 'allow_selectors: true'",
    ),
}


class Several(CombinedAttackerParams):
    """An attack that is made of others."""

    worst: str = "run"
    """Which of them counts."""


@pytest.fixture(scope="module")
def registry(definitions: tuple[Definition, ...]) -> Registry:
    """With an attacker that is made of others, and one whose game has no scores."""
    origin = Origin(plugin="trial", distribution="trial-plugins", version="1.0")
    more = (
        AttackerDef(
            name="nudge",
            params=AttackerParams,
            target="trial:Trial",
            summary="Moves inputs.",
            game="evasion",
            needs=WHITE_BOX,
        ),
        CombinedAttackerDef(
            name="several", params=Several, target="trial:Trial", summary="Several."
        ),
    )
    return Registry((one, origin) for one in (*definitions, *more))


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_a_part_is_told_at_its_place(
    case: str, problems: Callable[..., list[str]]
) -> None:
    """Beside a membership attack, in the audit."""
    part, problem = CASES[case]
    override = f"{PLACE}={{type: several, attackers: [{{type: entropy}}, {part}]}}"

    assert problems(override) == [f"--set {override}{problem.format(place=PLACE)}"]


def test_parts_are_after_one_attribute(problems: Callable[..., list[str]]) -> None:
    """Their scores are of its values."""
    parts = "[{type: probe, attribute: digit}, {type: probe, id: b, attribute: session}]"

    [problem] = problems(f"audit.attackers=[{{type: several, attackers: {parts}}}]", "gate=[]")

    assert problem.endswith(
        f"{PLACE}.attackers.1.attribute: 'b' is after another attribute than 'probe'; "
        "write 'digit', or make two attackers of them"
    )


def test_an_attribute_is_checked_within_a_part(problems: Callable[..., list[str]]) -> None:
    """As anywhere else."""
    parts = "[{type: probe, attribute: digt}, {type: probe, id: b, attribute: digt}]"

    found = problems(f"audit.attackers=[{{type: several, attackers: {parts}}}]", "gate=[]")

    assert [problem.partition(": audit.")[2] for problem in found] == [
        f"attackers.0.attackers.{index}.attribute: 'letters' has no attribute 'digt'; "
        "did you mean 'digit'?"
        for index in (0, 1)
    ]


def test_a_wrong_value_within_a_part_is_told_at_its_place(
    problems: Callable[..., list[str]],
) -> None:
    """The union of attackers is the same, however deep."""
    parts = "[{type: entropy}, {type: threshold, level: high}, {type: treshold}]"

    found = problems(f"{PLACE}={{type: several, attackers: {parts}}}")

    assert [problem.partition(f": {PLACE}.")[2] for problem in found] == [
        "attackers.1.level: 'high' is not a number; write a number",
        "attackers.2.type: no attacker is called 'treshold'; did you mean 'threshold'?",
    ]


def test_one_attacker_is_not_several(problems: Callable[..., list[str]]) -> None:
    """Two are the least."""
    [problem] = problems(f"{PLACE}={{type: several, attackers: [{{type: entropy}}]}}")

    assert f"{PLACE}.attackers: " in problem


def test_whole_and_parts_may_be_called_alike(problems: Callable[..., list[str]]) -> None:
    """Names have to differ within a list alone."""
    assert problems(f"{PLACE}={SEVERAL.replace('several', 'several, id: entropy')}") == []


def test_a_gate_may_ask_for_the_game_that_its_parts_play(
    loaded: Callable[..., LoadedSpec],
) -> None:
    """By the game's name, and by its own."""
    parts = "[{type: probe, attribute: digit}, {type: probe, id: b, attribute: digit}]"
    spec = loaded(
        f"audit.attackers=[{SEVERAL}, {{type: several, id: digits, attackers: {parts}}}]"
    ).spec

    measures = gate_measures(spec)

    assert {"several.auc", "membership.auc", "digits.lift", "attribute.lift"} <= {*measures}
    assert not {"several.lift", "digits.auc", "entropy.auc"} & {*measures}


def test_who_selects_within_another_may_not_audit_either(
    loaded: Callable[..., LoadedSpec], problems: Callable[..., list[str]]
) -> None:
    """And where it is allowed, results name the part that selected."""
    selecting = (
        "attackers.0={type: several, attackers: [{type: threshold}, {type: entropy, id: e}]}"
    )

    [problem] = problems(selecting)
    spec = loaded(selecting, "audit.allow_selectors=true").spec

    assert "audit.attackers.0: this is the attacker 'e' that selects" in problem
    assert auditing_selectors(spec) == {"entropy": "e"}


def test_a_resolved_spec_is_as_valid_as_what_it_was_resolved_from(
    loaded: Callable[..., LoadedSpec], problems: Callable[..., list[str]]
) -> None:
    """It writes out every default, the weights of parts included."""
    resolved = loaded(f"{PLACE}={SEVERAL}").resolved["audit"]["attackers"][0]

    assert resolved["attackers"][0]["weight"] == 1
    assert problems(f"{PLACE}={resolved}".replace("None", "null")) == []


TWINNED = """\
version: 1
name: trial
task: {{data: {{type: handwriting}}, model: {{type: mlp}}}}
method:
  type: {method}
  density: 0.1
  {more}
attackers: [{{type: {attacker}}}]
audit: {{attackers: [{{type: {auditor}}}]}}
"""
STRATEGY = "strategies: [{prune: {type: magnitude}, grow: {type: gradient}}]"


@pytest.mark.parametrize(
    ("method", "more", "attacker", "auditor", "problem"),
    [
        (
            "test-driven",
            f"{STRATEGY}\n  twins: false",
            "counterfactual",
            "loss-threshold",
            "attackers.0.type: 'counterfactual' compares with a swap twin, and 'test-driven' "
            "trains none; write method.twins: true",
        ),
        (
            "test-driven",
            STRATEGY,
            "loss-threshold",
            "entropy",
            "attackers: the method trains a swap twin of each model, and no attacker compares with "
            "it; add {type: counterfactual} to attackers, or write method.twins: false",
        ),
        (
            "test-driven",
            STRATEGY,
            "counterfactual",
            "counterfactual",
            "audit.attackers.0.type: 'counterfactual' compares with a swap twin, which only the "
            "owner of the data can train",
        ),
    ],
)
def test_twins_and_attackers_that_compare_with_them_belong_together(
    tmp_path: Path, *, method: str, more: str, attacker: str, auditor: str, problem: str
) -> None:
    """And no audit has a twin, since no adversary can train one."""
    path = tmp_path / "trial.yaml"
    path.write_text(TWINNED.format(method=method, more=more, attacker=attacker, auditor=auditor))
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry

    with pytest.raises(SpecError) as caught:
        load_any_spec(path, registry=registry)

    assert any(problem in f"{one.path}: {one.message}; {one.hint}" for one in caught.value.problems)


def test_a_method_that_tests_nothing_may_have_any_attackers(tmp_path: Path) -> None:
    """So the variants of a comparison share them."""
    path = tmp_path / "trial.yaml"
    path.write_text(
        TWINNED.format(method="prune", more="", attacker="counterfactual", auditor="loss-threshold")
    )

    load_any_spec(path, registry=load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry)


SEVERITY = """
version: 1
name: trial
seed: 1
task: {{data: {{type: handwriting, task: session}}, model: {{type: mlp, hidden: [8]}}}}
method: {{type: prune, density: 0.1}}
attackers: [{{type: loss-threshold}}]
audit: {{attackers: [{{type: entropy}}]}}
choose: {{type: severity, attacks: {attacks}}}
"""


@pytest.mark.parametrize(
    ("attacks", "problem"),
    [
        (
            "{loss-treshold: {severity: 2}}",
            "9:36: choose.attacks.loss-treshold: no game or attacker of selection is called "
            "'loss-treshold'; did you mean 'loss-threshold'?",
        ),
        (
            "{membership: {severity: 2}, entropy: {severity: 2}}",
            "9:63: choose.attacks.entropy: no game or attacker of selection is called 'entropy'; "
            "it audits only; there are: membership, loss-threshold",
        ),
    ],
)
def test_a_mapping_by_attack_names_games_and_attackers_that_select(
    tmp_path: Path, attacks: str, problem: str
) -> None:
    """The mistake is at the key."""
    path = tmp_path / "trial.yaml"
    path.write_text(SEVERITY.format(attacks=attacks))
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry

    with pytest.raises(SpecError) as caught:
        load_any_spec(path, registry=registry)

    assert [str(one) for one in caught.value.problems] == [f"{path}:{problem}"]
