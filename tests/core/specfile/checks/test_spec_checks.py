"""Parts that do not fit each other."""

from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.api import (
    BLACK_BOX,
    AggregatorDef,
    AttackerDef,
    DataCard,
    DataDef,
    DefenceDef,
    DefenceParams,
    Definition,
    MethodDef,
    MethodParams,
    ModelDef,
    Need,
    Params,
    ReferenceAttackerParams,
)
from safecompress_core.errors import SpecError
from safecompress_core.host import Origin, Registry, load_plugins
from safecompress_core.specfile.checks.spec_checks import gate_measures
from safecompress_core.specfile.load import LoadedSpec, load_spec

CASES = {
    "pools": (
        "name: trial",
        "name: trial\npools: {audit: 0.4}",
        "3:8: pools: attack_train, select and audit sum to 1.1; "
        "write shares that sum to 1; the defaults are .4 .3 .3",
    ),
    "more members than samples": (
        "name: trial",
        "name: trial\npools: {members: 101}",
        "3:18: pools.members: 101 members are asked for, and 'letters' has 100 samples; "
        "write less than 100, so that non-members are left, or a share",
    ),
    "two attackers of one name": (
        "{type: threshold}",
        "{type: threshold}\n  - {type: threshold, level: 0.1}",
        "16:12: attackers.1.type: two attackers are called 'threshold'; "
        "give one of them another 'id'",
    ),
    "two ids of one name": (
        "{type: entropy}",
        "{type: entropy, id: x}\n    - {type: entropy, id: x}",
        "19:27: audit.attackers.1.id: two attackers are called 'x'; give one of them another 'id'",
    ),
    "two defences of one name": (
        "{type: smooth, target: 0.3}",
        "{type: smooth, target: 0.3}\n    - {type: smooth}",
        "11:14: method.defences.1.type: two defences are called 'smooth'; "
        "give one of them another 'id'",
    ),
    "two metrics of one name": (
        "name: trial",
        "name: trial\nmetrics: [{type: accuracy}, {type: accuracy}]",
        "3:36: metrics.1.type: two metrics are called 'accuracy'; take one out",
    ),
    "an id that is a game": (
        "{type: threshold}",
        "{type: threshold, id: attribute}",
        "15:27: attackers.0.id: 'attribute' means something else in results; give it another 'id'",
    ),
    "an id that is no name": (
        "{type: threshold}",
        "{type: threshold, id: a.b}",
        "15:27: attackers.0.id: 'a.b' is no id; write it in lower case with hyphens",
    ),
    "no weight at all": (
        "{type: threshold}",
        "{type: threshold, weight: 0}",
        "15:3: attackers: every attacker has weight 0, so nothing would be defended against; "
        "give one of them a weight",
    ),
    "an attribute that the data lacks": (
        "attribute: session",
        "attribute: sesion",
        "19:32: audit.attackers.1.attribute: 'letters' has no attribute 'sesion'; "
        "did you mean 'session'?",
    ),
    "an attribute in a list": (
        "attribute: session",
        "attribute: session, others: [digit, age]",
        "19:57: audit.attackers.1.others.1: 'letters' has no attribute 'age'; "
        "there are: session, digit",
    ),
    "a gate of no measure": (
        "measure: accuracy",
        "measure: acuracy",
        "21:15: gate.0.measure: no measure is called 'acuracy'; did you mean 'accuracy'?",
    ),
    "a gate of no measure, nothing near": (
        "measure: accuracy",
        "measure: zzz",
        "21:15: gate.0.measure: no measure is called 'zzz'; there are: accuracy, file-bytes, "
        "model.density, model.file_bytes, membership.accuracy, membership.auc, "
        "membership.advantage, membership.exposed_members, entropy.accuracy, entropy.auc, "
        "entropy.advantage, entropy.exposed_members, "
        "attribute.accuracy, attribute.mae, attribute.advantage, attribute.lift, "
        "attribute.mae_lift, "
        "probe.accuracy, probe.mae, probe.advantage, probe.lift, probe.mae_lift",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_is_told_with_its_place_and_its_hint(
    case: str, problems: Callable[..., list[str]], changed: Callable[[str, str], str]
) -> None:
    """One misfit, one problem."""
    before, after, problem = CASES[case]

    assert problems(text=changed(before, after)) == [f"trial.yaml:{problem}"]


@pytest.mark.parametrize("members", [100, 5000])
def test_somebody_has_to_be_left_who_is_no_member(
    problems: Callable[..., list[str]], members: int
) -> None:
    """As many members as samples are too many already; one less is for the pools to judge."""
    assert len(problems(f"pools.members={members}")) == 1
    assert problems("pools.members=99") == []


def test_data_without_a_card_is_not_judged_beforehand(problems: Callable[..., list[str]]) -> None:
    """Size and attributes are then for the run to check."""
    overrides = "task.data={type: unknown}", "pools.members=5000", "audit.attackers.1.attribute=x"

    assert problems(*overrides) == []


def test_an_auditor_that_selected_is_refused_whatever_its_id_and_weight(
    problems: Callable[..., list[str]],
) -> None:
    """Its figures read too low: the best of many noisy tests was chosen by them."""
    same = "audit.attackers.0={type: threshold, id: other, weight: 3}"

    assert problems(same) == [
        f"--set {same}:1:19: audit.attackers.0: this is the attacker 'threshold' that selects, "
        "whose figures read too low here; audit with another one, or write 'allow_selectors: true'"
    ]
    assert problems(same, "audit.allow_selectors=true") == []
    assert problems("audit.attackers.0={type: threshold, level: 0.1}") == []


def test_one_attacker_may_select_and_another_of_its_type_with_its_id_audit(
    problems: Callable[..., list[str]],
) -> None:
    """Names have to differ within a list alone."""
    assert problems("audit.attackers.0={type: entropy, id: threshold}") == []


class Regular(DefenceParams):
    target: float = 0.3


def test_a_defence_that_learns_from_others_has_to_be_given_some(
    definitions: tuple[Definition, ...], changed: Callable[[str, str], str], tmp_path: Path
) -> None:
    """Non-members of its own; by default it has none."""
    regular = DefenceDef(
        name="regular",
        params=Regular,
        target="trial:Trial",
        summary="Learns from others.",
        needs=frozenset({Need.REFERENCE_DATA}),
    )
    origin = Origin(plugin="trial", distribution="trial-plugins", version="1.0")
    registry = Registry((one, origin) for one in (*definitions, regular))
    file = tmp_path / "trial.yaml"
    file.write_text(changed("{type: smooth, target: 0.3}", "{type: regular, id: smooth}"))

    load_spec(file, overrides=["pools.reference=0.5"], registry=registry)
    with pytest.raises(SpecError) as caught:
        load_spec(file, registry=registry)

    assert str(caught.value) == (
        f"{file}:10:14: method.defences.0.type: 'smooth' learns from samples that are no members, "
        "and there are none for it; write pools.reference: 0.5, say"
    )


def test_an_attacker_with_reference_models_may_not_select(
    definitions: tuple[Definition, ...], changed: Callable[[str, str], str], tmp_path: Path
) -> None:
    """Only the audit trains them; there it is welcome."""
    comparing = AttackerDef(
        name="comparing",
        params=ReferenceAttackerParams,
        target="trial:Trial",
        summary="Compares.",
        game="membership",
        needs=BLACK_BOX | {Need.REFERENCES},
    )
    origin = Origin(plugin="trial", distribution="trial-plugins", version="1.0")
    registry = Registry((one, origin) for one in (*definitions, comparing))
    file = tmp_path / "trial.yaml"

    def problems(text: str) -> list[str]:
        file.write_text(text)
        try:
            load_spec(file, registry=registry)
        except SpecError as error:
            return [str(problem).removeprefix(f"{file}:") for problem in error.problems]
        return []

    assert problems(changed("type: threshold", "type: comparing")) == [
        "15:12: attackers.0.type: 'comparing' compares with reference models, which only the "
        "audit trains; move it to audit.attackers"
    ]
    assert problems(changed("type: entropy", "type: comparing")) == []


def test_a_gate_on_a_game_that_no_auditor_plays_says_so(problems: Callable[..., list[str]]) -> None:
    """Rather than list every other measure."""
    assert problems("audit.attackers=[]") == [
        "trial.yaml:22:15: gate.1.measure: 'membership.advantage' has no measure: "
        "no attacker of the audit plays 'membership'; add one to audit.attackers"
    ]


@pytest.mark.parametrize(
    "measure", ["file-bytes", "model.file_bytes", "attribute.lift", "probe.lift", "entropy.auc"]
)
def test_a_gate_may_ask_for_metrics_the_file_games_and_attackers(
    problems: Callable[..., list[str]], loaded: Callable[..., LoadedSpec], measure: str
) -> None:
    """Each attacker has the measures of its game."""
    bound = "at_most: 9999" if measure in ("file-bytes", "model.file_bytes") else "at_least: 0.1"
    assert problems(f"gate=[{{measure: {measure}, {bound}}}]") == []
    assert measure in gate_measures(loaded().spec)
    assert "membership.lift" not in gate_measures(loaded().spec)
    assert "threshold.auc" not in gate_measures(loaded().spec)  # it selects and does not audit


def test_a_card_that_cannot_be_made_is_a_problem_of_the_data(tmp_path: Path) -> None:
    """A plugin's code may raise anything; the message has what it raised."""

    def card(_: Params) -> DataCard:
        raise OSError("no such file:\n letters.csv")

    where = {"target": "t:T", "summary": "Trial."}
    definitions = (
        DataDef(name="letters", params=Params, card=card, **where),
        ModelDef(name="mlp", params=Params, **where),
        MethodDef(name="loop", params=MethodParams, **where),
        AggregatorDef(name="pareto", params=Params, **where),
    )
    origin = Origin(plugin="trial", distribution="trial", version="1")
    file = tmp_path / "a.yaml"
    file.write_text(
        "{version: 1, name: a, task: {data: {type: letters}, model: {type: mlp}}, "
        "method: {type: loop}, metrics: []}"
    )

    with pytest.raises(SpecError) as caught:
        load_spec(file, registry=Registry((one, origin) for one in definitions))

    assert str(caught.value) == (
        f"{file}:1:36: task.data: 'letters' cannot say what it would load "
        "(OSError: no such file: letters.csv); change its parameters, or report it"
    )


FINISHED = """\
version: 1
name: trial
task: {data: {type: handwriting}, model: {type: mlp}}
method:
  type: test-driven
  density: 0.1
  test_finished: true
  strategies: [{prune: {type: magnitude}, grow: {type: gradient}}]
attackers: [{type: counterfactual}]
audit: {attackers: [{type: loss-threshold}]}
"""


def test_tests_of_finished_models_need_a_finisher(tmp_path: Path) -> None:
    """Without one the line would do nothing, in silence."""
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    spec = tmp_path / "spec.yaml"
    spec.write_text(FINISHED)

    with pytest.raises(SpecError) as caught:
        load_spec(spec, registry=registry)
    assert (
        "spec.yaml:7:3: method.test_finished: models are to be tested as finish leaves them, and "
        "it has no stages; write method.finish: [{type: quantize}], say, or leave test_finished out"
    ) in str(caught.value)
    spec.write_text(FINISHED.replace("  density", "  finish: [{type: quantize}]\n  density"))
    load_spec(spec, registry=registry)
