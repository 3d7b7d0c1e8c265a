"""Base classes and types of the parts of ``results.json`` and ``comparison.json``."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, ValidationError

__all__ = [
    "Count",
    "EstimateRecord",
    "Facts",
    "Fraction",
    "Interval",
    "MeasuresRecord",
    "Record",
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


def format_errors(error: ValidationError) -> str:
    """Return the first errors of a file as ``field: rule``."""
    # A single wrong type may cause many errors; the first ones are enough to find it.
    errors = error.errors()
    shown = [
        f"{'.'.join(map(str, error['loc'])) or 'file'}: {error['msg']}" for error in errors[:SHOWN]
    ]
    more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
    return "; ".join(shown) + more
