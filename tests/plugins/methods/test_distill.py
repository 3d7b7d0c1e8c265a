"""A student: how wide it is, what it learns, and what its file and results say of it."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.errors import SpecError
from safecompress_core.host import load_plugins
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.runs.run import run_spec
from safecompress_core.runs.verify import Status, verify_run
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.load import load_spec
from safecompress_plugins.methods.distill import widest

DISTILL = {"type": "distill", "density": 0.3}


def weights(hidden: list[int]) -> int:
    """Of an mlp from 64 inputs to 14 classes, biases left out."""
    widths = [64, *hidden, 14]
    return sum(first * second for first, second in pairwise(widths))


@pytest.mark.parametrize("density", [0.03, 0.1, 0.3, 0.999, 1.0])
def test_the_student_is_as_wide_as_the_density_allows(
    shop: Callable[..., Any], density: float
) -> None:
    """Among all factors of the widths, looked through one by one."""
    architecture = shop(
        DISTILL, task__model={"type": "mlp", "hidden": [40, 20]}
    ).run_context.architecture
    most = round(density * weights([40, 20]))
    every = {(max(1, round(40 * n / 4096)), max(1, round(20 * n / 4096))) for n in range(1, 4097)}
    largest = max(count for count in (weights(list(one)) for one in every) if count <= most)

    student: Any = widest(architecture, most)

    assert weights(student.hidden) == largest
    assert student.type == "mlp"


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        ({"type": "alexnet", "width": 0.1}, (3, 32, 32)),
        ({"type": "vgg16", "width": 0.1}, (3, 32, 32)),
        ({"type": "resnet18", "width": 0.1}, (3, 32, 32)),
        ({"type": "wide-resnet", "depth": 10, "widening": 4}, (1, 8, 8)),
    ],
)
def test_other_architectures_are_made_narrower_too(
    shop: Callable[..., Any], model: dict[str, Any], shape: tuple[int, ...]
) -> None:
    """By the width that they have, and no further than it takes."""
    made = {"type": "made-up", "samples": 200, "shape": list(shape), "classes": 4}
    data = made if shape[0] == 3 else {"type": "handwriting"}
    prepared = shop(DISTILL, task__model=model, task__data=data).run_context
    sizes = {
        factor: sum(
            one.numel()
            for one in prepared.networks.build(prepared.architecture.narrow(factor))
            .sparse_parameters()
            .values()
        )
        for factor in (0.25, 0.5, 1.0)
    }

    assert sizes[0.25] < sizes[0.5] < sizes[1.0]
    assert widest(prepared.architecture, sizes[0.5]) is not None


@pytest.mark.parametrize("kind", ["alexnet", "vgg16", "resnet18"])
def test_a_student_can_be_normalised_in_groups(shop: Callable[..., Any], kind: str) -> None:
    """As DP-SGD needs it: the narrowest ones that are tried have a single channel a layer."""
    made = {"type": "made-up", "samples": 200, "shape": [3, 32, 32], "classes": 4}
    model = {"type": kind, "width": 0.1, "normalisation": "group"}
    prepared = shop(DISTILL, task__model=model, task__data=made).run_context

    require_feasible(prepared)

    narrowest = prepared.architecture.narrow(1 / 4096)
    assert prepared.networks.build(narrowest)(prepared.sample).isfinite().all()


def test_it_learns_what_the_defence_would_teach(shop: Callable[..., Any]) -> None:
    """Dense training of the student with the defence ``distillation`` gives the same bytes."""
    student = {"type": "mlp", "hidden": [5]}
    lesson = {"temperature": 2.0, "alpha": 0.7}
    method = shop({"type": "distill", "density": 0.5, "student": student, **lesson})
    defence = {"type": "distillation", **lesson}
    plain = {"type": "uncompressed", "defences": [defence]}
    taught = shop(plain, "taught", task__model=student)
    taught.method_context = replace(taught.method_context, teacher=method.method_context.teacher)

    found, wanted = method.run().chosen.network.state(), taught.run().chosen.network.state()

    assert found.keys() == wanted.keys()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in found.items())


def test_file_and_results_tell_the_students_architecture(tmp_path: Path) -> None:
    """Its density is its weights over the uncompressed model's, and everything verifies."""
    spec = {
        "version": 1,
        "name": "student",
        "device": "cpu",
        "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [20, 10]}},
        "training": {"epochs": 3, "batch_size": 256},
        "method": {"type": "distill", "density": 0.4},
        "audit": {"attackers": [{"type": "base", "references": 4}]},
    }
    file = tmp_path / "spec.yaml"
    file.write_text(json.dumps(spec))
    registry = load_plugins().registry
    run = run_spec(
        load_spec(file, registry=registry), registry, runs=tmp_path, observers=lambda _: None
    )
    model, method = run.results.model, run.results.method
    hidden = model.architecture["hidden"]
    model_metadata = load_model(run.path / "model" / "model.safetensors").metadata

    assert hidden != [20, 10]
    assert model.architecture == model_metadata["model"]
    assert run.results.baseline.model.architecture["hidden"] == [20, 10]
    assert model.density == weights(hidden) / weights([20, 10]) <= 0.4
    assert run.results.baseline.model.density == 1.0
    assert model.parameters == model.active == weights(hidden) + sum(hidden) + 14
    assert model.model_density == model.active / (weights([20, 10]) + 20 + 10 + 14)
    assert (method.type, method.epochs) == ("distill", 3)
    assert method.facts["teacher_epochs"] == 3
    checks = verify_run(run.path, registry)
    assert [check for check in checks if check.status is Status.DAMAGED] == []


