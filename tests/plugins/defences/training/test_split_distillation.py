"""SELENA: the model learns what models of other members answer."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.context.held_out import assign_left_out
from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.errors import SpecError
from safecompress_core.host import load_plugins
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.specfile.load import load_spec
from safecompress_core.toolkit import Batch, Classifier, DefenceInputs, MethodContext, Schedule
from safecompress_plugins.defences.training.manifest import SplitDistillationParams
from safecompress_plugins.defences.training.split_distillation import SplitDistillation

SPLIT = {"type": "split-distillation", "models": 4, "left_out": 2}


@pytest.fixture
def prepare(tmp_path: Path) -> Callable[..., RunContext]:
    """A perceptron on handwriting, trained densely with these defences; 240 members."""

    def made(*defences: dict[str, Any], epochs: int = 2, hidden: int = 16) -> RunContext:
        spec = {
            "version": 1,
            "name": "small",
            "seed": 3,
            "device": "cpu",
            "task": {
                "data": {"type": "handwriting"},
                "model": {"type": "mlp", "hidden": [hidden]},
            },
            "pools": {"members": 240},
            "training": {"epochs": epochs, "batch_size": 64, "learning_rate": 0.01},
            "method": {"type": "uncompressed", "defences": list(defences)},
        }
        file = tmp_path / "spec.yaml"
        file.write_text(json.dumps(spec))
        registry = load_plugins().registry
        return build_run_context(load_spec(file, registry=registry), registry)

    return made


def shop(run_context: RunContext, place: Path, told: list[Any] | None = None) -> MethodContext:
    """Where the method works, and what it tells."""
    events = EventLog() if told is None else EventLog(told.append)
    return run_context.method_context(
        "method",
        big=None,
        checkpoints=Checkpoints(place),
        archived=lambda model: place / model,
        events=events,
    )


def asked(run_context: RunContext) -> Any:
    """What the spec's first defence asks for."""
    params = run_context.spec.method.defences[0]  # type: ignore[attr-defined]
    return type(params).definition.held_out(params)  # type: ignore[attr-defined]


def test_targets_are_the_answers_about_the_very_member() -> None:
    """Whatever the order of a batch, each row has its own; inputs and labels stay."""
    answers = torch.rand(5, 3).softmax(dim=1)
    defence = SplitDistillation(SplitDistillationParams())
    defence.equip(DefenceInputs(schedule=Schedule(members=5, steps=1, epochs=1), held_out=answers))
    batch = Batch(
        inputs=torch.rand(2, 4),
        labels=torch.tensor([0, 2]),
        attributes={},
        rows=torch.tensor([4, 1]),
    )
    seen = defence.transform(batch, generator=torch.Generator())

    assert seen.targets is not None
    assert torch.equal(seen.targets, answers[[4, 1]])
    assert replace(seen, targets=None) == batch


def test_each_member_is_left_out_by_exactly_so_many_models(
    prepare: Callable[..., RunContext],
) -> None:
    """By different ones for different members, and parts are about as large as they should be."""
    found = assign_left_out(240, asked(prepare(SPLIT)), generator=torch.Generator().manual_seed(1))

    assert found.shape == (4, 240)
    assert found.sum(dim=0).tolist() == [2] * 240
    assert len(found.T.unique(dim=0)) == 6, "all pairs of four models occur"
    assert all(90 < int(part.sum()) < 150 for part in found)


def test_what_belongs_together_is_left_out_together(prepare: Callable[..., RunContext]) -> None:
    """A person's other samples would tell of her."""
    groups = torch.arange(240) // 3 + 7
    found = assign_left_out(
        240, asked(prepare(SPLIT)), generator=torch.Generator().manual_seed(1), groups=groups
    )

    assert all(len(found[:, groups == one].unique(dim=1).T) == 1 for one in groups.unique())


