"""Settings that lineages begin with, and their names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from safecompress_core.api import Start
from safecompress_core.methods.lineages.open_settings import OpenSettings
from safecompress_core.specfile.models.changes import Change
from safecompress_core.training.settings import Settings

__all__ = ["AS_WRITTEN", "LineageSettings"]

AS_WRITTEN = "as written"
"""Name of the lineage whose settings are the spec's own."""


@dataclass(frozen=True, slots=True)
class LineageSettings:
    """Settings that a lineage begins with.

    Attributes:
        name: what distinguishes it from the spec.
        start: source of its first weights: ``random``, ``inherit`` or ``pretrained``.
        settings: of its training.
    """

    name: str
    start: Start
    settings: Settings

    @property
    def key(self) -> str:
        """Return what two lineages share only if they train the same model."""
        # repr: parameters of defences may be lists, which are not hashable.
        return repr((self.start, self.settings))

    @classmethod
    def as_written(cls, open_settings: OpenSettings, written: Settings) -> "LineageSettings":
        """Return the settings of the spec itself."""
        return cls(AS_WRITTEN, open_settings.starts[0], written)

    @classmethod
    def changed(
        cls,
        open_settings: OpenSettings,
        written: Settings,
        *,
        rule: int,
        start: Start,
        changes: Mapping[str, Change],
        rule_names: Sequence[str],
    ) -> "LineageSettings | None":
        """Return the spec's settings with changes; None where a factor leads out of range.

        Args:
            open_settings: the space that the changes are from.
            written: settings of the spec itself.
            rule: index of the strategy that updates the topology.
            start: source of the first weights.
            changes: of the settings.
            rule_names: of each strategy.
        """
        settings = written.apply_changes(changes)
        if settings is None:
            return None
        described = [rule_names[rule], *(f"{key} {change}" for key, change in changes.items())]
        if len(open_settings.starts) > 1:
            described.append(f"weights {start}")
        return cls(", ".join(described), start, settings.with_rule(rule))
