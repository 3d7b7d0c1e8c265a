"""The JSON Schema of a spec, for editors and for anyone who writes specs by program."""

from typing import Any

from pydantic.json_schema import models_json_schema

from safecompress_core.specfile.checks.kinds import AUDIT, VARIANTS
from safecompress_core.specfile.models.audit_spec import AuditSpec
from safecompress_core.specfile.models.comparison_spec import ComparisonSpec
from safecompress_core.specfile.models.components import Components, Definitions
from safecompress_core.specfile.models.run_spec import RunSpec

__all__ = ["spec_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXTENDS = {
    "description": "A spec that this one changes: mappings merge, all else replaces. The path is "
    "relative to this file.",
    "type": "string",
    "minLength": 1,
}


def spec_schema(registry: Definitions) -> dict[str, Any]:
    """The schema of everything that a spec may say, given what is registered.

    A spec that extends another may leave out whatever that one has, so only the names of its
    outermost fields are checked by the schema. One of ``kind: audit`` has a schema of its own,
    and so has a comparison, which has ``variants``.

    Returns:
        JSON Schema of draft 2020-12; the same registry always gives the same keys in the same
        order.
    """
    # Complete unions: an editor needs every component.
    components = Components(registry, is_complete=True)
    run, audit = components.expand(RunSpec), components.expand(AuditSpec)
    wanted = [(run, "validation"), (audit, "validation"), (ComparisonSpec, "validation")]
    _, document = models_json_schema(wanted, by_alias=True)  # type: ignore[arg-type]
    definitions = {name: _tidy(definition) for name, definition in document["$defs"].items()}
    # Removed from the definitions, since each is placed below under a fixed name.
    spec = definitions.pop(run.__name__)
    definition = definitions.pop(audit.__name__)
    comparison = definitions.pop(ComparisonSpec.__name__)
    sorts = (spec, definition, comparison)
    names = dict.fromkeys((name for schema in sorts for name in schema["properties"]), True)
    return {
        "$schema": DIALECT,
        "title": "SafeCompress spec",
        "description": spec["description"],
        # `extends` first: such a spec may leave out everything else.
        "if": {"type": "object", "required": ["extends"]},
        "then": {"properties": {"extends": EXTENDS} | names, "additionalProperties": False},
        "else": {
            "if": {"type": "object", "required": [VARIANTS]},
            "then": {"$ref": "#/$defs/ComparisonSpec"},
            "else": {
                "if": {"properties": {"kind": {"const": AUDIT}}, "required": ["kind"]},
                "then": {"$ref": "#/$defs/AuditSpec"},
                "else": {"$ref": "#/$defs/Spec"},
            },
        },
        "$defs": {"Spec": spec, "AuditSpec": definition, "ComparisonSpec": comparison}
        | definitions,
    }


def _tidy(schema: Any) -> Any:
    """Without the titles that repeat a field's name, and with ``type`` as a component's first."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    tidy = {}
    for key, value in schema.items():
        if key == "title" and isinstance(value, str):
            continue
        if key == "properties":
            names = sorted(value, key=lambda name: name != "type")
            tidy[key] = {name: _tidy(value[name]) for name in names}
        else:
            # Values are data: a default may have a key called 'title'.
            tidy[key] = value if key in {"default", "const", "enum"} else _tidy(value)
    return tidy
