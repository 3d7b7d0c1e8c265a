"""Distillation for membership privacy: the model never meets a member."""

from dataclasses import replace

import torch

from safecompress_core.toolkit import Batch, Classifier, Defence, Supplies, in_batches
from safecompress_plugins.defences.training.manifest import DmpParams

__all__ = ["Dmp"]

BATCH = 512


class Dmp(Defence):
    """Puts reference samples, with the uncompressed model's answers, in the place of each batch.

    The teacher was trained on the members and is kept secret; it labels samples that are none, of
    which the share with the lowest entropy of its answers is kept. The model learns those answers
    p_T, softened by a temperature T, and nothing else: neither a member nor any sample's true
    label. Cross-entropy with p_T has the gradient of KL(p_T ‖ the model's posteriors).

    An epoch has as many batches as there are of members; reference samples are drawn for each.
    Where a topology grows by gradients, they are those of reference samples as well.

    Source: Shejwalkar & Houmansadr 2021, "Membership Privacy for Machine Learning Models Through
    Knowledge Transfer", AAAI: pre-distillation, distillation, post-distillation; selection by
    entropy.
    """

    hides_members = True

    def __init__(self, params: DmpParams) -> None:
        super().__init__()
        self._params = params
        self._lessons: list[Batch] = []  # in a list: no part of what is trained or kept

    def equip(self, supplies: Supplies) -> None:
        """Let the teacher answer, and keep what it is surest of."""
        assert supplies.reference is not None  # the definition asks for both
        assert supplies.teacher is not None
        self._lessons = [self._lesson(supplies.reference, supplies.teacher)]

    def _lesson(self, reference: Batch, teacher: Classifier) -> Batch:
        rows = torch.arange(len(reference.labels)).split(BATCH)
        with torch.no_grad():
            logits = torch.cat([teacher(part) for part in in_batches(reference.inputs, rows)])
        posteriors = logits.float().softmax(dim=1)
        entropy = torch.special.entr(posteriors).sum(dim=1)
        count = max(1, round(self._params.share * len(entropy)))
        kept = entropy.argsort(stable=True)[:count].sort().values
        return Batch(
            inputs=reference.inputs[kept],
            labels=posteriors[kept].argmax(dim=1),
            attributes={name: values[kept] for name, values in reference.attributes.items()},
            targets=(logits[kept].float() / self._params.temperature).softmax(dim=1),
        )

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """As many reference samples; where there are fewer, some of them more than once."""
        lesson, wanted = self._lessons[0], len(batch.labels)
        assert lesson.targets is not None  # see above
        count = len(lesson.labels)
        rounds = [torch.randperm(count, generator=generator) for _ in range(-(-wanted // count))]
        rows = torch.cat(rounds)[:wanted].to(lesson.labels.device)
        return replace(
            batch,
            inputs=lesson.inputs[rows],
            labels=lesson.labels[rows],
            attributes={name: values[rows] for name, values in lesson.attributes.items()},
            targets=lesson.targets[rows],
            rows=None,
        )
