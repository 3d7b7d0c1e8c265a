"""Training settings, which a strategy may change during a run."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from safecompress_core.api import Params
from safecompress_core.specfile.models.changes import LAYER_DENSITY, Change

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The hyperparameters of one model's training.

    Attributes:
        learning_rate: of the optimizer.
        density: fraction of the sparsifiable weights that training keeps, in (0, 1].
        update_fraction: share of active weights that the first topology update replaces.
        rule: which of the method's strategies updates the topology while the model trains.
        defences: parameters of each defence by its id, in the order of the spec.
        layers: by name of a layer's weight, the factor of the layer's share of all active weights,
            over that of the first topology's rule; 1 for layers that are not named.
    """

    learning_rate: float
    density: float
    update_fraction: float
    rule: int
    defences: Mapping[str, Params]
    layers: Mapping[str, float] = field(default_factory=dict)

    def apply_changes(self, changes: Mapping[str, Change]) -> "Settings | None":
        """With a strategy's ``set`` applied; None where that leaves a parameter's range.

        A factor multiplies the value that this model has now, so repeated rounds may move a
        hyperparameter to its limit. The density is at most that of this model: what has been
        pruned has no trained weight to come back.
        """
        settings = self
        for key, change in changes.items():
            changed = settings._with(key, change)
            # None discards the whole change: half of a strategy's `set` would be another
            # candidate.
            if changed is None:
                return None
            settings = changed
        return settings

    def value(self, key: str) -> Any:
        """Return the value that a key of a strategy's ``set`` has here."""
        if key.startswith(LAYER_DENSITY):
            return self.layers.get(key.removeprefix(LAYER_DENSITY), 1.0)
        owner, _, field = key.rpartition(".")
        return getattr(self.defences[owner] if owner else self, field)

    def _with(self, key: str, change: Change) -> "Settings | None":
        if key.startswith(LAYER_DENSITY):
            factor = change.apply(self.value(key))
            layers = {**self.layers, key.removeprefix(LAYER_DENSITY): factor}
            return replace(self, layers=layers) if factor > 0 else None
        owner, _, field = key.rpartition(".")
        if not owner:
            return self._with_own(field, change.apply(getattr(self, field)))
        params = self.defences[owner]
        # Validated again by the plugin's own model, which knows the range of its parameters.
        values = params.model_dump() | {field: change.apply(getattr(params, field))}
        try:
            changed = type(params).model_validate(values)
        # Outside the range is an expected outcome of repeated factors, not an error.
        except ValidationError:
            return None
        return replace(self, defences={**self.defences, owner: changed})

    def _with_own(self, field: str, value: float) -> "Settings | None":
        is_within = {
            # A rate of 0 would train nothing, and could not grow again by a factor.
            "learning_rate": value > 0,
            "density": 0 < value <= self.density,
            "update_fraction": 0 <= value <= 1,
        }
        value_by_name: dict[str, Any] = {field: value}
        return replace(self, **value_by_name) if is_within[field] else None

    def with_rule(self, rule: int) -> "Settings":
        """With another strategy to update the topology."""
        return replace(self, rule=rule)

    def layers_over(self, other: "Settings") -> dict[str, float]:
        """Return the factors of layers over those of other settings; empty where all are equal."""
        names = sorted({*self.layers, *other.layers})
        ratios = {name: self.layers.get(name, 1.0) / other.layers.get(name, 1.0) for name in names}
        return {name: ratio for name, ratio in ratios.items() if ratio != 1}

    def to_json(self) -> dict[str, Any]:
        """Plain values, for results and checkpoints."""
        return {
            "learning_rate": self.learning_rate,
            "density": self.density,
            "update_fraction": self.update_fraction,
            "rule": self.rule,
            "defences": {
                name: params.model_dump(mode="json") for name, params in self.defences.items()
            },
            "layers": dict(self.layers),
        }

    def restore(self, record: Mapping[str, Any]) -> "Settings":
        """The settings that ``to_json`` recorded; ``self`` lends the types of its parameters."""
        return Settings(
            learning_rate=record["learning_rate"],
            density=record["density"],
            update_fraction=record["update_fraction"],
            rule=record["rule"],
            defences={
                name: type(self.defences[name]).model_validate(values)
                for name, values in record["defences"].items()
            },
            layers=record["layers"],
        )
