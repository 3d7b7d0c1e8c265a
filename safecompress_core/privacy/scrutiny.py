"""A closer look at one attack on membership: what the audit reports beyond the averages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.privacy.exposure import (
    PRIOR,
    Exposed,
    LabelFigures,
    label_table,
    most_exposed,
    precision_at_prior,
)
from safecompress_core.privacy.intervals import Estimate
from safecompress_core.privacy.one_run import OneRunBound, Pairs, one_run_bound
from safecompress_core.privacy.roc import Array

__all__ = ["Lens", "Scrutiny", "scrutinised"]

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lens:
    """What is settled about a pool before any attack on it is looked at closely.

    Attributes:
        pairs: of members and non-members, for the bound on ε.
        names: of the task's labels.
        prior: share of members at which precision is stated, in (0, 1).
    """

    pairs: Pairs
    names: Sequence[str]
    prior: float = PRIOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrutiny:
    """What the closer look found.

    Attributes:
        prior: share of members at which ``precision`` is stated.
        precision: of the attack's accusations; None where it accuses nobody.
        epsilon: a lower bound on ε; None where no pair could be made.
        exposed: the tenth of the pool with the highest scores.
        labels: figures for each task label.
    """

    prior: float
    precision: Estimate | None
    epsilon: OneRunBound | None
    exposed: Exposed
    labels: tuple[LabelFigures, ...]

    def to_json(self) -> dict[str, Any]:
        """``precision`` with its interval and prior, ``epsilon``, ``top_decile``, ``labels``."""
        return {
            "precision": self.precision and self.precision.value,
            "precision_interval": self.precision and list(self.precision.interval),
            "precision_prior": self.prior,
            "epsilon": self.epsilon and self.epsilon.to_json(),
            "top_decile": self.exposed.to_json(),
            "labels": [label.to_json() for label in self.labels],
        }


def scrutinised(
    lens: Lens,
    scores: Array,
    says_member: Bools,
    is_member: Bools,
    labels: NDArray[np.int64],
    *,
    confidence: float,
) -> Scrutiny:
    """Look closely at an attack's scores and decisions on a pool; all but ``lens`` is (N,)."""
    return Scrutiny(
        prior=lens.prior,
        precision=precision_at_prior(
            says_member, is_member, prior=lens.prior, confidence=confidence
        ),
        epsilon=one_run_bound(scores, lens.pairs, confidence=confidence),
        exposed=most_exposed(scores, is_member, confidence=confidence),
        labels=label_table(
            scores, says_member, is_member, labels, names=lens.names, confidence=confidence
        ),
    )
