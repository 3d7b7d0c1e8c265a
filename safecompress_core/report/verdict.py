"""Verdict of a run in words: gates, controls, and the value of its tests."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from safecompress_core.games.records import game_in
from safecompress_core.report.densities import states_both
from safecompress_core.report.formatting import (
    and_list,
    format_distinct,
    format_fraction,
    format_interval,
    format_number,
)
from safecompress_core.report.validity.inverted import explanations as inverted_attacks
from safecompress_core.report.validity.inverted import remark
from safecompress_core.report.validity.shift import (
    describe_baseline,
    find_shift,
    has_unaccepted_shift,
    shift_reason,
    shift_remark,
)
from safecompress_core.results.schema import (
    ControlRecord,
    ControlsRecord,
    EarlierFigureRecord,
    GapRecord,
    GateOutcomeRecord,
    GateRecord,
    Results,
)

__all__ = [
    "Tone",
    "VerdictFinding",
    "controls",
    "defences",
    "find_failed_controls",
    "gaps",
    "gates",
    "inverted_findings",
    "is_good",
    "is_void",
    "selectors",
    "verdict",
    "verdict_word",
    "void_causes",
]

FILE_BYTES = "file size in bytes"
DENSITY = "model.density"
CONTROL_NAMES = {"null": "null control", "planted": "planted-leak control"}

Tone = Literal["good", "bad", "caution", "plain"]

Forms = tuple[str, str]
"""Words for one attack, and for several."""


@dataclass(frozen=True, slots=True)
class VerdictFinding:
    """A sentence, and whether it is good news; None where it is neither.

    ``is_caution`` marks what a reader must not overlook though no gate or control fails for it.
    """

    text: str
    is_good: bool | None = None
    is_caution: bool = False

    @property
    def tone(self) -> Tone:
        """Return its mark and colour."""
        if self.is_caution:
            return "caution"
        return "plain" if self.is_good is None else "good" if self.is_good else "bad"


def is_good(results: Results) -> bool:
    """Return whether all gates are met and nothing voids them; the exit code follows it."""
    return not is_void(results) and all(gate.passed for gate in results.gate)


def is_void(results: Results) -> bool:
    """Return whether the figures prove nothing."""
    return bool(void_causes(results))


def void_causes(results: Results) -> list[str]:
    """Return in a few words each what voids the figures: controls, and a shift of members."""
    causes = ["a control failed"] if find_failed_controls(results.controls) else []
    return [*causes, *(["members are shifted"] if has_unaccepted_shift(results) else [])]


def find_failed_controls(controls: ControlsRecord) -> dict[str, tuple[str, ...]]:
    """By kind of control (``null``, ``planted``) the attacks that failed it."""
    failed = {
        kind: tuple(name for name, control in controlled.items() if not control.passed)
        for kind, controlled in _by_kind(controls).items()
    }
    return {kind: names for kind, names in failed.items() if names}


def verdict(results: Results) -> VerdictFinding:
    """One sentence for the whole run; it starts with PASSED, FAILED, VOID or NO GATES.

    Others follow where an attack is inverted, or a shift of members is accepted.
    """
    outcome = _outcome_of_run(results)
    text = f"{outcome.text}{remark(results)}{shift_remark(results)}"
    return VerdictFinding(text, outcome.is_good)


def _outcome_of_run(results: Results) -> VerdictFinding:
    gates_ = results.gate
    met = sum(gate.passed for gate in gates_)
    failed = [
        f"the {CONTROL_NAMES[kind]} failed for {and_list(names)}"
        for kind, names in find_failed_controls(results.controls).items()
    ]
    if has_unaccepted_shift(results):
        failed.append(shift_reason(results))
    if failed:
        text = f"VOID: {and_list(failed)}, so the figures prove nothing."
        return VerdictFinding(text, is_good=False)
    if not gates_:
        return VerdictFinding(
            "NO GATES: the spec sets none, so there is nothing to pass or to fail."
        )
    if met == len(gates_):
        which = {1: "its gate", 2: "both gates"}.get(met, f"all {met} gates")
        return VerdictFinding(f"PASSED: the {_kind(results)} meets {which}.", is_good=True)
    missed = len(gates_) - met
    which = f"{missed} of {len(gates_)} gates"
    if not met:
        which = {1: "its gate", 2: "both gates"}.get(missed, f"all {missed} gates")
    return VerdictFinding(f"FAILED: the {_kind(results)} misses {which}.", is_good=False)


def verdict_word(results: Results) -> str:
    """The verdict in a word: PASSED, FAILED, VOID or NO GATES."""
    return verdict(results).text.partition(":")[0]


def _kind(results: Results) -> str:
    """Return the model's kind for the verdict."""
    return "model" if results.baseline is None else "compressed model"


