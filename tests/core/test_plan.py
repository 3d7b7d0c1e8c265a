"""A plan counts what a run then does, without doing it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.audit.auditor import Auditor
from safecompress_core.host import load_plugins
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.methods.test_driven.rounds import rounds_of
from safecompress_core.plan import Job, Plan, chooses_by_tests, make_plan
from safecompress_core.runs.run import run_spec
from safecompress_core.specfile.load import LoadedSpec, load_spec
from safecompress_core.training.trainer import Trainer

SPEC = """
version: 1
name: planned
task:
  data: {type: handwriting}
  model: {type: mlp, hidden: [8]}
training: {epochs: 5, batch_size: 300}
method:
  type: test-driven
  field: 1
  twins: false
  density: 0.2
  rounds: 2
  beam: 2
  defences: [{type: l2}]
  strategies:
    - {prune: {type: magnitude}, grow: {type: random}}
    - {prune: {type: magnitude}, grow: {type: random}, set: {l2.weight: [0.1, 0.2]}}
attackers: [{type: loss-threshold}, {type: gap}]
audit:
  attackers: [{type: entropy}]
"""


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSpec:
    """Four candidates for the first model, and for each of two in the second round."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    return load_spec(path, registry=load_plugins().registry)


@pytest.fixture
def plan(loaded: LoadedSpec) -> Plan:
    """Of that spec."""
    return make_plan(loaded, load_plugins().registry)


