"""Trained settings: answers of a lineage, its swap twin and reference models of random settings."""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.signals import logit_of_confidence
from safecompress_core.context.reference_context import (
    assign_reference_members,
    build_reference_context,
)
from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.data.dataset import Dataset
from safecompress_core.host import load_plugins
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.environment import reproducible
from safecompress_core.results.events import EventLog
from safecompress_core.specfile.load import load_spec

__all__ = [
    "RUNGS",
    "TASKS",
    "Answers",
    "Setting",
    "stored_answers",
    "training_sets",
]

# R rungs · K models of a setting's truth · N samples

RUNGS = 8
DEFENCES = {"augmentation": "noise", "dropout": "rate", "relaxloss": "target"}
"""The parameter of each that is drawn."""

Setting = dict[str, float]
Answers = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Samples, model, training and the values that each hyperparameter may take, "off" first."""

    data: Mapping[str, Any]
    hidden: Sequence[int]
    epochs: int
    batch_size: int
    learning_rate: float
    noise: Sequence[float]
    target: Sequence[float]
    learning_rate_factor: Sequence[float]
    density: Sequence[float] = (0.1, 0.07, 0.05, 0.03)
    rate: Sequence[float] = (0, 0.2, 0.4, 0.6)


TASKS = {
    "handwriting": Task(
        data={"type": "handwriting", "task": "session"},
        hidden=[256, 128],
        epochs=128,
        batch_size=64,
        learning_rate=0.003,
        noise=(0, 0.05, 0.15, 0.3),
        target=(0, 0.5, 1.0, 1.5),
        learning_rate_factor=(1, 2, 0.5),
    ),
    "adult": Task(
        data={
            "type": "adult",
            "target": "occupation",
            "private": ["sex"],
            "drop": ["relationship", "marital-status"],
            "samples": 8000,
            "fewest_per_label": 4,
        },
        hidden=[256, 256],
        epochs=40,
        batch_size=256,  # a quarter of the steps
        learning_rate=0.008,
        noise=(0, 0.1, 0.2, 0.4),
        target=(0, 1.0, 1.5, 2.0),
        learning_rate_factor=(1, 0.5, 0.25),
    ),
}


def random_settings(task: Task, count: int) -> list[Setting]:
    """Return distinct settings: without any defence first, then each value equally likely."""
    generator = np.random.default_rng(18)
    names = ("density", *DEFENCES.values(), "learning_rate_factor")
    settings = [{name: float(getattr(task, name)[0]) for name in names}]
    while len(settings) < count:
        drawn = {name: float(generator.choice(getattr(task, name))) for name in names}
        if drawn not in settings:
            settings.append(drawn)
    return settings


def build_context(
    task: Task, setting: Setting, options: argparse.Namespace, cache: dict[str, Dataset]
) -> RunContext:
    """Build the context of a setting; all settings of a task have the same pools."""
    data = dict(task.data) | ({"root": str(options.data.resolve())} if options.data else {})
    spec = {
        "version": 1,
        "name": f"tests-{options.task}",
        "seed": options.seed,
        "device": "cpu",
        "task": {"data": data, "model": {"type": "mlp", "hidden": list(task.hidden)}},
        "pools": {"members": 0.5, "attack_train": 0.3, "select": 0.4, "audit": 0.3},
        "training": {
            "epochs": options.epochs or task.epochs,
            "batch_size": task.batch_size,
            "learning_rate": task.learning_rate * setting["learning_rate_factor"],
        },
        "method": {
            "type": "rigl",
            "density": setting["density"],
            # Defences that are off would only cost time.
            "defences": [
                {"type": name, parameter: setting[parameter]}
                for name, parameter in DEFENCES.items()
                if setting[parameter]
            ],
        },
        "audit": {"attackers": [{"type": "rmia", "references": 4}]},
    }
    registry = load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "spec.json"
        file.write_text(json.dumps(spec), encoding="utf-8")
        loaded = load_spec(file, registry=registry)
    return build_run_context(loaded, registry, dataset_cache=cache)


def twin_context(run_context: RunContext) -> RunContext:
    """Return the context of a swap twin, which has draws of its own."""
    return replace(
        run_context, samples=run_context.twin_samples, seed=run_context.seed.child("twin")
    )


def training_sets(run_context: RunContext, models: int) -> Tensor:
    """Return the training set of each of a setting's models, shape (2 + models, N), bool.

    The first is the lineage, the second its twin; of the others each two are complementary halves.
    """
    samples = torch.arange(len(run_context.dataset))
    pair = [
        torch.isin(samples, pools.members)
        for pools in (run_context.pools, run_context.twin_samples.pools)
    ]
    others = assign_reference_members(run_context, models)
    return torch.cat([torch.stack(pair), others])


def fused_adam(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """Return Adam as the specs have it."""
    return torch.optim.Adam(parameters, lr=learning_rate, fused=True)


def trained(context: RunContext, rungs: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield log(p_y / (1 − p_y)) of all samples, (N,), and which are classified correctly, a rung.

    Args:
        context: of the model.
        rungs: eighths of training.
    """
    method: Any = context.spec.method
    training = SparseTraining(method, [(method.prune, method.grow)])
    with tempfile.TemporaryDirectory() as folder:
        method_context = context.method_context(
            "method",
            big=None,
            checkpoints=Checkpoints(Path(folder)),
            archived=lambda model: Path(folder) / model,
            events=EventLog(),
        )
        # Fused: the same steps in less time.
        recipe = replace(method_context.recipe, optimizer=fused_adam)
        method_context = replace(method_context, recipe=recipe)
        state = training.create_state(method_context, training.settings(method_context))
        schedule = training.topology_schedule(method_context)
        epochs = context.spec.training.epochs
        for rung in rungs:
            until = epochs * rung // RUNGS
            method_context.trainer.train(
                state, until=until, topology_schedule=schedule, what="a model"
            )
            logits = observe(state.shipped, context.dataset.inputs, context.dataset.labels).logits
            labels = context.dataset.labels
            yield logit_of_confidence(logits, labels), logits.argmax(dim=1) == labels


