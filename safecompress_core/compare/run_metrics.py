"""Metrics of one run that a comparison uses."""

from collections.abc import Mapping
from dataclasses import dataclass

from safecompress_core.api import ADVANTAGE
from safecompress_core.compare.training_cost import TrainingCost
from safecompress_core.games.manifest import ATTRIBUTE, MEMBERSHIP
from safecompress_core.results.schema import (
    AnyAttackRecord,
    AuditedModel,
    MembershipRecord,
    OperatingPointRecord,
)

__all__ = ["TPR_AT_LOW_FPR", "AttackMetrics", "RunMetrics", "read_run_metrics"]

TPR_AT_LOW_FPR = "tpr_at_1_percent_fpr"
RATES = {0.01: TPR_AT_LOW_FPR, 0.001: "tpr_at_0.1_percent_fpr"}
"""Names of the true-positive rates that are read, by the limit on false positives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackMetrics:
    """Metrics of one attacker of the audit.

    Attributes:
        game: what it tried to find out.
        measures: by name, every figure that has an interval, the true-positive rates at 1 % and at
            0.1 % false positives where the pool is large enough, and with ``canaries_`` before
            the name the AUC and these rates on canaries.
    """

    game: str
    measures: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetrics:
    """One model of one run.

    The *strongest* of a measure is the largest that any attacker of the audit reached on this
    model: a model is as safe as its strongest attack leaves it.

    Attributes:
        task_accuracy: the metric that candidates were chosen by, on the non-members of *audit*.
        mia_accuracy: right answers of the membership attacker that counts, in [0, 1]; None where
            no attack is on membership.
        density: of the sparsifiable weights.
        model_density: of all parameters.
        sparsifiable: the share of parameters that may be sparse.
        bytes: of the model's file.
        seconds: that its training took, tests included; None if not measured.
        cpu_seconds: CPU time of the same.
        cost: trainings and steps of it; None where they are not known.
        audit: by attacker.
    """

    task_accuracy: float
    mia_accuracy: float | None
    density: float
    model_density: float
    sparsifiable: float
    bytes: int
    seconds: float | None
    cpu_seconds: float | None
    cost: TrainingCost | None
    audit: Mapping[str, AttackMetrics]

    @property
    def tm_score(self) -> float | None:
        """Task accuracy over MIA accuracy: the papers' Eq. 6 with λ = 1."""
        # An accuracy of 0 has no ratio either.
        return None if not self.mia_accuracy else self.task_accuracy / self.mia_accuracy

    @property
    def trainings(self) -> float | None:
        """Its cost in trainings of one model."""
        return None if self.cost is None else self.cost.trainings

    @property
    def steps(self) -> int | None:
        """Its cost in optimizer steps."""
        return None if self.cost is None else self.cost.steps

    @property
    def auc(self) -> float | None:
        """The strongest membership attack's area under the ROC curve."""
        return self._strongest("auc", MEMBERSHIP.name)

    @property
    def tpr_at_1_percent_fpr(self) -> float | None:
        """The strongest membership attack's share of members found at 1 % false positives."""
        return self._strongest(TPR_AT_LOW_FPR, MEMBERSHIP.name)

    @property
    def lift(self) -> float | None:
        """The strongest attribute attack's gain in accuracy over the best guess without a model."""
        return self._strongest("lift", ATTRIBUTE.name)

    @property
    def games(self) -> tuple[str, ...]:
        """Those that some attacker of the audit played."""
        return tuple(dict.fromkeys(attacked.game for attacked in self.audit.values()))

    def advantage(self, game: str) -> float | None:
        """The advantage of the game's strongest attack."""
        return self._strongest(ADVANTAGE, game)

    def _strongest(self, measure: str, game: str) -> float | None:
        values = [
            attacked.measures[measure]
            for attacked in self.audit.values()
            if attacked.game == game and measure in attacked.measures
        ]
        # None, not 0, where no attack measured it.
        return max(values, default=None)


def read_run_metrics(
    part: AuditedModel,
    *,
    performance: str,
    seconds: float | None,
    mia: str | None,
    cpu_seconds: float | None = None,
    cost: TrainingCost | None = None,
) -> RunMetrics:
    """Read one model's part of a run's results.

    Args:
        part: the results, or their baseline.
        performance: the metric that candidates were chosen by.
        seconds: how long the model took.
        mia: the attacker whose accuracy is the papers' MIA accuracy; None for the one on
            membership that is right most often.
        cpu_seconds: CPU time of the model.
        cost: trainings and steps of the model.
    """
    model = part.model
    assert model.density is not None  # a run knows its own models
    assert model.model_density is not None
    assert model.sparsifiable is not None
    assert model.file_bytes is not None
    return RunMetrics(
        task_accuracy=part.metrics[performance].value,
        mia_accuracy=_mia_accuracy(part.audit, mia),
        density=model.density,
        model_density=model.model_density,
        sparsifiable=model.sparsifiable,
        bytes=model.file_bytes,
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        cost=cost,
        audit={
            name: AttackMetrics(game=attack.game, measures=_measures(attack))
            for name, attack in part.audit.items()
        },
    )


def _mia_accuracy(audit: Mapping[str, AnyAttackRecord], mia: str | None) -> float | None:
    wanted = [
        attack.accuracy
        for name, attack in audit.items()
        # Any membership attacker if the spec names none; the highest accuracy counts.
        if isinstance(attack, MembershipRecord) and mia in (None, name)
    ]
    return max(wanted, default=None)


def _measures(attack: AnyAttackRecord) -> dict[str, float]:
    measures = {name: estimate.value for name, estimate in attack.estimates().items()}
    if isinstance(attack, MembershipRecord):
        measures |= _rates(attack)
        if attack.canaries is not None:
            # Not their accuracy: its threshold was chosen on samples with a right label.
            apart = {"auc": attack.canaries.auc, **_rates(attack.canaries)}
            measures |= {f"canaries_{name}": value for name, value in apart.items()}
    return measures


def _rates(attack: MembershipRecord) -> dict[str, float]:
    """Return the true-positive rates that the pool has enough non-members for."""
    return {
        RATES[point.max_fpr]: point.tpr
        for point in attack.operating_points
        if point.max_fpr in RATES and isinstance(point, OperatingPointRecord)
    }
