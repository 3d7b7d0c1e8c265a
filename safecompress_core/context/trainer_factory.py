"""Trainer factory: trainers of any of a run's samples, by the training section of its spec.

It is given to methods, so of the pools it holds nothing but the reference samples.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from safecompress_core.data.dataset import Dataset
from safecompress_core.methods.method import Recipe
from safecompress_core.seeding import Seed
from safecompress_core.specfile.models.run_spec import Training
from safecompress_core.training.data_parallel import current_group
from safecompress_core.training.learning_rate import LearningRate
from safecompress_core.training.precision import Precision
from safecompress_core.training.trainer import Trainer

__all__ = ["TrainerFactory"]

FUSED_DEVICES = ("cpu", "cuda")  # whose fused optimizers exist in all torch versions we allow


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainerFactory:
    """Factory of trainers.

    Attributes:
        training: the spec's section.
        dataset: holds the samples.
        reference: positions of samples that defences may learn from; None without any.
        device: where networks compute.
        precision: what forward passes are computed in.
    """

    training: Training
    dataset: Dataset
    reference: Tensor | None
    device: torch.device
    precision: Precision

    @property
    def recipe(self) -> Recipe:
        """Return the recipe of training, the same for all methods."""
        return Recipe(
            epochs=self.training.epochs,
            learning_rate=self.training.learning_rate,
            optimizer=_optimizer(self.training),
            precision=self.precision,
        )

    def create(self, members: Tensor, seed: Seed) -> Trainer:
        """Make a trainer for samples at some positions, int64."""
        training = self.training
        return Trainer(
            self.dataset,
            members,
            batch_size=training.batch_size,
            device=self.device,
            seed=seed,
            epochs=training.epochs,
            learning_rate=LearningRate(shape=training.schedule, warmup=training.warmup),
            clip_norm=training.clip_norm,
            precision=self.precision,
            augmentation=training.augmentation,
            reference=self.reference,
            group=current_group(),
        )


def _optimizer(training: Training) -> Callable[[list[nn.Parameter], float], torch.optim.Optimizer]:
    """Build the optimizer of the spec's training section."""
    # A table, since the spec allows exactly these names.
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "adamw": torch.optim.AdamW,
        "sgd": partial(torch.optim.SGD, momentum=training.momentum),
    }
    make = kinds[training.optimizer]

    def optimizer(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        # One kernel a step instead of several a tensor.
        is_fused = all(parameter.device.type in FUSED_DEVICES for parameter in parameters)
        # Other parameters stay at torch's defaults.
        return make(
            parameters, lr=learning_rate, weight_decay=training.weight_decay, fused=is_fused or None
        )

    return optimizer
