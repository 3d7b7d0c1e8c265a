"""Agreement of a model's explanations before and after compression."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from captum.attr import IntegratedGradients, LayerGradCam, Saliency
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.toolkit import (
    Classifier,
    MeanMetric,
    MetricTrial,
    Problem,
    SampleValues,
    Subject,
    global_random_state,
)
from safecompress_plugins.metrics.manifest import AttributionAgreementParams

__all__ = ["AttributionAgreement", "attribute_inputs", "rank_correlation", "top_overlap"]

# S samples · A values that are attributed to

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)


class AttributionAgreement(MeanMetric):
    """Mean agreement of both models' attributions of the uncompressed model's answers.

    Source: Park et al. 2020, "Attribution Preservation in Network Compression for Reliable Network
    Interpretation", section 5, which compares them after compression; Sundararajan et al. 2017,
    Simonyan et al. 2014 and Selvaraju et al. 2017 for the attributions, computed by Captum.
    """

    def __init__(self, params: AttributionAgreementParams) -> None:
        self._params = params

    def check(self, trial: MetricTrial) -> Iterator[Problem]:
        """GradCAM takes a convolution, token ids an embedding."""
        modules = list(trial.network.modules())
        if self._params.method == "gradcam":
            if not any(isinstance(module, CONVOLUTIONS) for module in modules):
                message = "gradcam attributes to a convolution, and the model has none"
                yield Problem(("method",), message, "write integrated-gradients or saliency")
        elif not _is_continuous(trial.dataset.inputs) and _embedding(trial.network) is None:
            message = "the inputs are token ids or codes, and the model has no embedding of them"
            yield Problem(("method",), message, "take the metric out")

    def values(self, subject: Subject) -> SampleValues:
        """Agreement of each sample, (S, 1)."""
        before = subject.uncompressed
        # The first non-members: members come first in a pool.
        rows = torch.arange(len(subject.asked.pool.members), len(subject.asked.pool))
        rows = rows[: self._params.samples]
        inputs, targets = subject.asked.seen.take(rows).inputs, before.predictions[rows]
        dense = before.restrict(Access.WHITE_BOX).network()
        attributions = []
        for network in (dense, subject.network.inside):
            # Captum draws nothing with these methods, but reads torch's global state.
            with global_random_state(subject.seed.torch()):
                found = attribute_inputs(
                    network, inputs, targets, method=self._params.method, steps=self._params.steps
                )
            attributions.append(found.flatten(1).double().numpy())
        agreement = (
            rank_correlation(*attributions)
            if self._params.agreement == "rank"
            else top_overlap(*attributions, share=self._params.top)
        )
        details = {
            "method": self._params.method,
            "agreement": self._params.agreement,
            "samples": len(rows),
        }
        return SampleValues.of(torch.from_numpy(agreement), details=details)


def attribute_inputs(
    network: Classifier, inputs: Tensor, targets: Tensor, *, method: str, steps: int
) -> Tensor:
    """Attribute the logits of some labels to the inputs; to embeddings where inputs are ids.

    Args:
        network: in eval mode.
        inputs: shape (S, ...).
        targets: labels, shape (S,).
        method: as a spec says it.
        steps: of the integral of integrated gradients.

    Returns:
        Shape (S, ...): of the inputs, of positions for ids, of the last convolution for GradCAM.
    """
    inputs, targets = inputs.to(network.device), targets.to(network.device)
    embedding = None if _is_continuous(inputs) else _embedding(network)
    if method == "gradcam":
        last = [module for module in network.modules() if isinstance(module, CONVOLUTIONS)][-1]
        found = LayerGradCam(network, last).attribute(inputs, target=targets)
    elif embedding is None:
        found = _attribute(network, inputs, targets, method=method, steps=steps)
    else:
        answer = partial(_answer_embeddings, network, embedding)
        vectors = embedding(inputs).detach()
        found = _attribute(answer, vectors, targets, ids=inputs, method=method, steps=steps)
        found = found.norm(dim=2) if method == "saliency" else found.sum(dim=2)
    attributions: Tensor = found.detach().cpu()
    return attributions


def _attribute(
    answer: Callable[..., Tensor],
    inputs: Tensor,
    targets: Tensor,
    *,
    method: str,
    steps: int,
    ids: Tensor | None = None,
) -> Tensor:
    """Return attributions of the shape of the inputs; the baseline of an integral is 0."""
    found: Tensor
    if method == "saliency":
        found = Saliency(answer).attribute(
            inputs.clone().requires_grad_(), target=targets, additional_forward_args=ids
        )
    else:
        found = IntegratedGradients(answer).attribute(
            inputs,
            target=targets,
            additional_forward_args=ids,
            n_steps=steps,
            internal_batch_size=len(inputs),
        )
    return found


def _answer_embeddings(
    network: Classifier, embedding: nn.Embedding, vectors: Tensor, ids: Tensor
) -> Tensor:
    """Return the logits of token ids whose embeddings are others, (S, positions, values)."""

    def replace(_: nn.Module, __: Any, output: Tensor) -> Tensor:
        # A model may cut a batch to its longest text.
        return vectors[:, : output.shape[1]]

    handle = embedding.register_forward_hook(replace)
    try:
        logits: Tensor = network(ids)
    finally:
        handle.remove()
    return logits


def rank_correlation(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Return Spearman's correlation of each row, shape (S,), of attributions (S, A).

    Where all values of a row are equal the correlation is 1 if the rows are equal, else 0.
    """
    ranks = [rankdata(rows, axis=1) for rows in (first, second)]
    centred = [rows - rows.mean(axis=1, keepdims=True) for rows in ranks]
    norms = np.prod([np.linalg.norm(rows, axis=1) for rows in centred], axis=0)
    products = (centred[0] * centred[1]).sum(axis=1)
    is_equal = (first == second).all(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        defined: NDArray[Any] = np.where(norms > 0, products / norms, 0.0)
    return np.where(is_equal, 1.0, defined)


def top_overlap(first: NDArray[Any], second: NDArray[Any], *, share: float) -> NDArray[Any]:
    """Return the overlap of the largest attributions of each row, in [0, 1], shape (S,).

    Args:
        first: shape (S, A).
        second: likewise.
        share: of the A values, at least one of which is looked at; magnitudes count.
    """
    count = max(1, round(share * first.shape[1]))
    tops = [np.argsort(-np.abs(rows), axis=1, kind="stable")[:, :count] for rows in (first, second)]
    return np.array([len(np.intersect1d(*pair)) / count for pair in zip(*tops, strict=True)])


def _is_continuous(inputs: Any) -> bool:
    return not isinstance(inputs, Tensor) or inputs.is_floating_point()


def _embedding(network: nn.Module) -> nn.Embedding | None:
    """Return the first embedding, which tokens go through; later ones are of positions."""
    found = (module for module in network.modules() if isinstance(module, nn.Embedding))
    return next(found, None)
