"""JSON Schema of results, comparisons and exports, for programs that read them."""

from typing import Any

from safecompress_core.results.schema.comparison_results import ComparisonResults
from safecompress_core.results.schema.export_record import ExportRecord
from safecompress_core.results.schema.record import Record
from safecompress_core.results.schema.run_results import Results

__all__ = ["comparison_schema", "export_schema", "results_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def results_schema() -> dict[str, Any]:
    """Return the schema of ``results.json``, of draft 2020-12."""
    return _schema(Results, "SafeCompress results.json")


def comparison_schema() -> dict[str, Any]:
    """Return the schema of ``comparison.json``, of draft 2020-12."""
    return _schema(ComparisonResults, "SafeCompress comparison.json")


def export_schema() -> dict[str, Any]:
    """Return the schema of ``export.json``, of draft 2020-12."""
    return _schema(ExportRecord, "SafeCompress export.json")


def _schema(kind: type[Record], title: str) -> dict[str, Any]:
    return {"$schema": DIALECT, "title": title, **_tidy(kind.model_json_schema())}


def _tidy(schema: Any) -> Any:
    """Without titles, which repeat names, and without the default of fields that may be missing."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {}
    for key, value in schema.items():
        # A field may be called "title" or "default", so names of properties are not filtered.
        if key == "properties":
            tidy[key] = {name: _tidy(field) for name, field in value.items()}
        elif not (key == "title" and isinstance(value, str)) and key != "default":
            tidy[key] = _tidy(value)
    return tidy
