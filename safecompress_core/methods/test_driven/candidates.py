"""The candidates that a method's strategies ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safecompress_core.methods.lineages.params import StrategyParams
from safecompress_core.specfile.models.changes import Change, expand
from safecompress_core.training.settings import Settings

__all__ = ["UNCHANGED", "CandidateSpec", "candidate_specs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateSpec:
    """A way to go on from a model.

    Attributes:
        name: what results call it.
        rule: which strategy updates the topology at once; None to leave it as it is.
        changes: what it changes of the model's settings.
    """

    name: str
    rule: int | None
    changes: Mapping[str, Change]

    def settings(self, parent: Settings) -> Settings | None:
        """The settings of a candidate of this kind; None where a hyperparameter is at its limit."""
        changed = parent.apply_changes(self.changes)
        if changed is None or self.rule is None:
            return changed
        return changed.with_rule(self.rule)


UNCHANGED = CandidateSpec(name="keep", rule=None, changes={})
"""To train on as before."""


def candidate_specs(
    strategies: Sequence[StrategyParams], *, keep: bool
) -> tuple[CandidateSpec, ...]:
    """Return all candidates of a model in a round; the first is the reference of the others."""
    specs = [UNCHANGED] if keep else []
    # The rule is kept as an index, since checkpoints hold no strategy objects.
    for rule, strategy in enumerate(strategies):
        parts = strategy.describe()
        for changes in expand(strategy.set):
            descriptions = [f"{key} {change}" for key, change in changes.items()]
            specs.append(
                CandidateSpec(name=", ".join([parts, *descriptions]), rule=rule, changes=changes)
            )
    return tuple(specs)