def test_a_run_does_what_was_planned(
    loaded: LoadedSpec, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Epochs, steps, trainings of attackers, tests, and the name of the directory."""
    seen: dict[str, int] = {"epochs": 0, "steps": 0, "armed": 0, "tested": 0, "audited": 0}

    def counting(owner: type, name: str, what: str) -> None:
        original = getattr(owner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            seen[what] += 1
            return original(*args, **kwargs)

        monkeypatch.setattr(owner, name, counted)

    counting(Trainer, "_train_epoch", "epochs")
    counting(Trainer, "_descend", "steps")
    counting(CandidateEvaluator, "fit_attackers", "armed")
    counting(CandidateEvaluator, "evaluate", "tested")
    counting(Auditor, "audit", "audited")
    finished = run_spec(loaded, load_plugins().registry, runs=tmp_path, observers=lambda _: None)

    dense, method, audit = plan.jobs
    assert finished.path.name == plan.directory
    assert seen["epochs"] == plan.epochs
    assert plan.steps is not None
    assert seen["steps"] == seen["epochs"] * plan.steps
    assert (dense.epochs, method.candidates) == (5, (4, 8))
    assert (2 * seen["armed"], 2 * seen["tested"]) == (method.fits, method.tests)
    assert seen["audited"] == audit.tests
    for name in plan.files:
        assert list(finished.path.glob(name.rstrip("/"))) or name == "report.html"


def test_rounds_cover_all_epochs_of_one_model() -> None:
    """Whatever does not divide; each candidate is fine-tuned at least one epoch."""
    rounds = rounds_of(
        epochs=10, before=0, field=(1, 1, 1), finetune=0.1, proposals=1, derive_at=1, beam=1
    )

    assert [(one.start, one.middle, one.end) for one in rounds] == [
        (0, 2, 3),
        (3, 5, 6),
        (6, 9, 10),
    ]
    assert [one.candidates for one in rounds] == [1, 1, 1]
    assert sum(one.epochs for one in rounds) == 10


def test_models_that_a_defence_has_trained_are_counted(tmp_path: Path) -> None:
    """Four, of which two train on each member; and as many for each of six reference models."""
    path = tmp_path / "spec.yaml"
    defences = "[{type: l2}, {type: split-distillation, models: 4, left_out: 2}]"
    path.write_text(
        SPEC.replace("[{type: l2}]", defences).replace(
            "[{type: entropy}]", "[{type: rmia, references: 6}]"
        )
    )
    registry = load_plugins().registry
    plan = make_plan(load_spec(path, registry=registry), registry)

    counted = {job.name: (job.models, job.epochs) for job in plan.jobs}
    assert counted["models for split-distillation of the method"] == (4, 10)
    assert counted["models for split-distillation of reference models"] == (24, 60)


def plan_references(folder: Path, *changes: str) -> dict[str, Job]:
    """Plan the spec with four and with six reference models; the jobs by name."""
    path = folder / "spec.yaml"
    path.write_text(SPEC)
    registry = load_plugins().registry
    audit = "audit.attackers=[{type: rmia, references: 4}, {type: lira, references: 6}]"
    loaded = load_spec(path, overrides=[audit, *changes], registry=registry)
    return {job.name: job for job in make_plan(loaded, registry).jobs}


def test_reference_models_are_counted_once_for_all_attackers(tmp_path: Path) -> None:
    """As many as the attacker that asks for most, dense and as the compressed model."""
    jobs = plan_references(tmp_path)
    dense, own = jobs["reference models, uncompressed"], jobs["reference models, compressed"]
    assert (dense.models, dense.epochs) == (6, 30)
    assert (own.models, own.epochs, own.fits, own.tests) == (6, 30, 0, 0)


def test_references_that_re_run_the_method_cost_its_tests_as_well(tmp_path: Path) -> None:
    """Six times what the method costs once."""
    jobs = plan_references(tmp_path, "audit.references.method=rerun")

    method, own = jobs["method test-driven"], jobs["reference models, compressed"]
    assert method.epochs is not None
    assert method.tests is not None
    assert (own.models, own.epochs) == (6, 6 * method.epochs)
    assert (own.fits, own.tests) == (6 * method.fits, 6 * method.tests)


def test_dense_training_needs_no_second_set_of_references(tmp_path: Path) -> None:
    """The uncompressed model's are the method's."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    registry = load_plugins().registry
    changes = [
        "method={type: uncompressed}",
        "attackers=[]",
        "audit.attackers=[{type: lira, references: 6}]",
    ]
    plan = make_plan(load_spec(path, overrides=changes, registry=registry), registry)

    assert [job.name for job in plan.jobs] == [
        "uncompressed model",
        "method uncompressed",
        "reference models, uncompressed",
        "audit",
    ]


def test_a_method_that_does_not_tell_leaves_the_sum_open(
    loaded: LoadedSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No figure is better than a wrong one."""
    monkeypatch.setattr("safecompress_core.plan._workload", lambda _: None)
    plan = make_plan(loaded, load_plugins().registry)

    assert plan.jobs[1].epochs is None
    assert plan.epochs is None
    # A guarantee must not rest on what is not known.
    assert chooses_by_tests(loaded.spec)


@pytest.mark.parametrize(
    ("changes", "chooses"),
    [
        ([], True),
        (["method.field=[2, 1]", "method.beam=1"], True),
        (["method.derive_at=0"], False),
        (["method={type: set, density: 0.2}", "attackers=[]"], False),
    ],
    ids=["candidates", "lineages", "one lineage", "a fixed training"],
)
def test_tests_choose_among_candidates_and_lineages(
    tmp_path: Path, changes: list[str], chooses: bool
) -> None:
    """One lineage that is tested as it is has no rival."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    loaded = load_spec(path, overrides=changes, registry=load_plugins().registry)

    assert chooses_by_tests(loaded.spec) is chooses


def test_a_race_is_planned_with_its_field_and_its_cost(tmp_path: Path) -> None:
    """Two lineages for two epochs of five, then one of them."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC.replace("  beam: 2\n", ""))
    registry = load_plugins().registry
    loaded = load_spec(path, overrides=["method.field=[2, 1]"], registry=registry)
    plan = make_plan(loaded, registry)

    dense, method, *_ = plan.to_json()["jobs"]
    assert (dense["field"], dense["trainings"]) == ((), None)
    assert (method["field"], method["candidates"], method["twins"]) == ((2, 1), (2, 1), False)
    assert method["trainings"] == (2 * 2 + 3) / 5


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("training.compile=true", "training.compile"),
        ("training.precision=float16", "float16"),
        ("device=cuda", "device: cuda"),
    ],
)
def test_choices_that_cost_byte_identity_are_said(tmp_path: Path, change: str, word: str) -> None:
    """Each by its field; a spec that fixes everything hears of threads alone."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    registry = load_plugins().registry
    fixed = ["device=cpu", "training.precision=float32"]
    quiet = make_plan(load_spec(path, overrides=fixed, registry=registry), registry)
    loud = make_plan(load_spec(path, overrides=[*fixed, change], registry=registry), registry)

    assert len(quiet.caveats) == 1
    assert any(word in caveat for caveat in loud.caveats)


def test_planning_needs_no_torch(tmp_path: Path) -> None:
    """Nor numpy: it works with the base install."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)
    code = (
        "import sys\n"
        "from safecompress_core.cli import cli\n"
        f"cli(['plan', {str(path)!r}, '--json'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy') if name in sys.modules], file=sys.stderr)\n"
    )
    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert outcome.stderr.strip().splitlines()[-1] == "[]", outcome.stderr
    assert json.loads(outcome.stdout)["members"] == 898
