"""Guard training: shows an output guard what the trained network answers."""

import torch
from torch import Tensor

from safecompress_core.data.dataset import Inputs, in_batches
from safecompress_core.networks.classifier import Classifier, in_eval_mode
from safecompress_core.networks.output_guard import GuardTrainingData, OutputGuard

__all__ = ["train_guard"]

BATCH = 512

# M members · R others · C classes


def train_guard(
    guard: OutputGuard,
    network: Classifier,
    members: Tensor | Inputs,
    others: Tensor | None,
    *,
    bounds: tuple[Tensor, Tensor] | None,
    generator: torch.Generator,
) -> None:
    """Let the guard learn.

    Args:
        guard: learns.
        network: what it guards; stays as it is, and in its mode.
        members: inputs of all that it was trained on; as many as there are others are drawn.
        others: inputs of reference samples, shape (R, ...); None for none, and then all members
            are shown.
        bounds: the lowest and the highest value of an input; None for those of the members drawn.
        generator: what members are drawn from, and what the guard draws from.
    """
    # Balanced: a guard that sees more members than others would learn the prior.
    count = len(members) if others is None else min(len(members), len(others))
    # Members are sampled; a guard must not depend on which ones come first.
    rows = torch.randperm(len(members), generator=generator)[:count].to(network.device)

    def at_random(count: int, generator: torch.Generator) -> Tensor:
        # Without declared bounds, the range of the sampled members is the best estimate.
        low, high = bounds or _bounds(members, rows)
        drawn = torch.rand(count, *members.shape[1:], generator=generator).to(low.device)
        return _logits(network, low + (high - low) * drawn, torch.arange(count))

    # Width of the logits, so that an empty side has the shape that a guard expects.
    empty = torch.zeros(0, network.head.out_features, device=network.device)
    inside = outside = empty
    # Skipped if not needed: it costs a forward pass over all members.
    if guard.reads_samples:
        inside = _logits(network, members, rows)
        if others is not None:
            outside = _logits(network, others, torch.arange(len(others)))
    training_data = GuardTrainingData(members=inside, others=outside, at_random=at_random)
    guard.learn(training_data, generator=generator)


def _bounds(inputs: Tensor | Inputs, rows: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest of each value of some samples."""
    # In batches, since inputs may be on disk and larger than memory.
    parts = list(in_batches(inputs, rows.split(BATCH)))
    lowest, highest = ([end(part, dim=0) for part in parts] for end in (torch.amin, torch.amax))
    return torch.stack(lowest).amin(dim=0), torch.stack(highest).amax(dim=0)


def _logits(network: Classifier, inputs: Tensor | Inputs, rows: Tensor) -> Tensor:
    """Bare logits (N, C), float32, in eval mode."""
    # Eval mode: dropout would show the guard answers that users never get.
    with torch.no_grad(), in_eval_mode(network):
        parts = in_batches(inputs, rows.to(network.device).split(BATCH))
        return torch.cat([network(part).float() for part in parts])
