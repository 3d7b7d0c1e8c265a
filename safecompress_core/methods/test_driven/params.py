"""Parameters of the test-driven loop, and the work that follows from them."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from safecompress_core.methods.lineages.params import LineageParams
from safecompress_core.methods.test_driven.rounds import (
    Round,
    narrow_field,
    plain_trainings,
    rounds_of,
)
from safecompress_core.specfile.models.changes import expand

__all__ = ["TestDrivenParams"]

Share = Annotated[float, Field(gt=0, lt=1)]
FIELD = 6
"""Lineages of a race for which neither field nor budget is given."""
MOST = 1000
"""Lineages of a field at most."""
LONG = 100_000
"""Epochs of the training on which costs are computed, so that no rounding is in them."""

Lineages = Annotated[int, Field(ge=1, le=MOST)]


class TestDrivenParams(LineageParams):
    """SafeCompress: a race of lineages, tested in every round, and candidates of the last ones."""

    rounds: Annotated[int, Field(ge=1, le=1000)] = 8
    """How often models are tested; the epochs from ``tests_from`` on are spread over them."""
    tests_from: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of ``training.epochs`` in which models only train, before there are rounds."""
    finetune: Share = 0.4
    """Share of a round's epochs in which each candidate is trained by itself."""
    update_every: Annotated[int, Field(ge=0)] = 5
    """Epochs between topology updates while a model trains; 0: only where candidates are made."""
    keep: bool = True
    """Whether the model as it is, trained on without a change, is a candidate too."""
    beam: Annotated[int, Field(ge=1, le=100)] = 1
    """How many models go on from a round with candidates, each with its own settings."""
    derive_at: Annotated[int, Field(ge=0, le=MOST)] | None = None
    """Candidates are derived in rounds that begin with at most so many lineages; 0: in none. By
    default 1 for a field of one lineage and 0 for a race, where candidates of the last lineage cost
    more than a wider field and change less."""
    field: Lineages | Annotated[list[Lineages], Field(min_length=1)] | None = None
    """Lineages that a round trains: of the first round, from where the field narrows by itself, or
    of each round, the last one for all others; at most as many as the strategies open settings. 1
    for the papers' algorithm, 6 where there is no ``budget``."""
    budget: Annotated[float, Field(gt=0)] | None = None
    """Cost of all rounds at most, in trainings of one model, swap twins included: the field is the
    widest that it pays for."""

    @field_validator("field")
    @classmethod
    def _narrows(
        cls, field: int | list[int] | None, info: ValidationInfo
    ) -> int | list[int] | None:
        if field is None or "rounds" not in info.data:
            return field
        widths = field if isinstance(field, list) else [field]
        if len(widths) > info.data["rounds"]:
            raise ValueError(
                f"field has {len(widths)} entries and method.rounds is {info.data['rounds']}; "
                "write at most one a round"
            )
        if widths != sorted(widths, reverse=True):
            raise ValueError(f"field {widths} grows; a lineage that left does not come back")
        return field

    @field_validator("budget")
    @classmethod
    def _suffices(cls, budget: float | None, info: ValidationInfo) -> float | None:
        if budget is not None and info.data.get("field") is not None:
            raise ValueError("field and budget both say how wide the field is; leave one out")
        # A field that is missing here has an error of its own.
        if budget is None or TestDrivenParams.model_fields.keys() - info.data.keys() - {"budget"}:
            return budget
        costs = [
            cls.model_construct(**info.data | {"field": width, "budget": None}).cost()
            for width in (1, 2)
        ]
        if min(costs) > budget:
            raise ValueError(
                f"{budget:g} trainings pay for no field: the smallest costs {min(costs):.3g}, swap "
                "twins included; write at least that"
            )
        return budget

    @property
    def widths(self) -> tuple[int, ...]:
        """Return the lineages that each round trains, no more than there are settings."""
        most = int(min(MOST, self.open_settings.count))
        if isinstance(self.field, list):
            widths = (*self.field, *self.field[-1:] * (self.rounds - len(self.field)))
            return tuple(min(width, most) for width in widths)
        if self.field is not None:
            return narrow_field(min(self.field, most), self.rounds)
        if self.budget is None:
            return narrow_field(min(FIELD, most), self.rounds)
        # One lineage may cost more than a race, since candidates are derived from it.
        affordable = (width for width in range(most, 1, -1) if self._cost(width) <= self.budget)
        return narrow_field(next(affordable, 1), self.rounds)

    def cost(self) -> float:
        """Return the cost of all rounds in trainings of one model, swap twins included."""
        return plain_trainings(self.timetable(LONG), models=self.models)

    def _cost(self, width: int) -> float:
        return self.model_copy(update={"field": width, "budget": None}).cost()

    def epochs_before_tests(self, epochs: int) -> int:
        """Return the number of epochs before the first round."""
        return round(self.tests_from * epochs)

    def timetable(self, epochs: int) -> tuple[Round, ...]:
        """Return the work of each round of a training of ``epochs`` epochs."""
        return rounds_of(
            epochs=epochs,
            before=self.epochs_before_tests(epochs),
            field=self.widths,
            finetune=self.finetune,
            # ``keep`` is a bool, which counts as one more candidate.
            proposals=self.keep + sum(len(expand(strategy.set)) for strategy in self.strategies),
            derive_at=self._derive_at,
            beam=self.beam,
        )

    @property
    def _derive_at(self) -> int:
        if self.derive_at is not None:
            return self.derive_at
        return 1 if self.widths[0] == 1 else 0