def defences(results: Results) -> tuple[VerdictFinding, ...]:
    """Return the facts that the chosen model's defences report, such as a guarantee."""
    return tuple(
        VerdictFinding(f"{name}: {defence.text}.")
        for name, defence in results.defences.items()
        if defence.text is not None
    )


def gates(results: Results) -> tuple[VerdictFinding, ...]:
    """Return each bound, the compared figure, and the uncompressed model's."""
    return tuple(
        VerdictFinding(
            f"{_compressed_value(results, gate)}{_uncompressed_value(gate)}", is_good=gate.passed
        )
        for gate in results.gate
    )


def _compressed_value(results: Results, gate: GateRecord) -> str:
    if gate.earlier is not None:
        return _relative_value(results, gate, gate.earlier)
    is_floor, bound = _bound(gate)
    rule = f"must be at {'least' if is_floor else 'most'} {format_number(bound)}"
    value = f"It is {format_distinct(gate.value, bound)}"
    density = results.model.density
    if gate.measure == DENSITY and density is not None and states_both(results.model.sparsifiable):
        value += f", and {format_fraction(density)} of the layers that may be sparse"
    if gate.held != gate.value:
        end = "low" if is_floor else "high"
        value += f"; the {end} end of its interval, {format_distinct(gate.held, bound)}, counts"
    return f"{_measure(results, gate)} {rule}. {value}: {_outcome(gate)}."


def _relative_value(results: Results, gate: GateRecord, earlier: EarlierFigureRecord) -> str:
    """Return the margin, both figures, and the end of their difference that counts."""
    room = f"more than {format_number(gate.margin)} worse" if gate.margin else "worse"
    was = f"{format_distinct(earlier.value, gate.value)} there"
    if earlier.attacks is not None and earlier.attacks[0] != earlier.attacks[1]:
        was += f" ({earlier.attacks[1]})"
    value = f"It is {format_distinct(gate.value, earlier.value)}, and was {was}"
    if gate.held != earlier.worse_by:
        how = "paired by sample" if earlier.paired else "from both intervals"
        value += (
            f"; the high end of the difference's interval ({how}), "
            f"{format_distinct(gate.held, gate.margin or 0.0)}, counts"
        )
    return (
        f"{_measure(results, gate)} must not be {room} than in {gate.no_worse_than}. "
        f"{value}: {_outcome(gate)}."
    )


def _uncompressed_value(gate: GateRecord) -> str:
    """Return the uncompressed model's value; empty without one."""
    other = gate.baseline
    if other is None:
        return ""
    also = " too" if other.passed == gate.passed else ""
    value = format_distinct(other.held, _bound(gate)[1])
    return f" The uncompressed model: {value}, {_outcome(other)}{also}."


def _bound(gate: GateRecord) -> tuple[bool, float]:
    """Return the kind of bound, and its value."""
    if gate.at_least is not None:
        return True, gate.at_least
    assert gate.at_most is not None  # a gate has exactly one bound
    return False, gate.at_most


def _outcome(gate: GateRecord | GateOutcomeRecord) -> str:
    return "met" if gate.passed else "missed"


def _measure(results: Results, gate: GateRecord) -> str:
    """The measure's name; of a whole game's, also which attack it is that is worst."""
    owner, _, name = gate.measure.rpartition(".")
    if not owner or gate.measure in results.metrics:
        is_performance = gate.measure == results.selection.performance
        return f"Test {gate.measure}" if is_performance else gate.measure.capitalize()
    if gate.measure == DENSITY:
        return "Density of the whole model"
    text = f"{owner} {_title(results, owner, name)}"
    attacks = {key: attack for key, attack in results.audit.items() if attack.game == owner}
    reversed_attacks = {
        f"{key}, reversed": attack.reversed for key, attack in attacks.items() if attack.reversed
    }
    estimates = {key: attack.estimate(name) for key, attack in (attacks | reversed_attacks).items()}
    worst = [
        key
        for key, estimate in estimates.items()
        if estimate is not None and estimate.value == gate.value
    ]
    if worst and (len(attacks) > 1 or reversed_attacks):
        text += f" (worst attack: {worst[0]})"
    return text[0].upper() + text[1:] if attacks or owner == "model" else text


