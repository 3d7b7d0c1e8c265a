"""Early stopping: patience, the best weights, and a topology that moves."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.sparse.topology import Topology
from safecompress_core.toolkit import Batch, Classifier, DefenceInputs, Schedule
from safecompress_plugins.defences.training.early_stopping import EarlyStopping
from safecompress_plugins.defences.training.manifest import EarlyStoppingParams

REFERENCE = Batch(inputs=torch.eye(2), labels=torch.tensor([0, 1]), attributes={})
DOTS = {"weight": torch.tensor([[True, True], [True, False]])}


def network(scale: float = 0.0) -> Classifier:
    """Answers its input times a scale: the larger, the surer, and right about the reference."""
    made = Classifier(nn.Linear(2, 2))
    turned(made, scale)
    return made


def turned(made: Classifier, scale: float) -> None:
    """As if it had been trained to there."""
    with torch.no_grad():
        made.module.weight.copy_(scale * torch.eye(2))
        made.module.bias.fill_(scale)


def stopping(epochs: int = 99, **params: float) -> EarlyStopping:
    """The defence for so many epochs."""
    defence = EarlyStopping(EarlyStoppingParams.model_validate(params))
    schedule = Schedule(members=9, steps=1, epochs=epochs)
    defence.equip(DefenceInputs(schedule=schedule, reference=REFERENCE))
    return defence


def followed(
    defence: EarlyStopping, made: Classifier, scales: Sequence[float], *, first: int = 0
) -> int:
    """After how many epochs with these scales it has had enough."""
    for epoch, scale in enumerate(scales, start=first):
        turned(made, scale)
        defence.review(made, epoch=epoch)
        if defence.is_settled:
            return epoch + 1
    return len(scales) + first


def test_training_ends_after_so_many_epochs_that_did_not_help() -> None:
    """The best was epoch 3; two worse ones follow, and its weights, biases too, come back."""
    made, defence = network(), stopping(patience=2)

    assert followed(defence, made, [1.0, 2.0, 3.0, 2.5, 2.9, 9.0]) == 5
    assert torch.equal(made.module.weight, 3 * torch.eye(2))
    assert made.module.bias.tolist() == [3, 3]
    assert made.training
    facts = defence.facts()
    assert facts["text"] == "training ended after 5 of 99 epochs, with the weights of epoch 3"
    loss = F.cross_entropy(made(REFERENCE.inputs), REFERENCE.labels)
    assert facts["reference_loss"] == pytest.approx(loss.item(), rel=1e-6)


def test_an_improvement_that_is_too_small_does_not_count() -> None:
    """From 2.0 to 2.1 the loss falls by 0.011 nats; from there to 3.0 by more than 0.02."""
    assert followed(stopping(patience=1, improvement=0.02), network(), [1.0, 2.0, 2.1, 3.0]) == 3
    assert followed(stopping(patience=1, improvement=0.01), network(), [1.0, 2.0, 2.1, 3.0]) == 4


def test_the_best_weights_come_back_when_the_epochs_are_over() -> None:
    """However much patience is left."""
    made, defence = network(), stopping(epochs=4, patience=50)

    assert followed(defence, made, [1.0, 3.0, 2.0, 2.0]) == 4
    assert torch.equal(made.module.weight, 3 * torch.eye(2))


def test_the_best_weights_come_back_with_their_topology() -> None:
    """What was pruned since is there again, and what was grown is gone."""
    made, defence = network(), stopping(patience=2)
    made.topology = Topology.from_masks({"weight": torch.tensor([[True, False], [True, True]])})
    assert followed(defence, made, [3.0]) == 1
    made.topology = Topology.from_masks(DOTS)

    assert followed(defence, made, [1.0, 0.5], first=1) == 3
    assert torch.equal(made.module.weight, 3 * torch.eye(2))
    assert made.masks["weight"].tolist() == [[True, False], [True, True]]


@pytest.mark.parametrize("before", [None, torch.ones(2, 2, dtype=torch.bool)])
def test_what_was_best_before_pruning_does_not_come_back(before: Tensor | None) -> None:
    """It has more weights than the model may have, from a dense network or from a fuller one."""
    made, defence = network(), stopping(epochs=4, patience=9)
    made.topology = None if before is None else Topology.from_masks({"weight": before})
    assert followed(defence, made, [3.0, 2.0]) == 2
    made.topology = Topology.from_masks(DOTS)

    assert followed(defence, made, [1.0, 0.5], first=2) == 4
    assert torch.equal(made.module.weight, torch.eye(2))
    assert torch.equal(made.masks["weight"], DOTS["weight"])
    assert defence.facts()["best_epoch"] == 3


def test_a_copy_goes_on_waiting() -> None:
    """Patience and the best weights are a part of what is kept and copied."""
    made, defence = network(), stopping(patience=3)
    followed(defence, made, [1.0, 3.0, 2.0])
    twin, other = stopping(patience=3), network()

    kept: dict[str, Tensor] = {name: one.clone() for name, one in defence.state_dict().items()}
    twin.load_state_dict(kept)

    assert followed(twin, other, [2.0, 2.0, 2.0], first=3) == 5
    assert torch.equal(other.module.weight, 3 * torch.eye(2))
    assert not defence.is_settled
