"""What a finished model answers with, looked at before it is attacked."""

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import ModelError
from safecompress_core.preflight.output_checks import OutputSummary, check_outputs

CPU = torch.device("cpu")
IMAGES, LABELS = load_digits(return_X_y=True)
DATA = Dataset(
    inputs=torch.from_numpy(IMAGES[:600]).float() / 16,
    labels=torch.from_numpy(LABELS[:600]),
    classes=tuple("0123456789"),
    attributes={},
)


class Rounded(nn.Module):
    """Posteriors on a grid, as a service or a quantised model hands them out."""

    def __init__(self, step: float, whole: float = 1) -> None:
        super().__init__()
        self.layer = digits()
        self.step, self.whole = step, whole

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, 10)."""
        posteriors: Tensor = self.layer(inputs).softmax(dim=1).double()
        return ((posteriors / self.step).round() * self.step * self.whole).float()


def digits(*more: nn.Module) -> nn.Sequential:
    """A network for digits whose answers are far from even."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 10), *more).requires_grad_(False)


def looked_at(module: nn.Module) -> OutputSummary:
    """All answers in eval mode."""
    return check_outputs(module.eval(), DATA, device=CPU)


@pytest.mark.parametrize(
    ("step", "whole", "told"),
    [
        (0.01, 1, "rounded to 100ths, which is all that attacks see"),
        (0.01, 100, "percentages, divided by 100; rounded to 100ths"),
        (0.001, 1, "rounded to 1000ths"),
        (1 / 256, 1, "rounded to 256ths"),
        (1 / 255, 1, "rounded to 255ths"),
    ],
)
def test_rounded_posteriors_are_posteriors(step: float, whole: float, told: str) -> None:
    """Their sums are off by no more than rounding does, and the rounding is told."""
    found = looked_at(Rounded(step, whole))

    assert max(abs(total / whole - 1) for total in found.sums) > 1e-3
    assert found.total == whole
    assert not found.are_independent
    [note] = found.notes
    assert told in note


def test_percentages_are_posteriors() -> None:
    """Times 100; nothing is rounded."""

    class Percent(nn.Softmax):
        def forward(self, inputs: Tensor) -> Tensor:
            return super().forward(inputs) * 100

    found = looked_at(digits(Percent(dim=1)))

    assert found.total == 100
    assert found.notes == ("the model's answers are percentages, divided by 100",)


def test_plain_posteriors_need_no_note() -> None:
    """Nor do logits."""
    assert (looked_at(digits(nn.Softmax(dim=1))).total, looked_at(digits()).total) == (1, None)
    assert looked_at(digits(nn.Softmax(dim=1))).notes == looked_at(digits()).notes == ()


def test_probabilities_of_labels_one_by_one_are_told() -> None:
    """A sigmoid for each label says nothing of which one it is."""
    found = looked_at(digits(nn.Sigmoid()))

    assert found.total is None
    assert found.are_independent
    assert not looked_at(digits()).are_independent


class AlwaysTraining(nn.Module):
    """A layer that stays in train mode, as in a model that was exported in it."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def train(self, mode: bool = True) -> "AlwaysTraining":
        """Whatever is asked."""
        return super().train(True)

    def forward(self, inputs: Tensor) -> Tensor:
        """As the layer does."""
        answer: Tensor = self.layer(inputs)
        return answer


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.Dropout(0.2), "answers the same samples differently when it is asked again"),
        (nn.Dropout(1e-3), "answers the same samples differently when it is asked again"),
        (nn.BatchNorm1d(64, momentum=0), "about 1 samples .* more than 1 value per channel"),
        (nn.GroupNorm(4, 64), None),
        (nn.LayerNorm(64), None),
    ],
)
def test_a_model_in_train_mode_is_refused(layer: nn.Module, message: str | None) -> None:
    """It answers differently when it is asked again; what normalises a sample alone is fine."""
    module = nn.Sequential(AlwaysTraining(layer), digits())
    if message is None:
        assert looked_at(module).labels == 10
        return
    with pytest.raises(ModelError, match=message):
        looked_at(module)


def test_a_model_that_normalises_by_batch_is_refused() -> None:
    """As an exported one in train mode does, which takes a single sample all the same."""

    class ByBatch(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            centred = inputs - inputs.mean(dim=0)
            return centred / (inputs.var(dim=0, unbiased=False) + 1e-5).sqrt()

    with pytest.raises(ModelError, match="depends on the others in its batch"):
        looked_at(nn.Sequential(ByBatch(), digits()))


def test_a_model_that_quantises_by_batch_is_not() -> None:
    """Dynamic quantisation scales activations by the largest of a batch."""

    class Dynamic(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            scale = inputs.abs().amax() / 127
            return (inputs / scale).round() * scale

    module = nn.Sequential(nn.Linear(64, 64), Dynamic(), digits(), Dynamic())

    assert looked_at(module.requires_grad_(False)).labels == 10
