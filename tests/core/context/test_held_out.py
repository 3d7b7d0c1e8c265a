"""Answers of models about members that they were not trained on."""

import pytest
import torch

from safecompress_core.api import HeldOut
from safecompress_core.context.held_out import assign_left_out


def lots(seed: int = 1) -> torch.Generator:
    """What models are drawn by."""
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("models", "left"), [(4, 2), (5, 1), (3, 3)])
def test_each_member_is_left_out_by_exactly_so_many_models(models: int, left: int) -> None:
    """By each model about as often, and by different ones for different members."""
    found = assign_left_out(600, HeldOut(models=models, left_out=left), generator=lots())

    assert found.shape == (models, 600)
    assert found.sum(dim=0).unique().tolist() == [left]
    share = found.double().mean(dim=1)
    assert (share - left / models).abs().max() < 0.08  # four standard errors


def test_what_belongs_together_is_left_out_together() -> None:
    """Whatever numbers the groups have."""
    groups = torch.tensor([40, 7, 40, 7, 40, -3])

    found = assign_left_out(6, HeldOut(models=4, left_out=2), generator=lots(), groups=groups)

    for group in groups.unique():
        assert len(found[:, groups == group].unique(dim=1).T) == 1


def test_the_generator_decides() -> None:
    """And nothing else."""
    asked = HeldOut(models=4, left_out=2)

    one, same, other = (assign_left_out(50, asked, generator=lots(seed)) for seed in (1, 1, 2))

    assert torch.equal(one, same)
    assert not torch.equal(one, other)
