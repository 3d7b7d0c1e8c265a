"""Sets an attacker on a model: what it gets to know, what it is asked, how its answer is judged."""

from dataclasses import dataclass

import torch

from safecompress_core.api import AttackerDef, AttackerParams
from safecompress_core.dataset import Dataset
from safecompress_core.network import Classifier
from safecompress_core.privacy.attacker import Attacker, Evidence
from safecompress_core.privacy.games import Answers, ground_truth, judge
from safecompress_core.privacy.judgement import Judgement
from safecompress_core.privacy.observations import Observations, observe
from safecompress_core.privacy.pools import Pool
from safecompress_core.privacy.references import References
from safecompress_core.privacy.resampling import Resampling
from safecompress_core.privacy.scrutiny import Lens

__all__ = ["Attack", "Sight", "look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A pool as one model shows it: observed once, shared by every attacker.

    Attributes:
        dataset: where the samples are from.
        pool: which they are, members first.
        seen: the model's reactions to them, with white-box access.
        references: those of reference models, or None.
        uncompressed: those of the uncompressed model, or None.
    """

    dataset: Dataset
    pool: Pool
    seen: Observations
    references: References | None = None
    uncompressed: Observations | None = None

    @property
    def unseen(self) -> Observations:
        """The reactions to non-members, on which the task metrics are read."""
        return self.seen.take(torch.arange(len(self.pool.members), len(self.pool)))


def look(
    network: Classifier, dataset: Dataset, pool: Pool, references: References | None = None
) -> Sight:
    """One pass of the network over a pool: plain samples, never transformed ones.

    Args:
        network: the model.
        dataset: where the samples are from.
        pool: which they are.
        references: what reference models say of all samples of the data set.
    """
    indices = pool.indices
    seen = observe(network, dataset.inputs[indices], dataset.labels[indices])
    others = None if references is None else references.take(indices)
    return Sight(dataset=dataset, pool=pool, seen=seen, references=others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack that a spec declares.

    Attributes:
        id: what results call it.
        definition: its type.
        params: its parameters.
    """

    id: str
    definition: AttackerDef
    params: AttackerParams

    @property
    def attribute(self) -> str | None:
        """The attribute that it is after; None for an attack on membership."""
        return getattr(self.params, "attribute", None)

    def evidence(self, sight: Sight, *, is_known: bool) -> Evidence:
        """What this attacker holds of a pool; the truth only where it is known to it."""
        truth, values = ground_truth(
            self.definition.game, sight.dataset, sight.pool, attribute=self.attribute
        )
        return Evidence(
            seen=sight.seen.restricted(self.definition.access),
            truth=truth if is_known else None,
            values=values,
            references=self.references(sight),
            uncompressed=self._uncompressed(sight),
        )

    def references(self, sight: Sight) -> References | None:
        """As many reference models as this attack asks for; None where it declared none."""
        if not self.definition.references or sight.references is None:
            return None
        count: int = self.params.references  # type: ignore[attr-defined]
        return sight.references.first(count)

    def _uncompressed(self, sight: Sight) -> Observations | None:
        """What the uncompressed model shows this attacker; None where it did not declare it."""
        if not self.definition.pairs_with_uncompressed or sight.uncompressed is None:
            return None
        return sight.uncompressed.restricted(self.definition.access)

    def judged(
        self,
        attacker: Attacker,
        known: Sight,
        asked: Sight,
        resampling: Resampling,
        *,
        lens: Lens | None = None,
    ) -> Judgement:
        """How well a fitted attacker does on a pool; thresholds come from ``known`` alone."""
        return judge(
            self.definition.game,
            self._answers(attacker, known),
            self._answers(attacker, asked),
            resampling=resampling,
            threshold=attacker.threshold,
            lens=lens,
        )

    def _answers(self, attacker: Attacker, sight: Sight) -> Answers:
        truth, _ = ground_truth(
            self.definition.game, sight.dataset, sight.pool, attribute=self.attribute
        )
        return Answers(
            scores=attacker.score(self.evidence(sight, is_known=False)),
            truth=truth,
            labels=sight.seen.labels,
            is_member=sight.pool.is_member,
        )
