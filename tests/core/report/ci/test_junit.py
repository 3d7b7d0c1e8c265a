"""JUnit XML, as another library reads it."""

from typing import Any

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from safecompress_core.report.ci.junit import junit_xml
from safecompress_core.results.schema import BlindBaselineRecord, FailureRecord, Results
from tests.core.fixtures.records import blind_record, typed


def read(results: Results, failures: tuple[FailureRecord, ...] = ()) -> JUnitXml:
    """Return the document as junitparser reads it."""
    return JUnitXml.fromstring(junit_xml({results.name: results}, failures).encode())


def cases(results: dict[str, Any]) -> list[TestCase]:
    """Return the test cases of the only suite."""
    [suite] = read(typed(results))
    return list(suite)


def test_each_gate_and_each_control_is_a_test_case(results: dict[str, Any]) -> None:
    """By the rule, which is the same from run to run, and not by its figures."""
    names = [(case.classname, case.name) for case in cases(results)]

    assert names == [
        ("trial.gate", "accuracy at least 0.3"),
        ("trial.gate", "membership.advantage at most 0.35"),
        *(
            ("trial.control.null", f"{name} finds nothing where there is nothing")
            for name in results["controls"]["null"]
        ),
        *(
            ("trial.control.planted", f"{name} finds a leak that is planted")
            for name in results["controls"]["planted"]
        ),
    ]
    assert all(case.is_passed for case in cases(results))


def test_a_missed_gate_is_a_failure_with_the_finding(results: dict[str, Any]) -> None:
    """Counts of suite and document follow."""
    results["gate"][0]["passed"] = False

    document = read(typed(results))

    [suite] = document
    assert isinstance(suite, TestSuite)
    assert (document.failures, suite.failures, suite.errors) == (1, 1, 0)
    [result] = next(iter(suite)).result
    assert isinstance(result, Failure)
    assert result.message.startswith("Test accuracy must be at least 0.300. It is 0.400;")


def test_a_gate_that_is_met_proves_nothing_in_a_void_audit(results: dict[str, Any]) -> None:
    """The control fails, and the gates are skipped."""
    [name, *_] = results["controls"]["planted"]
    results["controls"]["planted"][name]["passed"] = False

    outcomes = {case.name: case.result for case in cases(results)}

    [skipped] = outcomes["accuracy at least 0.3"]
    assert isinstance(skipped, Skipped)
    assert skipped.message.startswith("VOID: the planted-leak control failed")
    [failed] = outcomes[f"{name} finds a leak that is planted"]
    assert isinstance(failed, Failure)


def test_a_run_that_could_not_be_finished_is_an_error(results: dict[str, Any]) -> None:
    """In a suite of its own, after those of the other runs of a comparison."""
    failure = FailureRecord(label="prune, seed 3", reason="the loss is no number\x07")

    _, suite = read(typed(results), (failure,))

    [case] = suite
    [error] = case.result
    assert isinstance(error, Error)
    assert (case.name, error.message) == ("prune, seed 3", "the loss is no number ")


@pytest.mark.parametrize("name", ['<a href="x">', "a & b", "naïve"])
def test_names_are_escaped(results: dict[str, Any], name: str) -> None:
    """Whatever an attack is called, the document says it again."""
    results["controls"]["null"] = {name: results["controls"]["null"]["loss"]}

    assert f"{name} finds nothing where there is nothing" in [case.name for case in cases(results)]


@pytest.mark.parametrize(
    ("record", "outcome"),
    [
        (blind_record(), "passed"),
        (blind_record(shifted=True), "failed"),
        (blind_record(shifted=True, accepted=True), "skipped"),
        (blind_record(note="the inputs are unknown"), "skipped"),
    ],
)
def test_the_blind_baseline_is_a_case(
    results: dict[str, Any], record: BlindBaselineRecord, outcome: str
) -> None:
    """A failure where members are shifted; skipped where the spec accepts it, or there is none."""
    results["blind_baseline"] = record.to_json()

    [case] = [case for case in cases(results) if case.classname == "trial.control.blind"]

    kind = {"passed": None, "failed": Failure, "skipped": Skipped}[outcome]
    assert case.is_passed == (kind is None)
    assert kind is None or isinstance(case.result[0], kind)
