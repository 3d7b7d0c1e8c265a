"""Calibration, against torchmetrics and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import brier_score_loss
from torch import nn

from safecompress_core.toolkit import Classifier
from safecompress_plugins.metrics.calibration import Brier, CalibrationError
from safecompress_plugins.metrics.manifest import BrierParams, CalibrationErrorParams
from tests.plugins.metrics.conftest import iris_subject, subject_of


@pytest.mark.parametrize("bins", [5, 15])
def test_the_expected_calibration_error_is_that_of_torchmetrics(bins: int) -> None:
    """Of the confidence in the answer, with bins of equal width."""
    torchmetrics = pytest.importorskip("torchmetrics")
    subject = iris_subject()
    theirs = torchmetrics.classification.MulticlassCalibrationError(num_classes=3, n_bins=bins)
    expected = theirs(subject.unseen.posteriors, subject.unseen.labels)

    found = CalibrationError(CalibrationErrorParams(bins=bins)).measure(subject)

    assert found.value == pytest.approx(float(expected), abs=1e-6)
    assert found.low < found.value < found.high


def test_the_reliability_diagram_adds_up_to_the_error() -> None:
    """Each of its points has a weight, and together they hold every sample."""
    subject = iris_subject()
    metric = CalibrationError(CalibrationErrorParams(bins=10))

    points = metric.values(subject).details["reliability"]

    counts = np.array([point["samples"] for point in points])
    distances = [abs(point["confidence"] - point["accuracy"]) for point in points]
    assert counts.sum() == len(subject.unseen)
    assert metric.measure(subject).value == pytest.approx(np.average(distances, weights=counts))


def test_a_model_that_is_sure_and_right_half_the_time_is_off_by_half() -> None:
    """Whatever the number of bins, and although its confidence is 1."""
    network = Classifier(nn.Linear(2, 2, bias=False))
    with torch.no_grad():
        network.head.weight.copy_(torch.eye(2) * 1000)
    inputs = torch.eye(2)[[0, 0, 1, 1]]
    subject = subject_of(network, inputs, torch.tensor([0, 1, 0, 1]))

    assert CalibrationError(CalibrationErrorParams()).measure(subject).value == 0.5


def test_brier_s_score_is_that_of_scikit_learn() -> None:
    """Over all classes, as Brier has it: up to 2."""
    subject = iris_subject()
    posteriors = subject.unseen.posteriors.double()
    expected = brier_score_loss(
        subject.unseen.labels, posteriors / posteriors.sum(1, keepdim=True), scale_by_half=False
    )

    found = Brier(BrierParams()).measure(subject)

    assert found.value == pytest.approx(expected, abs=1e-6)
    assert found.low < found.value < found.high