def test_answers_are_the_mean_of_models_that_never_saw_a_member(
    prepare: Callable[..., RunContext], tmp_path: Path
) -> None:
    """Trained by hand: a part's model is dense training on its members alone, of the same recipe.

    The first model's share of the mean is found again in what all of them answer.
    """
    run_context = prepare({**SPLIT, "models": 2, "left_out": 1})
    answers = shop(run_context, tmp_path / "whole").held_out(asked(run_context))
    seed = run_context.seed.child("held-out")
    lots = seed.child("left-out", 2, 1).torch()
    is_out = assign_left_out(240, asked(run_context), generator=lots)
    own, members = seed.child(2, 1, 0), run_context.pools.members

    context = shop(run_context, tmp_path / "hand")
    network = run_context.networks.create(seed=own.child("network"))
    state = context.new_state(network, None, context.settings([]))
    trainer = run_context.trainers.create(members[~is_out[0]], own.child("training"))
    trainer.train(state, until=2, topology_schedule=None, what="it")
    network.eval()
    with torch.no_grad():
        expected = network(run_context.dataset.inputs[members[is_out[0]]]).softmax(dim=1)

    torch.testing.assert_close(answers[is_out[0]], expected)


def test_models_are_trained_once_and_not_again_after_a_stop(
    prepare: Callable[..., RunContext], tmp_path: Path
) -> None:
    """Killed after two of four, a run trains the other two, to the same bytes."""
    run_context, events = prepare(SPLIT), []
    whole = shop(run_context, tmp_path / "whole", events)
    wanted = whole.held_out(asked(run_context))
    assert whole.held_out(asked(run_context)) is wanted
    assert [one["model"] for one in events] == [1, 2, 3, 4]

    for name in ("held-out-4-2-3", "held-out-4-2-4"):
        Checkpoints(tmp_path / "whole").drop(name)
    again: list[Any] = []
    resumed = shop(prepare(SPLIT), tmp_path / "whole", again).held_out(asked(run_context))

    assert [one["model"] for one in again] == [3, 4]
    assert torch.equal(resumed, wanted)


def test_results_tell_what_it_cost(prepare: Callable[..., RunContext], tmp_path: Path) -> None:
    """Two of four models train on each member for two epochs: four passes over all of them."""
    run_context = prepare(SPLIT)
    chosen = run_context.method.run(shop(run_context, tmp_path / "run")).chosen

    assert chosen.facts()["split-distillation"] == {
        "text": "trained on outputs of 4 models, each trained on 50 % of the members for 2 epochs, "
        "for the rest",
        "models": 4,
        "left_out": 2,
        "epochs": 4,
    }


@pytest.mark.parametrize(
    ("defences", "message"),
    [
        ([{"type": "mixup"}, SPLIT], r"'mixup' changes them; write it before 'mixup'"),
        ([{**SPLIT, "models": 30, "left_out": 29}], "on 8 members; the minimum is 16"),
    ],
)
def test_what_it_cannot_work_with_is_found_before_training(
    prepare: Callable[..., RunContext], defences: list[dict[str, Any]], message: str
) -> None:
    """At its place in the spec."""
    with pytest.raises(SpecError, match=message):
        require_feasible(prepare(*defences))


def test_every_model_has_to_learn_from_somebody() -> None:
    """As many that leave a member out as there are models: nobody is left to learn."""
    with pytest.raises(ValueError, match="write at most 4"):
        SplitDistillationParams(models=5, left_out=5)


def losses(run_context: RunContext, network: Classifier, rows: Tensor) -> Tensor:
    """Cross-entropy with the true labels."""
    data = run_context.dataset
    with torch.no_grad():
        return F.cross_entropy(network(data.inputs[rows]), data.labels[rows], reduction="none")


def test_members_look_like_others_to_the_loss(
    prepare: Callable[..., RunContext], tmp_path: Path
) -> None:
    """Membership by loss, AUC by scikit-learn: far less than without, on real handwriting."""
    leaks = {}
    for name, defences in (("plain", []), ("split", [SPLIT])):
        run_context = prepare(*defences, epochs=60, hidden=64)
        network = run_context.method.run(shop(run_context, tmp_path / name)).chosen.network.eval()
        members, others = run_context.pools.members, run_context.pools.audit.non_members
        found = torch.cat([losses(run_context, network, rows) for rows in (members, others)])
        is_member = [1] * len(members) + [0] * len(others)
        leaks[name] = float(roc_auc_score(is_member, -found))

    assert leaks["plain"] > 0.8
    assert leaks["split"] < leaks["plain"] - 0.15
