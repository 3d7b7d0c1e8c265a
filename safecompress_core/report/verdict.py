"""What a run's results mean, in words: gates, controls, and what its tests were worth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safecompress_core.report.summary import objective_name
from safecompress_core.report.words import and_list, apart, number, or_list, span

__all__ = ["Finding", "controls", "gates", "is_good", "selection", "verdict"]

Results = Mapping[str, Any]

MEASURE_NAMES = {"auc": "AUC", "file_bytes": "file size in bytes"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence, and whether it is good news; None where it is neither."""

    text: str
    is_good: bool | None = None


def is_good(results: Results) -> bool:
    """Whether every gate is met and no control failed: what the exit code of a run says."""
    checks = [*results["gate"], *results["controls"].get("null", {}).values()]
    return all(check["passed"] for check in checks)


def verdict(results: Results) -> Finding:
    """One sentence for the whole run."""
    gates_ = results["gate"]
    met = sum(gate["passed"] for gate in gates_)
    failed = [name for name, control in _null(results).items() if not control["passed"]]
    if failed:
        text = f"the null control failed for {and_list(failed)}, so the figures prove nothing"
        return Finding(f"No verdict: {text}.", is_good=False)
    if not gates_:
        return Finding("The spec sets no gate, so there is nothing to pass or to fail.")
    if met == len(gates_):
        which = {1: "its gate", 2: "both gates"}.get(met, f"all {met} gates")
        return Finding(f"Passed: the compressed model meets {which}.", is_good=True)
    missed = len(gates_) - met
    which = "its gate" if len(gates_) == 1 else f"{missed} of {len(gates_)} gates"
    return Finding(f"Failed: the compressed model misses {which}.", is_good=False)


def gates(results: Results) -> tuple[Finding, ...]:
    """Each bound, what is held against it, and what the uncompressed model would have got."""
    return tuple(
        Finding(f"{_compressed(results, gate)} {_uncompressed(gate)}", is_good=gate["passed"])
        for gate in results["gate"]
    )


def _compressed(results: Results, gate: Mapping[str, Any]) -> str:
    is_floor, bound = _bound(gate)
    wanted = f"must be at {'least' if is_floor else 'most'} {number(bound)}"
    found = f"It is {apart(gate['value'], bound)}"
    if gate["held"] != gate["value"]:
        end = "low" if is_floor else "high"
        found += f"; the {end} end of its interval, {apart(gate['held'], bound)}, counts"
    return f"{_measure(results, gate)} {wanted}. {found}: {_outcome(gate)}."


def _uncompressed(gate: Mapping[str, Any]) -> str:
    """What the uncompressed model would have got."""
    other = gate["baseline"]
    also = " too" if other["passed"] == gate["passed"] else ""
    held = apart(other["held"], _bound(gate)[1])
    return f"The uncompressed model: {held}, {_outcome(other)}{also}."


def _bound(gate: Mapping[str, Any]) -> tuple[bool, float]:
    """Whether it is a floor, and where it lies."""
    is_floor = gate["at_least"] is not None
    return is_floor, gate["at_least"] if is_floor else gate["at_most"]


def _outcome(gate: Mapping[str, Any]) -> str:
    return "met" if gate["passed"] else "missed"


def _measure(results: Results, gate: Mapping[str, Any]) -> str:
    """The measure's name; of a whole game's, also which attack it is that is worst."""
    owner, _, name = gate["measure"].rpartition(".")
    if not owner or gate["measure"] in results["metrics"]:
        return f"Test {gate['measure']}"
    text = f"{owner} {MEASURE_NAMES.get(name, name)}"
    attacks = {key: one for key, one in results["audit"].items() if one["game"] == owner}
    worst = [key for key, one in attacks.items() if one.get(name) == gate["value"]]
    if worst and len(attacks) > 1:
        text += f" (worst attack: {worst[0]})"
    return text[0].upper() + text[1:] if attacks or owner == "model" else text


def controls(results: Results) -> tuple[Finding, ...]:
    """Whether attacks found something where there was nothing to find."""
    null = _null(results)
    if not null:
        return (Finding("No attack on membership was audited, so there is no null control."),)
    found = []
    passed = {name: one for name, one in null.items() if one["passed"]}
    if passed:
        aucs = and_list([number(one["auc"]) for one in passed.values()])
        find = "finds" if len(passed) == 1 else "find"
        cover = "its interval covers" if len(passed) == 1 else "their intervals cover"
        text = f"{and_list(list(passed))} {find} nothing, as it must be (AUC {aucs}; {cover} 0.5)."
        found.append(Finding(f"Null control, membership drawn by lot: {text}", is_good=True))
    for name, one in null.items():
        if not one["passed"]:
            auc = f"AUC {number(one['auc'])}, {span(*one['auc_interval'])}"
            text = (
                f"{name} finds something where there is nothing ({auc}). Do not trust its figures."
            )
            found.append(Finding(f"Null control, membership drawn by lot: {text}", is_good=False))
    return tuple(found)


def selection(results: Results) -> tuple[Finding, ...]:
    """What the choices of the rounds rest on; nothing for a method that chose nothing."""
    return tuple(_selection(results)) if results["rounds"] else ()


def _selection(results: Results) -> Iterator[Finding]:
    rounds = results["rounds"]
    told = {
        objective: sum(one["spread"][objective]["tells_apart"] for one in rounds)
        for objective in rounds[0]["spread"]
    }
    never = [objective_name(results, name) for name, count in told.items() if not count]
    if never and len(never) == len(told):
        yield Finding(
            "No round could tell its candidates apart: they differ by less than the test's noise. "
            "What was chosen among them is chance; ask for larger pools or bolder strategies.",
            is_good=False,
        )
    elif never:
        text = "they differ by less than the test's noise there"
        yield Finding(f"No round could tell candidates apart by {or_list(never)}: {text}.")
    elif all(count == len(rounds) for count in told.values()):
        yield Finding("Every round could tell its candidates apart by everything.", is_good=True)
    yield from _kept(results)
    yield from _outdone(results)


def _kept(results: Results) -> Iterator[Finding]:
    """How often a run went on with what it had; of several carried models none is the one kept."""
    rounds = results["rounds"]
    if any(sum(one["chosen"] for one in round_["candidates"]) > 1 for round_ in rounds):
        return
    kept = sum(round_["candidates"][0]["chosen"] for round_ in rounds)
    name = rounds[0]["candidates"][0]["strategy"]
    if kept:
        text = f"nothing was significantly better than '{name}', so the run kept what it had"
        share = f"{kept} of {len(rounds)} rounds" if kept < len(rounds) else "every round"
        yield Finding(f"In {share} {text}.")
    else:
        text = f"In every round a candidate was significantly better than '{name}'."
        yield Finding(text, is_good=True)


def _outdone(results: Results) -> Iterator[Finding]:
    """Attackers that were significantly weaker than an attack which needs no training."""
    tests = [one for round_ in results["rounds"] for one in round_["candidates"]]
    for name in tests[0]["attacks"]:
        by = [one["attacks"][name]["outdone_by"] for one in tests]
        stronger = sorted({one for one in by if one})
        if stronger:
            count = sum(one is not None for one in by)
            text = f"{name} was significantly weaker than {or_list(stronger)}"
            yield Finding(f"In {count} of {len(tests)} tests {text}, which counted in its place.")


def _null(results: Results) -> Mapping[str, Any]:
    found: Mapping[str, Any] = results["controls"].get("null", {})
    return found
