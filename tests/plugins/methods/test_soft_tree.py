"""Method ``soft-tree``: its loss, its balance, and what file and results say of the tree."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.errors import SpecError
from safecompress_core.host import load_plugins
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.report.page import page_of
from safecompress_core.runs.run import run_spec
from safecompress_core.runs.verify import Status, verify_run
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.load import load_spec
from safecompress_core.toolkit import Batch, DefenceInputs, Step
from safecompress_plugins.methods.soft_tree import TreeLesson
from safecompress_plugins.models.soft_tree import SoftTree

TREE = {"type": "soft-tree", "tree": {"type": "soft-tree", "depth": 3}}


def lesson_step(tree: SoftTree, inputs: Tensor, labels: Tensor, *, epoch: int = 0) -> Step:
    """Return a training step of a tree."""
    network = Classifier(tree.train(), sample=inputs[:1])
    seen = network.forward_with_representation(inputs)
    return Step(
        batch=Batch(inputs=inputs, labels=labels, attributes={}),
        logits=seen.logits,
        representation=seen.representation,
        losses=F.cross_entropy(seen.logits, labels, reduction="none"),
        epoch=epoch,
        weights={},
        network=network,
    )


def stump(right: Tensor, leaves: list[list[float]]) -> SoftTree:
    """Return a tree of one decision, which sends input x to the right with probability σ(x)."""
    tree = SoftTree(1, len(leaves[0]), depth=1, beta=1.0, answer="mixture")
    with torch.no_grad():
        tree.filters.weight.fill_(1.0)
        tree.filters.bias.zero_()
        tree.leaves.weight.copy_(torch.tensor(leaves).T)
    assert tree.path_probabilities(right.logit().unsqueeze(1))[:, 1].allclose(right)
    return tree


def test_the_loss_is_each_leafs_cross_entropy_weighted_by_its_probability() -> None:
    """Worked by hand for two samples, two leaves and two classes, with numpy."""
    right, leaves = torch.tensor([0.25, 0.8]), [[1.0, -1.0], [0.5, 2.0]]
    tree = stump(right, leaves)
    answers = torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    teacher: Any = lambda _: answers  # noqa: E731  stands for a network
    labels = torch.tensor([1, 0])
    step = lesson_step(tree, right.logit().unsqueeze(1), labels)
    lesson = TreeLesson(alpha=0.7, temperature=2.0, balance=0.0)
    lesson.equip(DefenceInputs(teacher=teacher))

    loss = lesson.loss(step, step.losses.mean() + 5.0)

    taught = np.exp([[1.5, 0.0], [0.0, 0.5]])
    taught /= taught.sum(axis=1, keepdims=True)
    target = 0.7 * taught + 0.3 * np.eye(2)[[1, 0]]
    leaf = np.exp(leaves) / np.exp(leaves).sum(axis=1, keepdims=True)
    paths = np.array([[0.75, 0.25], [0.2, 0.8]])
    by_leaf = -target @ np.log(leaf).T  # (samples, leaves)
    assert loss.item() == pytest.approx(5.0 + (paths * by_leaf).sum(axis=1).mean(), abs=1e-5)


def test_the_penalty_is_least_where_a_node_halves_its_samples() -> None:
    """At the root it is −½ (log a + log(1 − a)) of the mean probability a of turning right."""
    lesson_of = {}
    for name, right in {"even": [0.2, 0.8], "uneven": [0.9, 0.9]}.items():
        tree = stump(torch.tensor(right), [[0.0, 0.0], [0.0, 0.0]])
        step = lesson_step(tree, torch.tensor(right).logit().unsqueeze(1), torch.tensor([0, 1]))
        lesson = TreeLesson(alpha=0.0, temperature=1.0, balance=2.0)
        lesson.equip(DefenceInputs(teacher=step.network))
        lesson_of[name] = lesson.loss(step, step.losses.mean()).item() - np.log(2)

    assert lesson_of["even"] == pytest.approx(-2.0 * np.log(0.5), abs=1e-5)
    assert lesson_of["uneven"] == pytest.approx(-2.0 * 0.5 * np.log(0.9 * 0.1), abs=1e-5)


def test_shares_of_leaves_are_those_of_the_last_epoch() -> None:
    """Over all its batches, whatever their sizes."""
    lesson = TreeLesson(alpha=0.0, temperature=1.0, balance=0.1)
    for epoch, right in [(0, [0.9, 0.9]), (1, [0.2]), (1, [0.4, 0.6])]:
        tree = stump(torch.tensor(right), [[0.0, 0.0], [0.0, 0.0]])
        labels = torch.zeros(len(right), dtype=torch.int64)
        step = lesson_step(tree, torch.tensor(right).logit().unsqueeze(1), labels, epoch=epoch)
        lesson.equip(DefenceInputs(teacher=step.network))
        lesson.loss(step, step.losses.mean())

    torch.testing.assert_close(lesson.leaf_shares, torch.tensor([0.6, 0.4]))


def test_file_results_and_report_hold_the_tree(tmp_path: Path) -> None:
    """The run verifies, and agrees with its teacher more often than the most frequent label."""
    spec = {
        "version": 1,
        "name": "tree",
        "device": "cpu",
        "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [32]}},
        "training": {"epochs": 12, "batch_size": 32, "learning_rate": 0.01},
        "method": TREE,
        "audit": {"attackers": [{"type": "loss-threshold"}]},
    }
    file = tmp_path / "spec.yaml"
    file.write_text(json.dumps(spec))
    registry = load_plugins().registry

    run = run_spec(
        load_spec(file, registry=registry), registry, runs=tmp_path, observers=lambda _: None
    )

    model, method = run.results.model, run.results.method
    [phase] = method.phases
    tree = phase.model_extra["tree"]
    metadata = load_model(run.path / "model" / "model.safetensors").metadata
    assert metadata["model"]["type"] == model.architecture["type"] == "soft-tree"
    assert model.parameters == 64 * 7 + 7 + 8 * 14
    assert [len(tree[name]) for name in ("shares", "labels", "confidences", "inputs")] == [
        8,
        8,
        8,
        7,
    ]
    assert sum(tree["shares"]) == pytest.approx(1, abs=1e-3)
    assert run.results.metrics["accuracy"].value > 1 / 14  # what guessing achieves
    assert 'aria-labelledby="soft-tree-title soft-tree-desc"' in page_of(run.path)
    checks = verify_run(run.path, registry)
    assert [check for check in checks if check.status is Status.DAMAGED] == []


def test_a_finished_tree_is_loaded_again(shop: Callable[..., Any]) -> None:
    """To the same bytes, with the same facts."""
    first = shop(TREE)
    outcome = first.run()
    again = shop(TREE).run()

    assert outcome.phases == again.phases
    found, wanted = again.chosen.network.state(), outcome.chosen.network.state()
    assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"method": {**TREE, "tree": {"type": "mlp", "hidden": [4]}}},
            "method.tree: the model is no soft decision tree; write {type: soft-tree}",
        ),
        (
            {"method": {**TREE, "defences": [{"type": "distillation"}]}},
            "'soft-tree' cannot host the defence 'distillation': the method already distils",
        ),
        (
            {"method": {**TREE, "tree": {"type": "soft-tree", "depth": 11}}},
            "method.tree.depth: 11 is greater than 10",
        ),
    ],
)
def test_what_cannot_be_a_tree_is_reported_before_training(
    shop: Callable[..., Any], changes: dict[str, Any], message: str
) -> None:
    """At its place in the spec."""
    with pytest.raises(SpecError) as found:
        require_feasible(shop(**changes).run_context)

    assert message in str(found.value)
