"""The L2 penalty."""

from collections.abc import Callable

import torch
from torch import tensor

from safecompress_core.toolkit import Step
from safecompress_plugins.defences.manifest import L2Params
from safecompress_plugins.defences.training.l2 import L2


def test_the_gradient_is_weight_times_the_weights(make_step: Callable[..., Step]) -> None:
    """0.1 / 2 · (1 + 4 + 9) is added, over all layers; pruned weights get no gradient."""
    first = tensor([[1.0, -2.0]], requires_grad=True)
    second = tensor([3.0, 0.0], requires_grad=True)
    step = make_step(
        torch.zeros(1, 2), tensor([0]), weights={"first.weight": first, "second.weight": second}
    )

    loss = L2(L2Params(weight=0.1)).loss(step, tensor(2.0))
    loss.backward()

    torch.testing.assert_close(loss, tensor(2.7))
    assert first.grad is not None
    assert second.grad is not None
    torch.testing.assert_close(first.grad, tensor([[0.1, -0.2]]))
    torch.testing.assert_close(second.grad, tensor([0.3, 0.0]))
