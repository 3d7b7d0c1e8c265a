"""Split-AI and self-distillation: the model learns what models of other members answer."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Batch,
    Defence,
    Flaw,
    Schedule,
    Supplies,
    Surroundings,
)
from safecompress_plugins.defences.training.manifest import SplitDistillationParams

__all__ = ["SplitDistillation"]

FEWEST = 16  # members of a model's part, on average: none of the parts is empty then


class SplitDistillation(Defence):
    """Puts the mean posterior of models that never saw a member in the place of its label.

    K uncompressed models are trained, each on its own part of the members, so that each member is
    left out by L of them, drawn by the seed. What these L answer about it on average is what the
    model learns, and nothing else: it behaves on members as models do on samples that they have not
    seen. Cross-entropy with these targets has the gradient of the paper's KL divergence, since
    targets are constant. Where a topology moves by gradients, they are of these targets as well.

    A member still takes part in training the other K − L models, whose answers about other members
    the model learns; how much of it gets through that way, the audit tells.

    Source: Tang et al. 2022, "Mitigating Membership Inference Attacks by Self-Distillation Through
    a Novel Ensemble Architecture" (SELENA), USENIX Security: Split-AI, Self-Distillation.
    """

    hides_members = True
    _schedule: Schedule

    def __init__(self, params: SplitDistillationParams) -> None:
        super().__init__()
        self._params = params
        self._answers: list[Tensor] = []  # in a list: no part of what is trained or kept

    def flaws(self, around: Surroundings) -> Iterator[Flaw]:
        """Members must come as they are, and be enough for every model."""
        for name in around.earlier:
            if type(around.others[name]).transform is not Defence.transform:
                yield Flaw(
                    field="type",
                    message=f"its answers are about members as they are, and {name!r} changes them",
                    mend=f"write it before {name!r}",
                )
        for name, other in around.others.items():
            if other.hides_members:
                yield Flaw(
                    field="type",
                    message=f"its answers are about members, and {name!r} replaces either",
                    mend="take one of the two out",
                )
        count = round(around.schedule.members * self._share)
        if count < FEWEST:
            yield Flaw(
                field="models",
                message=f"each model would learn from {count} members; it takes {FEWEST}",
                mend="leave each member out of fewer models, or use more members",
            )

    @property
    def _share(self) -> float:
        """The part of the members that one model learns from."""
        return 1 - self._params.left_out / self._params.models

    def equip(self, supplies: Supplies) -> None:
        """Keep what the others answer."""
        assert supplies.held_out is not None  # the definition asks for it
        self._answers = [supplies.held_out]
        self._schedule = supplies.schedule

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The same members, with the others' answers for targets."""
        assert batch.rows is not None  # nothing comes before that would put others in their place
        answers = self._answers[0].to(batch.labels.device)
        self._answers = [answers]
        return replace(batch, targets=answers[batch.rows])

    def facts(self) -> Mapping[str, Any]:
        """What it cost: ``epochs`` are passes over the members, of all its models together."""
        models, out, epochs = self._params.models, self._params.left_out, self._schedule.epochs
        return {
            "text": (
                f"learned what {models} models, trained on {self._share:.0%} of the members for "
                f"{epochs} epochs each, answer about the rest".replace("%", " %")
            ),
            "models": models,
            "left_out": out,
            "epochs": (models - out) * epochs,
        }