def answers_of(run_context: RunContext, models: int) -> Answers:
    """Train all models of a setting and return their answers, as `trained` yields them."""
    start = time.process_time()
    every = range(1, RUNGS + 1)
    lineage = list(trained(run_context, every))
    twin = list(trained(twin_context(run_context), every))
    others = [build_reference_context(run_context, index) for index in range(models)]
    # Two suffice as the test's references: complementary halves, so each sample is in one.
    truth = [
        list(trained(other, every if index < 2 else [RUNGS])) for index, other in enumerate(others)
    ]

    def stacked(rows: Sequence[tuple[Tensor, Tensor]], part: int) -> Any:
        return torch.stack([row[part] for row in rows]).float().numpy()

    return {
        "lineage": stacked(lineage, 0),
        "right": stacked(lineage, 1),
        "twin": stacked(twin, 0),
        "references": np.stack([stacked(rows, 0) for rows in truth[:2]], axis=1),
        "truth": stacked([rows[-1] for rows in truth], 0),
        "truth_right": stacked([rows[-1] for rows in truth], 1),
        "seconds": time.process_time() - start,
    }


def stored_answers(
    options: argparse.Namespace,
) -> Iterator[tuple[RunContext, Setting, Answers]]:
    """Train each setting, or read its answers from the folder."""
    task = TASKS[options.task]
    cache: dict[str, Dataset] = {}
    options.folder.mkdir(parents=True, exist_ok=True)
    for number, setting in enumerate(random_settings(task, options.settings)):
        run_context = build_context(task, setting, options, cache)
        epochs = run_context.spec.training.epochs
        kind = f"{options.task}-{epochs}-{options.models}-{options.seed}"
        file = options.folder / f"{kind}-{number}.npz"
        if not file.exists():
            with reproducible(1):
                answers = answers_of(run_context, options.models)
            partial = file.with_suffix(".partial.npz")
            np.savez_compressed(partial, **answers)
            partial.rename(file)
            print(f"{number} {setting} {answers['seconds']:.0f} CPU seconds", flush=True)
        with np.load(file) as answers:
            yield run_context, setting, dict(answers)
