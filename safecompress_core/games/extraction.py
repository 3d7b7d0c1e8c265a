"""Extraction: how far does a clone answer as the model does?"""

import copy
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.attacks.adversary import Extractor
from safecompress_core.attacks.own_samples import own_samples
from safecompress_core.games.attack_context import AttackRun
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.evasion import per_sample_correctness
from safecompress_core.games.game import Game
from safecompress_core.games.manifest import EXTRACTION
from safecompress_core.stats.intervals import CONFIDENCE, clopper_pearson
from safecompress_core.stats.means import relative_reduction

__all__ = ["ExtractionGame"]

# N samples of a pool, of which N₀ are no members

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CERTAIN = 30.0  # a margin in logits; in float32 the posterior of the label is then 1


class ExtractionGame(Game):
    """A clone trained on the model's answers against one trained on true labels."""

    adversary = Extractor

    def play(self, attack_run: AttackRun) -> AttackResult:
        """Measure a clone's agreement with the model on the non-members of a pool.

        Raises:
            ValueError: if it does not answer with a label for each sample; the attacker's fault.
        """
        own_data = own_samples(attack_run.known, attack_run.definition, attack_run.params)
        # Posterior 1 for the true label: the baseline gets hard labels in the form of model
        # answers.
        truths = own_data.seen.with_logits(
            CERTAIN * F.one_hot(own_data.seen.labels, own_data.values).float()
        )
        # A copy, before it is fitted on truths: the fitted clone itself is measured as well.
        independent = copy.deepcopy(attack_run.attacker)
        independent.fit(
            # Restricted to the same access, so that both clones see the same kind of answer.
            replace(own_data, seen=truths.restrict(own_data.seen.access)),
            generator=attack_run.seed.child("independent").torch(),
        )
        unseen = attack_run.asked.unseen
        return self.measure(
            unseen.predictions.numpy(),
            _labels(attack_run.attacker.answer(unseen.inputs), len(unseen)),
            _labels(independent.answer(unseen.inputs), len(unseen)),
            # Chosen on the adversary's own queries, since it does not know the reported pool.
            most_frequent=int(torch.bincount(own_data.seen.predictions).argmax()),
            is_member=attack_run.asked.pool.is_member.numpy(),
            facts={"queries": len(own_data.seen)},
        )

    def measure(
        self,
        answers: Ints,
        cloned: Ints,
        independent: Ints,
        *,
        most_frequent: int,
        is_member: Bools,
        facts: Mapping[str, Any] = MappingProxyType({}),
        confidence: float = CONFIDENCE,
    ) -> AttackResult:
        """Fidelity, the share of non-members to which clone and model give the same answer.

        The baseline is the fidelity of a clone that was trained in the same way on the same
        samples, but on their true labels: any owner of samples of the task can train a model, and
        two models of one task agree anyway. advantage = (fidelity − baseline) / (1 − baseline).

        Args:
            answers: the model's, shape (N₀,), int64.
            cloned: the clone's.
            independent: those of the clone of the true labels.
            most_frequent: the answer that the model gave most often to the adversary's samples.
            is_member: shape (N,), of the whole pool.
            facts: the budget and the like.
            confidence: of every interval.

        Source: Jagielski et al. 2020, "High Accuracy and High Fidelity Extraction of Neural
        Networks", section 3 (fidelity).
        """

        def agreement(others: Ints | int) -> tuple[Bools, Any]:
            same = answers == others
            rate = clopper_pearson(int(same.sum()), len(same), confidence=confidence)
            return per_sample_correctness(same, is_member), rate

        agrees, fidelity = agreement(cloned)
        agrees_anyway, baseline = agreement(independent)
        return AttackResult(
            game=EXTRACTION.name,
            accuracy=fidelity,
            auc=None,
            advantage=relative_reduction(
                answers != cloned, answers != independent, confidence=confidence
            ),
            baseline=baseline.value,
            correct=agrees,
            is_member=is_member,
            baseline_correct=agrees_anyway,
            counted=~is_member,
            named="fidelity",
            measures={
                "independent_fidelity": baseline,
                "most_frequent_fidelity": agreement(most_frequent)[1],
            },
            facts=facts,
        )


def _labels(answers: Tensor, count: int) -> NDArray[np.int64]:
    # The cast below would truncate logits or posteriors to labels silently.
    if tuple(answers.shape) != (count,) or answers.is_floating_point():
        raise ValueError(f"a clone must answer {count} labels, but its answer is {answers.shape}")
    labels: NDArray[np.int64] = answers.detach().cpu().numpy().astype(np.int64)
    return labels
