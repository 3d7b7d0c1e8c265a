"""Movement pruning, held against a straight-through estimator written out in autograd."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.networks.classifier import Classifier
from safecompress_core.training.defence import Batch, Step
from safecompress_plugins.methods.movement import StraightThrough


class Masked(torch.autograd.Function):
    """W ⊙ M(S) forward; backward as if M were the identity of S."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, _: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(weight, mask)
        return weight * mask

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, mask = ctx.saved_tensors
        return grad * mask, grad * weight, None


def test_scores_and_weights_move_as_the_estimator_says() -> None:
    """Over steps of gradient descent, at half density; masked weights come back when they may."""
    generator = torch.Generator().manual_seed(4)
    layer = nn.Linear(6, 3, bias=False)
    network = Classifier(layer)
    with torch.no_grad():
        layer.weight.normal_(generator=generator)
    weight = layer.weight.detach().clone().requires_grad_()
    scores = torch.zeros_like(weight)
    mover = StraightThrough(network.sparse_parameters(), scope="global")
    mover.density = 0.5
    masks = []
    for _ in range(12):
        batch = Batch(
            inputs=torch.randn(8, 6, generator=generator),
            labels=torch.randint(3, (8,), generator=generator),
            attributes={},
        )
        network.zero_grad()
        mover.transform(batch, generator=generator)
        masks.append(layer.weight.detach() != 0)
        logits, representation = network.represent(batch.inputs)
        losses = F.cross_entropy(logits, batch.labels, reduction="none")
        losses.mean().backward()
        step = Step(
            batch=batch,
            logits=logits,
            representation=representation,
            losses=losses,
            epoch=0,
            weights=network.sparse_parameters(),
            network=network,
        )
        mover.adjust(step, generator=generator)
        assert layer.weight.grad is not None
        with torch.no_grad():
            layer.weight -= 0.5 * layer.weight.grad

        learned = scores.clone().requires_grad_()
        through = Masked.apply(weight, learned, masks[-1])  # type: ignore[no-untyped-call]
        loss = F.cross_entropy(batch.inputs @ through.T, batch.labels)
        to_weight, to_scores = torch.autograd.grad(loss, (weight, learned))
        scores = scores - to_scores
        weight = (weight - 0.5 * to_weight).detach().requires_grad_()

    torch.testing.assert_close(layer.weight, weight)
    torch.testing.assert_close(mover.scores["weight"], scores)
    assert all(int(mask.sum()) == 9 for mask in masks)
    came_back = [bool((after & ~before).any()) for before, after in pairwise(masks)]
    assert any(came_back)
