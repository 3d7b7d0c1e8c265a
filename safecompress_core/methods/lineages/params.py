"""Parameters of methods that train lineages and choose among them by tests."""

from typing import Annotated, Any, Literal

from pydantic import Field

from safecompress_core.api import InitialParams, Kind, Params, Role, Slot, SparseTrainingParams
from safecompress_core.methods.lineages.open_settings import OpenSettings
from safecompress_core.specfile.models.changes import Changes

__all__ = ["LineageParams", "StrategyParams"]


class StrategyParams(Params):
    """One way to derive candidates: a topology update and, if wanted, a change of training."""

    prune: Annotated[Params, Slot(Kind.STRATEGY, Role.PRUNE)]
    """Which active weights make room."""
    grow: Annotated[Params, Slot(Kind.STRATEGY, Role.GROW)]
    """Which inactive positions take their place."""
    set: Changes = {}
    """Changes of training: ``learning_rate``, ``density`` (at most the method's),
    ``update_fraction`` or ``<defence id>.<parameter>`` to a number, to ``{factor: number}`` of
    where the parent stands, to a list of either, or to a range ``{low: number, high: number, scale:
    linear or log}``. Each combination is a candidate, a range standing for its ends and its middle;
    a field of lineages draws from the whole range."""

    def describe(self) -> str:
        """Return the names of its parts."""
        prune: Any = self.prune
        grow: Any = self.grow
        return f"{prune.type} × {grow.type}"


class LineageParams(SparseTrainingParams):
    """Parameters that every method has which trains lineages and chooses among them by tests."""

    strategies: Annotated[list[StrategyParams], Field(min_length=1, max_length=100)]
    """What candidates are made of, and the lineages of the field: lineages are spread over every
    prune × grow, every value that a ``set`` names and every kind of initial weights."""
    bound: Literal["careful", "estimate"] = "careful"
    """Whether an attack counts with the upper end of its interval or with its estimate."""
    confidence: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """How sure a difference must be before the run leaves what it has, and before an attack decides
    between two lineages; 0: any will do."""
    statistic: Literal["auc", "advantage"] = "auc"
    """Which figure of an attack on membership counts: 2·AUC − 1, or the advantage at one
    threshold, a maximum whose noise chooses."""
    twins: bool = True
    """Whether each lineage trains a swap twin, for an attacker that compares with one, such as
    ``counterfactual``."""

    test_finished: bool = False
    """Whether candidates are tested as ``finish`` leaves them; else as they are trained."""

    @property
    def open_settings(self) -> OpenSettings:
        """Return what a field of lineages is spread over."""
        assert isinstance(self.initial, InitialParams)  # the slot takes no others
        return OpenSettings.of(self.strategies, self.initial.starts)

    @property
    def models(self) -> int:
        """Return how many models a lineage trains: its own and, where it has one, its twin."""
        return 2 if self.twins else 1
