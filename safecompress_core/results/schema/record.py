"""Base classes and types of the parts of ``results.json`` and ``comparison.json``."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

__all__ = [
    "AttackRecord",
    "Count",
    "EstimateRecord",
    "Facts",
    "Fraction",
    "Interval",
    "MeasuresRecord",
    "Record",
    "ReversedRecord",
    "Sha256",
    "format_errors",
]

SHOWN = 3
"""Errors of a file that a message names."""


def _plain(value: Any) -> Any:
    """Return tuples as lists and mappings as dictionaries, as JSON has them."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


# A range is documentation, not a check: rounding may lead out of it by the last bit, and hours of
# training must not be lost to that.
Fraction: TypeAlias = Annotated[float, Field(json_schema_extra={"unit": "fraction in [0, 1]"})]
Count: TypeAlias = Annotated[int, Field(ge=0)]
Interval: TypeAlias = tuple[float, float]
"""Low and high end, of a 95 % confidence interval unless the field states otherwise."""
Sha256: TypeAlias = Annotated[str, Field(json_schema_extra={"unit": "64 hexadecimal digits"})]
Facts: TypeAlias = Annotated[Mapping[str, JsonValue], BeforeValidator(_plain)]
"""Values that a component reports by names of its own."""


class Record(BaseModel):
    """An immutable part of a results file, without unknown keys and without NaN.

    A field without a default is always in the file, with null where there is no value. A field
    with the default None is in the file only where it applies.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        # NaN is not JSON; a record with one must fail when it is made.
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as the file holds them: fields that were never set are left out."""
        # Unset fields are left out, since null has its own meaning: no value.
        return self.model_dump(mode="json", exclude_unset=True)


class EstimateRecord(Record):
    """An estimate with its confidence interval."""

    value: float
    """Point estimate."""
    interval: Interval
    """95 % confidence interval, as a list of its low and its high end."""


class MeasuresRecord(Record):
    """Measures as pairs of keys, ``<measure>`` and ``<measure>_interval``."""

    def estimates(self) -> dict[str, EstimateRecord]:
        """Return every measure that has a value and an interval, by name."""
        # ``dict`` of a model includes extra fields, which measures of plugin games are.
        values = dict(self)
        return {
            name: EstimateRecord(value=value, interval=values[f"{name}_interval"])
            for name, value in values.items()
            if value is not None and values.get(f"{name}_interval") is not None
        }

    def estimate(self, measure: str) -> EstimateRecord | None:
        """Return one measure; None where it is missing or null."""
        return self.estimates().get(measure)


class ReversedRecord(MeasuresRecord):
    """Measures of an attack with negated scores."""

    # Games of plugins have further measures.
    model_config = ConfigDict(extra="allow")

    advantage: Fraction
    """As in the attack."""
    advantage_interval: Interval
    """95 % interval of ``advantage``."""
    auc: Fraction
    """As in the attack."""
    auc_interval: Interval
    """95 % interval of ``auc``."""


class AttackRecord(MeasuresRecord):
    """Keys that all attacks have in common."""

    game: str
    """Game that the attack plays."""
    n: Count
    """Number of samples that the attack was evaluated on; for ``inversion`` the number of
    reconstructed ``units``."""
    members: Count | None = None
    """Members among the samples: 0 where only non-members are measured; missing where ``n`` counts
    other things than samples."""
    non_members: Count | None = None
    """Non-members among the samples; missing likewise."""
    advantage: Fraction
    """Gain over the best guess without the model, rescaled: 0 is no gain, 1 is a perfect attack."""
    advantage_interval: Interval
    """95 % interval of ``advantage``."""
    baseline: float
    """Result of the best guess that needs no model: its accuracy in [0, 1]; for ``inversion`` its
    squared error, ≥ 0."""
    reversed: ReversedRecord | None = None
    """All measures with an interval of the same attack with negated scores; only where the whole
    interval of ``auc`` is under 0.5."""
    remarks: Facts | None = None
    """Facts that the attacker reports about itself; only in an audit. ``basket``: each member's
    accuracy on attack-train (``attack_train_accuracy``) and, with ``by: run``, the ``worst``
    member; ``compression-versions``: how many ``versions`` of the model it had."""
    outdone_by: str | None = None
    """Name of the threshold attack that was significantly stronger than the trained attacker, and
    whose measures these are; null where there is none. Only in ``rounds``."""
    own_advantage: Fraction | None = None
    """Advantage of the trained attacker where ``outdone_by`` names another attack, else null. Only
    in ``rounds``."""


def format_errors(error: ValidationError) -> str:
    """Return the first errors of a file as ``field: rule``."""
    # A single wrong type may cause many errors; the first ones are enough to find it.
    errors = error.errors()
    shown = [
        f"{'.'.join(map(str, error['loc'])) or 'file'}: {error['msg']}" for error in errors[:SHOWN]
    ]
    more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    return "; ".join(shown) + more
