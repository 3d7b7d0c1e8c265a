"""Split-AI and self-distillation (SELENA): training on out-of-fold outputs."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Batch,
    Defence,
    DefenceContext,
    DefenceInputs,
    Problem,
    Schedule,
)
from safecompress_plugins.defences.training.manifest import SplitDistillationParams

__all__ = ["SplitDistillation"]

FEWEST = 16  # mean members per model, so that no part is empty


class SplitDistillation(Defence):
    """Replaces each member's label by the mean posterior of models not trained on it.

    K uncompressed models are trained, each on its own part of the members, so that each member is
    left out by L of them, at random by the seed. The mean of these L models' posteriors is the only
    target: on members the model behaves as models do on unseen samples. Cross-entropy with these
    targets has the gradient of the paper's KL divergence, since targets are constant. A topology
    that changes by gradients uses those of these targets as well.

    A member still influences the other K − L models, whose outputs on other members are targets;
    the audit measures the leakage that remains.

    Source: Tang et al. 2022, "Mitigating Membership Inference Attacks by Self-Distillation Through
    a Novel Ensemble Architecture" (SELENA), USENIX Security: Split-AI, Self-Distillation.
    """

    hides_members = True
    needs_whole_batch = ""
    _schedule: Schedule

    def __init__(self, params: SplitDistillationParams) -> None:
        super().__init__()
        self._params = params
        self._answers: list[Tensor] = []  # in a list: not part of the module's state

    def check(self, context: DefenceContext) -> Iterator[Problem]:
        """Report defences that change members, and pools too small for every model."""
        for name in context.earlier:
            if type(context.others[name]).transform is not Defence.transform:
                yield Problem(
                    path=("type",),
                    message=f"its targets are for unchanged members, and {name!r} changes them",
                    hint=f"write it before {name!r}",
                )
        for name, other in context.others.items():
            if other.hides_members:
                yield Problem(
                    path=("type",),
                    message=f"both it and {name!r} replace members or their labels",
                    hint="remove one of the two",
                )
        count = round(context.schedule.members * self._share)
        if count < FEWEST:
            yield Problem(
                path=("models",),
                message=f"each model would be trained on {count} members; the minimum is {FEWEST}",
                hint="leave each member out of fewer models, or use more members",
            )

    @property
    def _share(self) -> float:
        """Share of the members that one model is trained on."""
        return 1 - self._params.left_out / self._params.models

    def equip(self, inputs: DefenceInputs) -> None:
        """Store the out-of-fold outputs."""
        assert inputs.held_out is not None  # guaranteed by the definition
        self._answers = [inputs.held_out]
        self._schedule = inputs.schedule

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Set the out-of-fold outputs as targets of the batch."""
        assert batch.rows is not None  # check() refuses a defence before it that replaces members
        answers = self._answers[0].to(batch.labels.device)
        # Moved once and kept there, instead of once a batch.
        self._answers = [answers]
        return replace(batch, targets=answers[batch.rows])

    def facts(self) -> Mapping[str, Any]:
        """Report the cost: ``epochs`` are passes over the members, of all models together."""
        models, out, epochs = self._params.models, self._params.left_out, self._schedule.epochs
        return {
            "text": (
                f"trained on outputs of {models} models, each trained on {self._share:.0%} of the "
                f"members for {epochs} epochs, for the rest".replace("%", " %")
            ),
            "models": models,
            "left_out": out,
            "epochs": (models - out) * epochs,
        }
