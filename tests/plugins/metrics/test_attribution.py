"""Attributions before and after compression."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from safecompress_core.toolkit import Classifier
from safecompress_plugins.metrics.attribution import (
    AttributionAgreement,
    attribute_inputs,
    rank_correlation,
    top_overlap,
)
from safecompress_plugins.metrics.manifest import AttributionAgreementParams
from tests.plugins.metrics.conftest import iris_subject, subject_of
from tests.plugins.metrics.test_groups import trial_of

captum = pytest.importorskip("captum.attr")

INPUTS = torch.rand(5, 1, 8, 8, generator=torch.Generator().manual_seed(7))
LABELS = torch.tensor([0, 1, 2, 0, 1])


class Texts(nn.Module):
    """The mean of the embeddings of tokens that are no padding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.head = nn.Linear(4, 2)

    def forward(self, ids: Tensor) -> Tensor:
        is_token = (ids > 0).float()[:, :, None]
        means = (self.embedding(ids) * is_token).sum(1) / is_token.sum(1)
        logits: Tensor = self.head(means)
        return logits


def classifier(module: nn.Module) -> Classifier:
    """With weights of its own, drawn by a seed."""
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    return Classifier(module.eval())


def test_of_a_linear_model_gradients_times_inputs_are_exact() -> None:
    """Integrated gradients from 0 are weight times input; saliency is the weight's magnitude."""
    network = classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)))
    weights = network.head.weight.detach()[LABELS].reshape(INPUTS.shape)

    integrated = attribute_inputs(network, INPUTS, LABELS, method="integrated-gradients", steps=4)
    saliency = attribute_inputs(network, INPUTS, LABELS, method="saliency", steps=4)

    torch.testing.assert_close(integrated, weights * INPUTS, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(saliency, weights.abs())


def test_gradcam_is_of_the_last_convolution() -> None:
    """Before its pooling: a map of 6 x 6."""
    network = classifier(
        nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.AvgPool2d(6), nn.Flatten(), nn.Linear(4, 3))
    )

    found = attribute_inputs(network, INPUTS, LABELS, method="gradcam", steps=4)

    assert found.shape == (5, 1, 6, 6)
    # A head after the mean over positions: the map is that of class activations, by hand.
    maps = network.module[0](INPUTS).detach()
    gradients = torch.where(maps > 0, 1.0, 0.0).mean(dim=(2, 3)) * network.head.weight[LABELS] / 36
    expected = (gradients[:, :, None, None] * maps).sum(dim=1, keepdim=True)
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-5)


def test_token_ids_are_attributed_at_their_embeddings() -> None:
    """Completeness: attributions add up to the logit, less that of embeddings of 0."""
    network = classifier(Texts())
    ids = torch.tensor([[1, 4, 2, 0], [5, 3, 8, 7]])
    targets = torch.tensor([1, 0])

    found = attribute_inputs(network, ids, targets, method="integrated-gradients", steps=8)
    saliency = attribute_inputs(network, ids, targets, method="saliency", steps=8)

    with torch.no_grad():
        differences = network(ids) - network.head.bias
    torch.testing.assert_close(
        found.sum(dim=1), differences.gather(1, targets[:, None])[:, 0], rtol=1e-3, atol=1e-4
    )
    # The mean over tokens: each of three has a third of the head's weight, padding has none.
    norms = network.head.weight.detach()[targets].norm(dim=1)
    torch.testing.assert_close(saliency[0], torch.tensor([1, 1, 1, 0]) * norms[0] / 3)


def test_ranks_are_compared_as_scipy_does() -> None:
    """Each sample by itself, with ties; a row without any order agrees with itself alone."""
    generator = np.random.default_rng(0)
    first, second = (generator.integers(0, 6, size=(4, 20)).astype(float) for _ in range(2))

    found = rank_correlation(first, second)

    expected = [spearmanr(*rows).statistic for rows in zip(first, second, strict=True)]
    np.testing.assert_allclose(found, expected)
    flat = np.zeros((1, 20))
    assert rank_correlation(flat, flat).tolist() == [1]
    assert rank_correlation(flat, first[:1]).tolist() == [0]


def test_the_largest_magnitudes_overlap() -> None:
    """Of ten values three are looked at, and two are the same."""
    first = np.array([[9.0, -8, 7, 1, 1, 1, 1, 1, 1, 1]])
    second = np.array([[9.0, 0, 7, 0, 0, -8, 0, 0, 0, 0]])

    assert top_overlap(first, second, share=0.3).tolist() == [2 / 3]
    assert top_overlap(first, second, share=0.01).tolist() == [1]


@pytest.mark.parametrize("agreement", ["rank", "top-k"])
def test_a_model_agrees_with_itself_and_less_with_another(agreement: str) -> None:
    """Of networks that differ in the weights of one layer."""
    dense = classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 3)))
    other = classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 6), nn.ReLU(), nn.Linear(6, 3)))
    with torch.no_grad():
        other.module[1].weight[:, ::2] = 0
    metric = AttributionAgreement(AttributionAgreementParams(agreement=agreement, samples=4))

    same, less = (
        metric.measure(subject_of(network, INPUTS, LABELS, uncompressed=dense))
        for network in (dense, other)
    )

    assert same.value == 1
    assert less.value < 1


def test_what_cannot_be_attributed_to_is_found_before_training() -> None:
    """GradCAM of a perceptron; ids without an embedding."""
    trial = trial_of(iris_subject())
    gradcam = AttributionAgreement(AttributionAgreementParams(method="gradcam"))
    [problem] = gradcam.check(trial)
    assert (problem.path, problem.message) == (
        ("method",),
        "gradcam attributes to a convolution, and the model has none",
    )

    codes = replace(trial, dataset=replace(trial.dataset, inputs=torch.ones(152, 2).long()))
    [problem] = AttributionAgreement(AttributionAgreementParams()).check(codes)
    assert "no embedding" in problem.message
    texts = replace(codes, network=classifier(Texts()))
    assert list(AttributionAgreement(AttributionAgreementParams()).check(texts)) == []
