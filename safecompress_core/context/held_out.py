"""Held-out answers: those of uncompressed models about members of another fold.

Each member is left out by some of several models, the same number for every member, drawn by the
seed; what belongs together is left out together. The models are trained as the uncompressed one of
the run, for as many epochs, each on its own part of the members and from weights of its own. One
whose answers are in a checkpoint is not trained again, and any other is trained from its beginning,
to the same answers.
"""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from safecompress_core.api import HeldOut
from safecompress_core.attacks.observations import observe
from safecompress_core.data.dataset import Dataset, select_inputs
from safecompress_core.errors import PoolError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.seeding import Seed
from safecompress_core.training.trainer import Trainer

__all__ = ["HeldOutTrainer", "assign_left_out", "train_held_out_models"]

HeldOutTrainer = Callable[[Trainer, Seed], Classifier]
"""Trains a fresh uncompressed network to the end; its first weights follow from the seed."""


def assign_left_out(
    count: int, asked: HeldOut, *, generator: torch.Generator, groups: Tensor | None = None
) -> Tensor:
    """Assign each member to the models that leave it out, shape (models, count), bool.

    Args:
        count: of members.
        asked: how many models, and by how many of them each member is left out: exactly.
        generator: what is drawn from.
        groups: shape (count,); members of one group are left out by the same models. None where
            each stands alone.

    Source: Tang et al. 2022, "Mitigating Membership Inference Attacks by Self-Distillation Through
    a Novel Ensemble Architecture", USENIX Security: Split-AI.
    """
    # Without groups each member is its own group.
    group_of = torch.arange(count) if groups is None else groups.unique(return_inverse=True)[1]
    draws = torch.rand(int(group_of.max()) + 1, asked.models, generator=generator)
    ranks = draws.argsort(dim=1).argsort(dim=1)  # a random order of the models for each group
    # Each group is left out by exactly ``left_out`` models, by rank instead of by chance.
    return (ranks < asked.left_out).T[:, group_of]


def train_held_out_models(
    dataset: Dataset,
    members: Tensor,
    *,
    seed: Seed,
    trainer: Callable[[Tensor, Seed], Trainer],
    train_model: HeldOutTrainer,
    checkpoints: Checkpoints,
    events: EventLog,
    epochs: int = 0,
) -> Callable[[HeldOut], Tensor]:
    """Train the models of a request at its first call, and return the same answers from then on.

    Args:
        dataset: holds the members.
        members: their positions, int64.
        seed: of all that is drawn.
        trainer: makes one for some of the members.
        train_model: trains an uncompressed network.
        checkpoints: where answers are kept.
        events: receives each model.
        epochs: that each model is trained for, which one that was kept spares.

    Returns:
        From what is asked to the mean posterior of each member, shape (members, C), float32, on the
        CPU: over the models that left it out.
    """

    def answers(asked: HeldOut, index: int, is_out: Tensor) -> Tensor:
        """The posteriors of one model for the members that it was not trained on."""
        # The seed depends on the request, so that two defences with different folds are
        # independent.
        generator_seed = seed.child(asked.models, asked.left_out, index)
        name = f"held-out-{asked.models}-{asked.left_out}-{index + 1}"
        checkpoint = checkpoints.load(name)
        # Its epochs are no work left, so the estimate of the time must not count them.
        if checkpoint is not None:
            events.skip(epochs=epochs * int((~is_out).sum()) / len(members))
            return checkpoint[1][0]["posteriors"]
        # Groups are left out together, and one may hold all members.
        if bool(is_out.all()):
            raise PoolError(
                f"model {index + 1} of {asked.models} would have no member to learn from; ask for "
                "fewer models, or leave each member out of fewer of them"
            )
        network = train_model(
            trainer(members[~is_out], generator_seed.child("training")),
            generator_seed.child("network"),
        )
        rows = members[is_out]
        # On the CPU: answers are kept for all models, and devices have less memory.
        inputs = select_inputs(dataset.inputs, rows, torch.device("cpu"))
        posteriors = observe(network, inputs, dataset.labels[rows]).logits.softmax(dim=1)
        checkpoints.save(name, {"model": index + 1}, [{"posteriors": posteriors}])
        events.emit("held_out_trained", model=index + 1, models=asked.models)
        return posteriors

    @cache
    def mean(asked: HeldOut) -> Tensor:
        groups = None if dataset.groups is None else dataset.groups[members]
        # Results depend on the seed's name.
        generator = seed.child("left-out", asked.models, asked.left_out).torch()
        is_out = assign_left_out(len(members), asked, generator=generator, groups=groups)
        total = torch.zeros(len(members), len(dataset.classes))
        for index, rows in enumerate(is_out):
            total[rows] += answers(asked, index, rows)
        # Each member was left out by the same number of models, so one division is the mean.
        return total / asked.left_out

    return mean
