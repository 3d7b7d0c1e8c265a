"""Distillation for membership privacy (DMP): training without any member."""

from dataclasses import replace

import torch

from safecompress_core.toolkit import Batch, Classifier, Defence, DefenceInputs, in_batches
from safecompress_plugins.defences.training.manifest import DmpParams

__all__ = ["Dmp"]

BATCH = 512


class Dmp(Defence):
    """Replaces each batch by reference samples with the uncompressed model's outputs as targets.

    The teacher is trained on the members and kept secret; it labels non-members, of which the share
    with the lowest output entropy is used. The model learns those posteriors p_T, softened by a
    temperature T, and nothing else: neither a member nor any true label. Cross-entropy with p_T has
    the gradient of KL(p_T ‖ the model's posteriors).

    An epoch has as many batches as with members; reference samples are drawn for each. A topology
    that grows by gradients uses those of reference samples as well.

    Source: Shejwalkar & Houmansadr 2021, "Membership Privacy for Machine Learning Models Through
    Knowledge Transfer", AAAI: pre-distillation, distillation, post-distillation; selection by
    entropy.
    """

    hides_members = True
    needs_whole_batch = ""

    def __init__(self, params: DmpParams) -> None:
        super().__init__()
        self._params = params
        self._lessons: list[Batch] = []  # in a list: not part of the module's state

    def equip(self, inputs: DefenceInputs) -> None:
        """Query the teacher, and store its most confident samples."""
        assert inputs.reference is not None  # guaranteed by the definition, like the teacher
        assert inputs.teacher is not None
        self._lessons = [self._lesson(inputs.reference, inputs.teacher)]

    def _lesson(self, reference: Batch, teacher: Classifier) -> Batch:
        rows = torch.arange(len(reference.labels)).split(BATCH)
        with torch.no_grad():
            logits = torch.cat([teacher(part) for part in in_batches(reference.inputs, rows)])
        posteriors = logits.float().softmax(dim=1)
        entropy = torch.special.entr(posteriors).sum(dim=1)
        count = max(1, round(self._params.share * len(entropy)))
        # Back in the order of the data, so that ties of entropy cannot reorder samples.
        least_certain = entropy.argsort(stable=True)[:count].sort().values
        return Batch(
            inputs=reference.inputs[least_certain],
            # The teacher's labels, not the true ones, which the model must not learn from.
            labels=posteriors[least_certain].argmax(dim=1),
            attributes={
                name: values[least_certain] for name, values in reference.attributes.items()
            },
            targets=(logits[least_certain].float() / self._params.temperature).softmax(dim=1),
        )

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Draw equally many reference samples; repeated if there are fewer."""
        lesson, wanted = self._lessons[0], len(batch.labels)  # set by equip
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
            rows=None,  # not rows of the members any more
        )
