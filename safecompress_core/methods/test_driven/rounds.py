"""Rounds of the test-driven loop, their field and their epochs, known before anything is built."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Round", "narrow_field", "plain_trainings", "rounds_of"]

SHRINKAGE = 0.6
"""Share of a field that goes on after an eighth of training: 6, 6, 4, 3, 2, 1, 1, 1."""
EIGHTHS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round, if every candidate can be tried.

    Attributes:
        lineages: models that come from the round before, and are trained on.
        candidates: what is derived from all of them, fine-tuned and tested; 0 in a round that tests
            the lineages themselves.
        keeps: how many models go on to the next round.
        start: epochs before the round.
        middle: where training ends, and candidates are derived if there are any.
        end: where their fine-tuning ends.
    """

    lineages: int
    candidates: int
    keeps: int
    start: int
    middle: int
    end: int

    @property
    def derives(self) -> bool:
        """Return whether candidates are derived."""
        return self.candidates > 0

    @property
    def tested(self) -> int:
        """Return the number of models that are tested."""
        return self.candidates or self.lineages

    @property
    def epochs(self) -> int:
        """Passes over the members, of all models together, without their twins."""
        return self.epochs_of(self.lineages, self.candidates)

    def epochs_of(self, lineages: int, candidates: int) -> int:
        """Return the same for so many lineages and candidates, where not all could be tried."""
        return lineages * (self.middle - self.start) + candidates * (self.end - self.middle)


def rounds_of(
    *,
    epochs: int,
    before: int,
    field: Sequence[int],
    finetune: float,
    proposals: int,
    derive_at: int,
    beam: int,
) -> tuple[Round, ...]:
    """All rounds of a run.

    Args:
        epochs: of one model, over the whole run.
        before: how many of them go by before rounds begin; the first round trains through them.
        field: lineages that each round trains.
        finetune: share of a round in which candidates are trained by themselves.
        proposals: candidates of each carried model.
        derive_at: candidates are derived in rounds of at most so many lineages.
        beam: models that go on from a round with candidates.
    """
    rounds: list[Round] = []
    carried, start = field[0], 0
    for number in range(len(field)):
        # Integer division spreads the remainder, and the last round ends exactly at ``epochs``.
        begin = before + (epochs - before) * number // len(field)
        end = before + (epochs - before) * (number + 1) // len(field)
        # A beam begins with candidates of few lineages, and derives from all that it carries.
        derives = carried <= derive_at or (number > 0 and rounds[-1].derives)
        candidates = carried * proposals if derives else 0
        # At least one epoch, or candidates would not differ by their changes.
        middle = end - max(1, round((end - begin) * finetune)) if derives else end
        next_field = field[min(number + 1, len(field) - 1)]
        # A round may have fewer candidates than the beam holds.
        keeps = min(max(beam, next_field), candidates) if derives else next_field
        rounds.append(
            Round(
                lineages=carried,
                candidates=candidates,
                keeps=keeps,
                start=start,
                middle=middle,
                end=end,
            )
        )
        carried, start = keeps, end
    return tuple(rounds)


def narrow_field(lineages: int, rounds: int) -> tuple[int, ...]:
    """Return the lineages of each round of a field that starts with so many.

    The field is kept for a quarter of training, since before nothing is memorised that a test could
    find; then ``SHRINKAGE`` of it, rounded up, goes on after each eighth. So what a field costs
    hardly depends on the number of rounds.
    """
    shrinkages = (max(0, EIGHTHS * number / rounds - 1) for number in range(rounds))
    return tuple(math.ceil(lineages * SHRINKAGE**count) for count in shrinkages)


def plain_trainings(rounds: Sequence[Round], *, models: int) -> float:
    """Return the cost of all rounds in trainings of one model; a lineage has so many models."""
    return models * sum(round_.epochs for round_ in rounds) / rounds[-1].end
