"""Device measures that a choice counts: exact ones alone, each of them a metric of the spec."""

from pathlib import Path

import pytest

from safecompress_core.errors import SpecError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.checks.measure_checks import measure_weights
from safecompress_core.specfile.load import load_spec

RUN = """\
version: 1
name: trial
task: {{data: {{type: handwriting}}, model: {{type: mlp}}}}
method:
  type: test-driven
  density: 0.1
  strategies:
    - {{prune: {{type: magnitude}}, grow: {{type: gradient}}}}
attackers: [{{type: counterfactual}}]
metrics: [{{type: accuracy}}, {{type: file-bytes}}, {{type: macs, id: work}}, {{type: latency}}]
choose: {{type: {choose}}}
audit: {{attackers: [{{type: loss-threshold}}]}}
"""
CASES = {
    "a timing": (
        "weighted, measures: {latency: 1}",
        "11:37: choose.measures.latency: 'latency' is another figure whenever it is measured, so "
        "the same spec and seed would not choose the same model; choose by file-bytes or work; a "
        "gate may name 'latency'",
    ),
    "a metric that is not measured": (
        "pareto, measures: {file-byte: 1}",
        "11:35: choose.measures.file-byte: no metric of this spec is called 'file-byte'; did you "
        "mean 'file-bytes'?",
    ),
    "the type of a metric with an id": (
        "pareto, measures: {macs: 1}",
        "11:35: choose.measures.macs: no metric of this spec is called 'macs'; there are: "
        "file-bytes, work",
    ),
    "performance": (
        "weighted, measures: {accuracy: 1}",
        "11:37: choose.measures.accuracy: 'accuracy' is no cost: it may be negative, or higher is "
        "better; take it out",
    ),
    "a weight that would not count": (
        "weighted, measures: {file-bytes: 0}",
        "11:49: choose.measures.file-bytes: 0 is not greater than 0",
    ),
    "a rule that has no place for it": (
        "tm-score, measures: {file-bytes: 1}",
        "11:26: choose.measures: there is no field 'measures' here",
    ),
}


@pytest.fixture(scope="module")
def built_ins() -> Registry:
    """What SafeCompress itself registers."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


@pytest.mark.parametrize(("choose", "expected"), CASES.values(), ids=CASES)
def test_a_measure_that_cannot_choose_is_refused_at_its_key(
    choose: str, expected: str, built_ins: Registry, tmp_path: Path
) -> None:
    """With line, column, and what may choose instead."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(RUN.format(choose=choose))

    with pytest.raises(SpecError) as caught:
        load_spec(spec, registry=built_ins)

    assert expected in str(caught.value)


def test_weights_are_by_the_id_of_the_metric(built_ins: Registry, tmp_path: Path) -> None:
    """As gates name it, too."""
    spec = tmp_path / "spec.yaml"
    spec.write_text(RUN.format(choose="weighted, measures: {file-bytes: 2, work: 0.5}"))

    loaded = load_spec(spec, registry=built_ins)

    assert measure_weights(loaded.spec) == {"file-bytes": 2, "work": 0.5}
