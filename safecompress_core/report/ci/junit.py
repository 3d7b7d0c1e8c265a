"""Results as JUnit XML: a test case for each gate and each control."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from safecompress_core.report import verdict
from safecompress_core.report.validity.shift import describe_baseline, has_unaccepted_shift
from safecompress_core.results.schema import FailureRecord, GateRecord, Results

__all__ = ["junit_xml"]

Outcome = Literal["passed", "failure", "skipped", "error"]
CONTROLS = {
    "null": "finds nothing where there is nothing",
    "planted": "finds a leak that is planted",
}
"""Rule of each kind of control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A test case.

    Attributes:
        group: what is tested: gates, or a kind of control.
        name: the rule.
        outcome: whether it holds; ``skipped`` where nothing can be said.
        message: the finding in words.
    """

    group: str
    name: str
    outcome: Outcome
    message: str = ""


def junit_xml(runs: Mapping[str, Results], failures: Sequence[FailureRecord] = ()) -> str:
    """Return a document with a test suite for each run or audit.

    A gate that is met proves nothing where the verdict is VOID: it is skipped then.

    Args:
        runs: by what its suite is called.
        failures: runs that could not be finished, an error each.
    """
    suites = Element("testsuites", name="safecompress")
    for name, results in runs.items():
        _add_suite(suites, name, tuple(_cases(results)), seconds=results.seconds.total)
    if failures:
        unfinished = tuple(
            Case(group="run", name=one.label, outcome="error", message=one.reason)
            for one in failures
        )
        _add_suite(suites, "not finished", unfinished, seconds=0.0)
    for count in ("tests", "failures", "errors"):
        suites.set(count, str(sum(int(suite.get(count, 0)) for suite in suites)))
    indent(suites)
    text = tostring(suites, encoding="unicode")
    return f"<?xml version='1.0' encoding='utf-8'?>\n{text}\n"


def _cases(results: Results) -> Iterator[Case]:
    outcome = verdict.verdict(results)
    is_void = verdict.verdict_word(results) == "VOID"
    for gate, finding in zip(results.gate, verdict.gates(results), strict=True):
        case = Case(
            group="gate",
            name=_rule(gate),
            outcome="passed" if gate.passed else "failure",
            message=finding.text,
        )
        if is_void and gate.passed:
            case = Case(group="gate", name=case.name, outcome="skipped", message=outcome.text)
        yield case
    yield from _blind_case(results)
    for kind, rule in CONTROLS.items():
        for attack, control in getattr(results.controls, kind).items():
            yield Case(
                group=f"control.{kind}",
                name=f"{attack} {rule}",
                outcome="passed" if control.passed else "failure",
                message=f"AUC {control.auc:.3f}, 99.9 % interval "
                f"{control.auc_interval[0]:.3f} to {control.auc_interval[1]:.3f}",
            )


def _blind_case(results: Results) -> Iterator[Case]:
    """Yield the case of the blind baseline; skipped where it is not possible, or accepted."""
    blind = results.blind_baseline
    if blind is None:
        return
    outcome: Outcome = "failure" if has_unaccepted_shift(results) else "passed"
    if blind.auc is None or (blind.shifted and outcome == "passed"):
        outcome = "skipped"
    yield Case(
        group="control.blind",
        name="members do not differ from non-members without the model",
        outcome=outcome,
        message=describe_baseline(blind),
    )


def _rule(gate: GateRecord) -> str:
    """Return a gate as a spec has it, which stays the same from run to run."""
    if gate.no_worse_than is not None:
        return f"{gate.measure} no worse than {gate.no_worse_than} by {gate.margin:g}"
    if gate.at_least is not None:
        return f"{gate.measure} at least {gate.at_least:g}"
    return f"{gate.measure} at most {gate.at_most:g}"


def _add_suite(suites: Element, name: str, cases: Sequence[Case], *, seconds: float) -> None:
    count = {kind: sum(case.outcome == kind for case in cases) for kind in ("failure", "error")}
    suite = SubElement(
        suites,
        "testsuite",
        name=_printable(name),
        tests=str(len(cases)),
        failures=str(count["failure"]),
        errors=str(count["error"]),
        skipped=str(sum(case.outcome == "skipped" for case in cases)),
        time=f"{seconds:.3f}",
    )
    for case in cases:
        element = SubElement(
            suite,
            "testcase",
            classname=_printable(f"{name}.{case.group}"),
            name=_printable(case.name),
            time="0",
        )
        if case.outcome == "passed":
            SubElement(element, "system-out").text = _printable(case.message)
        else:
            SubElement(element, case.outcome, message=_printable(case.message))


def _printable(text: str) -> str:
    """Return a text without characters that XML 1.0 has no way to write."""
    return "".join(sign if sign.isprintable() else " " for sign in text)
