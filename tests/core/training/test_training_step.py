"""A step of training."""

import pytest

from safecompress_core.training.training_step import TrainingStep


@pytest.mark.parametrize(("epoch", "step", "is_last"), [(3, 8, True), (3, 7, False), (2, 8, False)])
def test_the_last_step_is_the_last_one_of_the_last_epoch(
    epoch: int, step: int, is_last: bool
) -> None:
    """The loss, for which a device would be waited for, is not read to know it."""

    def loss() -> float:
        raise AssertionError("nobody asked for the loss")

    training_step = TrainingStep(
        what="it", epoch=epoch, until=3, step=step, steps=8, loss=loss, seconds=0.1
    )

    assert training_step.is_last == is_last