def _title(results: Results, owner: str, name: str) -> str:
    """Return the title of a measure in its game: the owner's, or the one that the owner plays."""
    if owner == "model":
        return FILE_BYTES
    game = results.audit[owner].game if owner in results.audit else owner
    measure = game_in(results.games, game).measure(name)
    return name if measure is None else measure.title


def controls(results: Results) -> tuple[VerdictFinding, ...]:
    """Return the outcome of the null and the planted control, and of the blind baseline."""
    if not any(_by_kind(results.controls).values()):
        return (VerdictFinding("No attack on membership was audited, so there are no controls."),)
    return (
        *_blind_finding(results),
        *_control_findings(
            results.controls.null,
            lead="Null control, membership drawn at random",
            good=("finds nothing, as it must be", "find nothing, as it must be"),
            proof=("its interval covers 0.5", "their intervals cover 0.5"),
            bad="finds something where there is nothing",
        ),
        *_control_findings(
            results.controls.planted,
            lead="Planted-leak control, membership copied into the output",
            good=("finds it, as it must be", "find it, as it must be"),
            proof=("its interval is above 0.5", "their intervals are above 0.5"),
            bad="misses a leak that is there",
        ),
    )


def _blind_finding(results: Results) -> Iterator[VerdictFinding]:
    blind, shift = results.blind_baseline, find_shift(results)
    if blind is None:
        return
    text = describe_baseline(blind)
    if blind.auc is None:
        yield VerdictFinding(text)
    elif shift is not None and shift.accepted:
        yield VerdictFinding(text, is_caution=True)
    else:
        yield VerdictFinding(text, is_good=shift is None)


def _by_kind(controls: ControlsRecord) -> dict[str, Mapping[str, ControlRecord]]:
    return {"null": controls.null, "planted": controls.planted}


def _control_findings(
    controls: Mapping[str, ControlRecord], *, lead: str, good: Forms, proof: Forms, bad: str
) -> Iterator[VerdictFinding]:
    """One sentence for all attacks that passed a control, and one for each that failed."""
    passed = {name: control for name, control in controls.items() if control.passed}
    if passed:
        form = len(passed) > 1
        aucs = and_list([format_number(control.auc) for control in passed.values()])
        text = f"{and_list(list(passed))} {good[form]} (AUC {aucs}; {proof[form]})."
        yield VerdictFinding(f"{lead}: {text}", is_good=True)
    for name, control in controls.items():
        if not control.passed:
            auc = f"AUC {format_number(control.auc)}, {format_interval(*control.auc_interval)}"
            text = f"{name} {bad} ({auc}). Do not trust its figures."
            yield VerdictFinding(f"{lead}: {text}", is_good=False)


def inverted_findings(results: Results) -> tuple[VerdictFinding, ...]:
    """Attacks whose AUC has its whole interval under 0.5, with what that can mean."""
    return tuple(VerdictFinding(text, is_caution=True) for text in inverted_attacks(results))


def gaps(results: Results) -> tuple[VerdictFinding, ...]:
    """By game, whether the attacks that selected showed what the audit finds."""
    return tuple(_gap(game, gap) for game, gap in results.selection_gap.items())


def _gap(game: str, gap: GapRecord) -> VerdictFinding:
    select, audit = gap.select, gap.audit
    attacker = select.attacker
    if select.outdone_by:
        attacker += f", outdone by {select.outdone_by}"
    figures = (
        f"{game.capitalize()} advantage of the chosen model: "
        f"{format_number(select.advantage)} while choosing ({attacker}), "
        f"{format_number(audit.advantage)} in the audit ({audit.attacker})"
    )
    ends = format_interval(*gap.gap_interval)
    if gap.selection == "agrees":
        return VerdictFinding(f"{figures}: they agree within the noise ({ends}).", is_good=True)
    by = f"by {format_number(abs(gap.gap))} (difference {ends})"
    text = f"{figures}: selection {gap.selection} the leak {by}."
    return VerdictFinding(text, is_caution=gap.selection == "understated")


def selectors(results: Results) -> tuple[VerdictFinding, ...]:
    """Attackers that judge what they selected, where the spec allows it."""
    named = results.selection.also_audit
    if not named:
        return ()
    many = len(named) > 1
    return (
        VerdictFinding(
            f"{and_list(named)} selected too (allow_selectors: true), so "
            f"{'their' if many else 'its'} figures in the audit read too low.",
            is_good=False,
        ),
    )
