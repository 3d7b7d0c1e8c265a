"""Checks of a finished model's answers to all samples, before any attack.

A model that answers otherwise when it is asked again, or depends on a sample's neighbours in a
batch, was exported in train mode: every figure would be of its noise.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from safecompress_core.data.dataset import Dataset, in_batches
from safecompress_core.errors import ModelError

__all__ = ["OutputSummary", "check_outputs"]

# N samples · C classes

BATCH = 256
ALONE = 8
"""Samples that are asked about one by one."""
SUM_ERROR = 1e-3
"""How far probabilities may be from a sum of 1: half precision keeps three digits."""
STEPS = (
    (0.1, "10ths"),
    (0.01, "100ths"),
    (0.001, "1000ths"),
    (1e-4, "10000ths"),
    (1 / 255, "255ths"),
    (1 / 256, "256ths"),
)
"""Steps to which services and quantised models round probabilities, and their names."""
GRID_ERROR = 1e-3
"""How far a rounded probability may be from its grid, in steps: float32 has no tenths."""
CHANGED, DEPENDENT = 1e-3, 0.1
"""Largest differences, relative to the largest answer, between two answers to a batch, and between
a sample alone and in its batch. A model that scales activations by batch (dynamic quantisation)
stays below the second."""
IN_EVAL_MODE = "export the model in eval mode: call model.eval() before"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSummary:
    """Summary of a model's outputs on all samples.

    Attributes:
        lowest: of all values.
        highest: likewise.
        sums: the smallest and the largest sum of a sample's answer.
        step: what all values are multiples of, as a share of their whole; None for unrounded ones.
        labels: C.
    """

    lowest: float
    highest: float
    sums: tuple[float, float]
    step: float | None
    labels: int

    @property
    def total(self) -> float | None:
        """Return the sum of every output, 1 or 100 (percentages); None without distributions."""
        for whole in (1.0, 100.0):
            # Rounding to a grid adds up to half a step for each label.
            slack = SUM_ERROR + (self.step or 0.0) * self.labels / 2
            near = all(abs(total / whole - 1) <= slack for total in self.sums)
            if self.lowest >= 0 and self.highest <= whole * (1 + slack) and near:
                return whole
        return None

    @property
    def are_independent(self) -> bool:
        """Return whether all values are in [0, 1] without being distributions, as of sigmoids."""
        # Sigmoids are in [0, 1] as well, but their sums are not 1.
        return self.lowest >= 0 and self.highest <= 1 and self.total is None

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the transformations of probabilities before attacks, for the data card."""
        if self.total is None:
            return ()
        percent = "percentages, divided by 100" if self.total == 100 else ""
        name = next((name for step, name in STEPS if step == self.step), None)
        rounded = f"rounded to {name}, which is all that attacks see" if name else ""
        description = "; ".join(filter(None, (percent, rounded)))
        return (f"the model's answers are {description}",) if description else ()


def check_outputs(module: nn.Module, dataset: Dataset, *, device: torch.device) -> OutputSummary:
    """Ask a model about every sample.

    Args:
        module: from samples (N, ...) to answers (N, C), in eval mode.
        dataset: the samples.
        device: where it takes them.

    Raises:
        ModelError: if it cannot be asked about such samples, does not answer with a number for each
            label, with one that is not finite, or with the same when it is asked again.
    """
    count, classes = len(dataset), len(dataset.classes)
    broken: list[int] = []
    answers: list[Tensor] = []
    rows = torch.arange(count).split(BATCH)
    for positions, batch in zip(rows, in_batches(dataset.inputs, rows), strict=True):
        answer = _query(module, batch, device)
        if answer.shape != (len(positions), classes):
            raise ModelError(
                f"the model answers {len(positions)} samples with a tensor of shape "
                f"{tuple(answer.shape)}, and the data have {classes} labels",
                hint="give data with the model's own labels, name all of them in task.labels, or "
                "export a model that puts out a number for each",
            )
        # The first batch is enough: randomness and batch dependence show in any.
        if not answers:
            _require_steady(module, batch, answer, device)
        # Collected over all batches, so that the message has the true number.
        broken += positions[~answer.isfinite().all(dim=1)].tolist()
        answers.append(answer)
    if broken:
        raise ModelError(
            f"the model's answers to {len(broken)} of {count} samples are not finite; the first is "
            f"sample {broken[0]}",
            hint="correct the model: its outputs must be finite",
        )
    return _summarise(torch.cat(answers))


def _summarise(answers: Tensor) -> OutputSummary:
    """Summarise all outputs, (N, C)."""
    # float64, so that sums of many probabilities are not off by rounding.
    sums = answers.double().sum(dim=1)
    highest = float(answers.amax())
    # Percentages are recognised by a value above 1.
    whole = 100.0 if highest > 1 + SUM_ERROR else 1.0
    shares = answers.double() / whole
    # The first grid that fits names the rounding, and decimal grids come first.
    steps = (step for step, _ in STEPS if _on_grid(shares, step))
    return OutputSummary(
        lowest=float(answers.amin()),
        highest=highest,
        sums=(float(sums.amin()), float(sums.amax())),
        step=next(steps, None),
        labels=answers.shape[1],
    )


def _on_grid(shares: Tensor, step: float) -> bool:
    steps = shares / step
    return bool(((steps - steps.round()).abs() <= GRID_ERROR).all())


def _require_steady(module: nn.Module, batch: Tensor, answer: Tensor, device: torch.device) -> None:
    """Refuse a model whose answer to a sample is not always the same."""
    # Relative to the largest answer; ``tiny`` avoids a limit of 0.
    size = max(float(answer.nan_to_num().abs().amax()), torch.finfo(torch.float32).tiny)

    def differs(other: Tensor, reference: Tensor, limit: float) -> bool:
        return float((other - reference).nan_to_num().abs().amax()) > limit * size

    if differs(_query(module, batch, device), answer, CHANGED):
        raise ModelError(
            "the model answers the same samples differently when it is asked again, as in train "
            "mode (dropout)",
            hint=IN_EVAL_MODE,
        )
    # One by one: batch normalisation in train mode differs most for single samples.
    alone = torch.cat([_query(module, sample, device) for sample in batch[:ALONE].split(1)])
    if alone.shape != answer[:ALONE].shape or differs(alone, answer[:ALONE], DEPENDENT):
        raise ModelError(
            "the model's answer to a sample depends on the others in its batch, as in train mode "
            "(batch normalisation)",
            hint=IN_EVAL_MODE,
        )


def _query(module: nn.Module, batch: Tensor, device: torch.device) -> Tensor:
    """Return the answers to a batch, float32 on the CPU."""
    try:
        with torch.no_grad():
            answer = module(batch.to(device))
    # Already says what is wrong.
    except ModelError:
        raise
    except Exception as error:  # shapes and types are refused in every way there is
        reason = " ".join(str(error).split())[:300]
        raise ModelError(
            f"the model cannot be asked about {len(batch)} samples of shape "
            f"{tuple(batch.shape[1:])}: {reason}",
            hint="give the samples as it takes them, and a model in eval mode",
        ) from error
    if not isinstance(answer, Tensor):
        message = f"the model answers with a {type(answer).__name__}, and with no tensor"
        raise ModelError(message, hint="use one that puts out logits or probabilities")
    return answer.float().cpu()
