"""Rounds of the test-driven loop and their epochs, known before anything is built."""

from dataclasses import dataclass

__all__ = ["Round", "rounds_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round, if every candidate can be tried.

    Attributes:
        beam: models that come from the round before, and are trained on.
        candidates: what is derived from all of them, fine-tuned and tested.
        start: epochs before the round.
        middle: where training ends and candidates are derived.
        end: where their fine-tuning ends.
    """

    beam: int
    candidates: int
    start: int
    middle: int
    end: int

    @property
    def epochs(self) -> int:
        """Passes over the members, of all models together."""
        trained = self.beam * (self.middle - self.start)
        return trained + self.candidates * (self.end - self.middle)


def rounds_of(
    *, epochs: int, before: int, rounds: int, finetune: float, proposals: int, beam: int
) -> tuple[Round, ...]:
    """All rounds of a run.

    Args:
        epochs: of one model, over the whole run.
        before: how many of them go by before rounds begin; the first round trains through them.
        rounds: how many the rest are spread over.
        finetune: share of a round in which candidates are trained by themselves.
        proposals: candidates of each carried model.
        beam: models that go on to the next round; a single one starts the first.
    """
    # A single model starts, since no test has ranked candidates yet.
    carried, start, rounds_planned = 1, 0, []
    for number in range(rounds):
        # Integer division spreads the remainder, and the last round ends exactly at ``epochs``.
        begin = before + (epochs - before) * number // rounds
        end = before + (epochs - before) * (number + 1) // rounds
        # At least one epoch, or candidates would not differ by their changes.
        middle = end - max(1, round((end - begin) * finetune))
        candidates = carried * proposals
        rounds_planned.append(
            Round(beam=carried, candidates=candidates, start=start, middle=middle, end=end)
        )
        # A round may have fewer candidates than the beam holds.
        carried, start = min(beam, candidates), end
    return tuple(rounds_planned)