@pytest.mark.parametrize(
    ("method", "model", "told"),
    [
        (
            {**DISTILL, "density": 0.001},
            {"type": "mlp", "hidden": [10, 8]},
            "method.density: even the narrowest student has more than the allowed 1 weights",
        ),
        (
            {**DISTILL, "student": {"type": "mlp", "hidden": [9]}},
            {"type": "mlp", "hidden": [10, 8]},
            "method.student: the student has 702 weights; density allows 250; make it narrower",
        ),
        (
            {**DISTILL, "student": {"type": "lenet"}},
            {"type": "mlp", "hidden": [10, 8]},
            "method.student: ",
        ),
    ],
)
def test_what_cannot_be_a_student_is_told_before_anything_is_trained(
    shop: Callable[..., Any], method: dict[str, Any], model: dict[str, Any], told: str
) -> None:
    """At its place in the spec."""
    prepared = shop(method, task__model=model).run_context

    with pytest.raises(SpecError) as found:
        require_feasible(prepared)
    assert told in str(found.value)


def test_a_model_that_cannot_be_made_narrower_needs_a_student(shop: Callable[..., Any]) -> None:
    """The spec has to say which."""
    data = {"type": "made-up", "samples": 200, "shape": [1, 28, 28]}
    prepared = shop(DISTILL, task__model={"type": "lenet"}, task__data=data).run_context

    with pytest.raises(SpecError) as found:
        require_feasible(prepared)
    assert "method.student: the spec's model has no narrower variant; write" in str(found.value)


def test_defences_meet_the_student_and_not_the_big_model(shop: Callable[..., Any]) -> None:
    """Batch normalisation in the big model is no trouble to DP-SGD, in the student it is."""
    made = {"type": "made-up", "samples": 200, "shape": [3, 32, 32], "classes": 4}
    big = {"type": "vgg16", "width": 0.1}
    private = {**DISTILL, "defences": [{"type": "dp-sgd", "noise": 1.0}]}

    def checked(**student: Any) -> None:
        method = {**private, "student": {"type": "vgg16", "width": 0.03, **student}}
        require_feasible(shop(method, task__model=big, task__data=made).run_context)

    checked(normalisation="group")
    with pytest.raises(SpecError, match=r"method\.defences\.0\.type: dp-sgd does not support"):
        checked()


def test_a_second_lesson_is_refused_with_the_methods_that_could_host_it(
    shop: Callable[..., Any],
) -> None:
    """By the spec layer, at the defence."""
    with pytest.raises(SpecError) as found:
        shop({**DISTILL, "defences": [{"type": "l2"}, {"type": "distillation"}]})

    [problem] = found.value.problems
    assert problem.path == "method.defences.1.type"
    assert problem.message == (
        "'distill' cannot host the defence 'distillation': the method already distils, with "
        "its own alpha"
    )
    assert "prune" in problem.hint
    assert "distill," not in problem.hint
