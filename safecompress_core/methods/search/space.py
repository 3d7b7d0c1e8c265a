"""Search space: what strategies open, as Optuna's distributions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.open_settings import OpenSettings, Option
from safecompress_core.specfile.models.changes import Change, Range
from safecompress_core.training.settings import Settings

__all__ = ["SearchSpace"]

RULE, START = "strategy", "weights"
"""Names of the topology update and of the first weights; no key of a ``set`` is called so."""
WRITTEN = 0
"""Index of the spec's own value among the options of a key."""

Values = Mapping[str, Any]
"""Value of each distribution by its name."""


class SearchSpace:
    """Distributions of a search, and the settings that values of them stand for.

    - Lists, strategies and kinds of first weights are categorical, by index.
    - A range that includes the spec's own value is a number. Otherwise the key has a categorical
      choice between that value and the range, and the number within the range is drawn in any case,
      since NSGA-II exchanges only values that all trials have.

    Args:
        open_settings: what the strategies open.
        written: settings of the spec itself.
        rule_names: of each strategy.

    Attributes:
        distributions: by name; all of them are drawn for each trial.
    """

    def __init__(
        self, open_settings: OpenSettings, written: Settings, *, rule_names: Sequence[str]
    ) -> None:
        self._open = open_settings
        self._written = written
        self._rule_names = rule_names
        self.distributions: dict[str, BaseDistribution] = dict(self._distributions())

    @property
    def written_values(self) -> dict[str, Any]:
        """Return the values that the spec itself fixes; a range that it does not use is free."""
        fixed: dict[str, Any] = {}
        for name, distribution in self.distributions.items():
            if isinstance(distribution, CategoricalDistribution):
                fixed[name] = WRITTEN
            elif name in self._open.values:
                fixed[name] = self._written.value(name)
        return fixed

    @property
    def as_written(self) -> LineageSettings:
        """Return the settings of the first trial."""
        return LineageSettings.as_written(self._open, self._written)

    def settings(self, values: Values) -> LineageSettings | None:
        """Return the settings that values stand for; None where a factor leads out of range."""
        changes = {
            key: change
            for key in self._open.values
            for change in [self._change(key, values)]
            if change is not None
        }
        return LineageSettings.changed(
            self._open,
            self._written,
            rule=self._open.rules[values.get(RULE, WRITTEN)],
            start=self._open.starts[values.get(START, WRITTEN)],
            changes=changes,
            rule_names=self._rule_names,
        )

    def _distributions(self) -> Iterator[tuple[str, BaseDistribution]]:
        for name, options in ((RULE, self._open.rules), (START, self._open.starts)):
            if len(options) > 1:
                yield name, _indices(options)
        for key, offered in self._open.values.items():
            if self._is_number(key):
                yield key, self._numbers(key, offered[-1])
                continue
            yield key, _indices(offered)
            for option in offered:
                if isinstance(option, Range):
                    yield _range_name(key, option), self._numbers(key, option)

    def _is_number(self, key: str) -> bool:
        """Return whether a key is open to one range, in which the spec's own value lies."""
        offered = self._open.values[key]
        # The first option is the spec's own value.
        if len(offered) != 2 or not isinstance(offered[1], Range):
            return False
        current = self._written.value(key)
        return _is_plain(current) and offered[1].low <= current <= offered[1].high

    def _numbers(self, key: str, option: Option) -> BaseDistribution:
        assert isinstance(option, Range)
        is_log = option.scale == "log"
        whole = math.ceil(option.low), math.floor(option.high)
        current = self._written.value(key)
        if isinstance(current, int) and _is_plain(current) and max(is_log, whole[0]) <= whole[1]:
            return IntDistribution(*whole, log=is_log)
        return FloatDistribution(option.low, option.high, log=is_log)

    def _change(self, key: str, values: Values) -> Change | None:
        """Return the change of a key; None for the spec's own value."""
        if self._is_number(key):
            return Change(values[key], is_drawn=True)
        option = self._open.values[key][values[key]]
        if isinstance(option, Range):
            return Change(values[_range_name(key, option)], is_drawn=True)
        return option


def _indices(options: Sequence[Any]) -> CategoricalDistribution:
    return CategoricalDistribution(tuple(range(len(options))))


def _range_name(key: str, option: Range) -> str:
    return f"{key} from {option.low!r} to {option.high!r} ({option.scale})"


def _is_plain(value: Any) -> bool:
    # bool is a subclass of int.
    return isinstance(value, int | float) and not isinstance(value, bool)
