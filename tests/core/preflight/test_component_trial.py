"""Components of third parties, tried before training."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.errors import ComponentError
from safecompress_core.host import load_plugins
from safecompress_core.preflight.component_trial import trial
from safecompress_core.specfile.load import load_spec
from tests.core.fixtures.refusals import refusal

NOSY = """
from safecompress_core.api import LABEL_ONLY, AttackerDef, AttackerParams, hookimpl
from safecompress_core.toolkit import Attacker


class NosyParams(AttackerParams):
    pass


class Nosy(Attacker):
    def __init__(self, params):
        pass

    def fit(self, known, *, generator):
        pass

    def score(self, evidence):
        return -evidence.seen.losses


@hookimpl
def safecompress_attackers():
    yield AttackerDef(
        name="nosy", params=NosyParams, target=f"{__name__}:Nosy", summary="Reads too much.",
        game="membership", needs=LABEL_ONLY,
    )
"""


def test_an_attacker_that_reads_more_than_it_declares_is_refused_before_training(
    tmp_path: Path,
) -> None:
    """In either list and as a part of another, where it would fail when models are trained."""
    (tmp_path / "nosy.py").write_text(NOSY)
    registry = load_plugins(plugins_dir=tmp_path, environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    file = tmp_path / "spec.json"
    nosy, gap = {"type": "nosy", "id": "n"}, {"type": "gap"}
    spec = {
        "version": 1,
        "name": "small",
        "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [8]}},
        "method": {"type": "uncompressed"},
        "attackers": [nosy],
        "audit": {"attackers": [{"type": "basket", "attackers": [{"type": "entropy"}, nosy]}, gap]},
    }
    spec["audit"]["allow_selectors"] = True  # type: ignore[index]
    file.write_text(json.dumps(spec))

    found = refusal(build_run_context(load_spec(file, registry=registry), registry))

    reason = (
        "'n' reads more than it declares: 'losses' needs black-box access, but the attacker "
        "declared label-only; take it out; its plugin has to declare the access that it needs"
    )
    assert found == [
        f"1: attackers.0.type: {reason}",
        f"1: audit.attackers.0.attackers.1.type: {reason}",
    ]


METRIC = """
from pathlib import Path
from safecompress_core.api import MetricDef, Params, hookimpl
from safecompress_core.toolkit import Estimate, Metric


class Noted(Metric):
    def __init__(self, params):
        pass

    def measure(self, subject):
        Path(__file__).with_suffix(".log").write_text(str(len(subject.unseen.labels)))
        return {answer}


@hookimpl
def safecompress_metrics():
    yield MetricDef(name="noted", params=Params, target=f"{{__name__}}:Noted", summary="Noted.")
"""


def with_metric(folder: Path, answer: str) -> RunContext:
    """A run with a third-party metric that gives this answer."""
    (folder / "noted.py").write_text(METRIC.format(answer=answer))
    registry = load_plugins(plugins_dir=folder, environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    spec = {
        "version": 1,
        "name": "small",
        "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [8]}},
        "method": {"type": "uncompressed"},
        "metrics": [{"type": "accuracy"}, {"type": "noted"}],
        "audit": {"attackers": [{"type": "gap"}]},
    }
    (folder / "spec.json").write_text(json.dumps(spec))
    return build_run_context(load_spec(folder / "spec.json", registry=registry), registry)


def test_a_component_that_works_is_tried_on_a_few_samples(tmp_path: Path) -> None:
    """And nothing is said of it."""
    assert list(trial(with_metric(tmp_path, "Estimate(0.5, 0.4, 0.6)"))) == []
    assert (tmp_path / "noted.log").read_text() == "8"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("1 / 0", r"measure\(\) raised ZeroDivisionError: division by zero"),
        ("0.5", r"measure\(\) returned float; it must return an Estimate"),
    ],
)
def test_a_component_that_fails_is_named_with_what_it_did(
    tmp_path: Path, answer: str, reason: str
) -> None:
    """Hours before it would fail in the audit."""
    with pytest.raises(ComponentError, match=f"metric 'noted': {reason}"):
        list(trial(with_metric(tmp_path, answer)))


def test_built_in_components_are_not_tried(
    prepare: Callable[..., RunContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a network is built for them."""
    run_context = prepare()
    monkeypatch.setitem(
        vars(run_context), "create_network", lambda: pytest.fail("something was tried")
    )

    assert list(trial(run_context)) == []
