"""Membership classifiers of scikit-learn, with settings chosen by cross-validation on attack-train.

Decisions: a network with a million weights overfits a few hundred records, so a classifier with
few parameters generalises better. There is one for each of several sets of features, and their
mean score counts: the best set differs by model, and attack-train is too small to choose it. Each
one's regularisation maximises the area under the ROC curve over five folds of attack-train; no
other pool is used. Scores are decision values, not probabilities: calibration would take five more
fits and orders samples the same. Classes are weighted by their size, so 0 is the threshold of
equal errors.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Observations, correctness, logit_of_confidence

__all__ = ["CrossValidatedClassifier", "Kind", "membership_signals", "signal_tables"]

# N samples · F features

Kind = Literal["svm", "boosting"]

FOLDS = 5
LARGEST = 30.0  # absolute logit of a confidence; 1 − 1e-13 is beyond the precision of float32
GRIDS: dict[Kind, dict[str, list[float]]] = {
    # multiples of 1 / F, as `gamma: scale` on standardised features
    "svm": {"svc__C": [0.1, 1.0, 10.0], "svc__gamma": [0.1, 1.0]},
    "boosting": {"histgradientboostingclassifier__max_leaf_nodes": [4]},
}


@dataclass(frozen=True, kw_only=True)
class CrossValidatedClassifier:
    """Classifiers over sets of features, fitted on first use.

    Attributes:
        kind: a support vector machine with a Gaussian kernel, or gradient boosting with early
            stopping.
        tables: sets of features of the same samples, each of shape (N, F).
        seed: of folds and boosting.
        seed: of folds and boosting.
    """

    kind: Kind
    tables: Sequence[Tensor]
    is_member: Tensor
    seed: int

    def scores(self, tables: Sequence[Tensor]) -> Tensor:
        """Return decision values of other samples, shape (N,); positive means member."""
        scores = [
            classifier.decision_function(_rows(table))
            for classifier, table in zip(self._fitted, tables, strict=True)
        ]
        return torch.as_tensor(np.mean(scores, axis=0))

    def refit(self, tables: Sequence[Tensor], is_member: Tensor) -> "CrossValidatedClassifier":
        """Refit with the same settings to another model's features."""
        # A copy whose cached property is preset: the search is not repeated, only the final fit.
        again = replace(self, tables=tables, is_member=is_member)
        again.__dict__["_fitted"] = [
            clone(classifier).fit(_rows(table), is_member.numpy())
            for classifier, table in zip(self._fitted, tables, strict=True)
        ]
        return again

    @property
    def settings(self) -> dict[str, Any]:
        """Settings that cross-validation chose for each set of features, JSON-ready."""
        return {
            "learner": self.kind,
            "settings": [
                {name.partition("__")[2]: pipeline.get_params()[name] for name in GRIDS[self.kind]}
                for pipeline in self._fitted
            ],
        }

    @cached_property
    def _fitted(self) -> list[Pipeline]:
        """Fit the best classifier of each set of features to all samples."""
        truth = self.is_member.numpy()
        folds = min(FOLDS, int(truth.sum()), int((~truth).sum()))
        tables = [_rows(table) for table in self.tables]
        if folds < 2:  # too few samples to hold any out
            return [self._pipeline(table.shape[1]).fit(table, truth) for table in tables]
        return [self._search(table, truth, folds).best_estimator_ for table in tables]

    def _search(
        self, rows: NDArray[np.float64], truth: NDArray[np.bool_], folds: int
    ) -> GridSearchCV:
        grid = dict(GRIDS[self.kind])
        if self.kind == "svm":
            # The grid is in units of 1 / F, which differs between sets of features.
            grid["svc__gamma"] = [gamma / rows.shape[1] for gamma in grid["svc__gamma"]]
        splits = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
        search = GridSearchCV(
            # A failed fit is a defect; scikit-learn's default would score it NaN and go on.
            self._pipeline(rows.shape[1]),
            grid,
            scoring="roc_auc",
            cv=splits,
            error_score="raise",
        )
        return search.fit(rows, truth)

    def _pipeline(self, features: int) -> Pipeline:
        if self.kind == "svm":
            return make_pipeline(StandardScaler(), SVC(gamma=1 / features, class_weight="balanced"))
        boosting = HistGradientBoostingClassifier(
            early_stopping=True,
            min_samples_leaf=10,
            class_weight="balanced",
            random_state=self.seed,
        )
        return make_pipeline(boosting)


def membership_signals(seen: Observations) -> Tensor:
    """Return membership signals from black-box access, shape (N, F).

    The logit of the confidence, minus the entropy, correctness, and the three largest posteriors.
    """
    posteriors = seen.posteriors.double()
    logit = logit_of_confidence(seen.logits, seen.labels).clamp(-LARGEST, LARGEST)
    return torch.cat(
        [
            logit[:, None],
            torch.special.xlogy(posteriors, posteriors).sum(dim=1, keepdim=True),
            correctness(seen.predictions, seen.labels)[:, None],
            posteriors.topk(min(3, seen.classes), dim=1).values,
        ],
        dim=1,
    )


def signal_tables(seen: Observations, *more: Tensor) -> tuple[Tensor, ...]:
    """Return signals, signals with the label, and the loss with the label.

    The last one lets a classifier learn a threshold for each label.

    Args:
        seen: with black-box access.
        more: further signals, each of shape (N, F).
    """
    signals = torch.cat([membership_signals(seen), *more], dim=1)
    labels = F.one_hot(seen.labels, seen.classes)
    return (
        signals,
        torch.cat([signals, labels], dim=1),
        torch.cat([seen.losses.double()[:, None].clamp(max=LARGEST), labels], dim=1),
    )


def _rows(table: Tensor) -> NDArray[np.float64]:
    return table.double().numpy()
