"""Fills the reference pages from what is registered: ``python docs/generate_reference.py``.

A page says where a table belongs with two comments, and everything between them is written here::

    <!-- fields: Pools -->
    <!-- end -->

``fields: NAME`` is a table of the fields of a part of the spec, ``components: KIND`` a section for
each component of a kind. What they say comes from the JSON Schema of a spec and from the manifests,
so that a page cannot promise a field that does not exist. A test fails when a page is stale.
"""
# ruff: noqa: INP001  a script next to the pages that it writes, no package

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from safecompress_core.api import (
    AttackerDef,
    CombinedAttackerDef,
    Definition,
    GameDef,
    Kind,
    Measure,
    MetricDef,
    Need,
    Role,
    role_of,
)
from safecompress_core.host import Registry, load_plugins
from safecompress_core.specfile.schema import spec_schema

__all__ = ["built_ins", "refreshed"]

PAGES = Path(__file__).parent
BLOCK = re.compile(
    r"(?P<begin><!-- (?P<what>fields|components): (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end -->)",
    re.DOTALL,
)
PLACES = {
    "data": "[data set](components.md#data-sets)",
    "model": "[model](components.md#models)",
    "strategy-initial": "[initial topology](components.md#initial-topologies)",
    "strategy-prune": "[prune rule](components.md#prune-rules)",
    "strategy-grow": "[grow rule](components.md#grow-rules)",
    "attacker": "[attacker](components.md#attackers)",
    "defence": "[defence](components.md#defences)",
    "metric": "[metric](components.md#metrics)",
    "aggregator": "[aggregator](components.md#aggregators)",
    "method": "[method](components.md#methods)",
    "Task": "[mapping](spec.md#task)",
    "Pools": "[mapping](spec.md#pools)",
    "Training": "[mapping](spec.md#training)",
    "StrategyParams": "[strategy](spec.md#strategies)",
    "Audit": "[mapping](spec.md#audit)",
    "Gate": "[gate](spec.md#gate)",
    "AuditTask": "[mapping](auditing.md#task)",
    "AuditPools": "[mapping](auditing.md#pools)",
    "Judges": "[mapping](auditing.md#audit)",
}
"""What a reference in the schema is called, and where it is explained."""

BOUNDS = {"exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤"}
WORDS = {
    "boolean": "`true` or `false`",
    "integer": "whole number",
    "number": "number",
    "object": "mapping",
    "string": "text",
}

Schema = Mapping[str, Any]


def built_ins() -> Registry:
    """What SafeCompress itself registers, whatever else is installed."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def refreshed(text: str, registry: Registry) -> str:
    """A page with everything between its comments written anew."""
    parts: dict[str, Schema] = spec_schema(registry)["$defs"]

    def block(match: re.Match[str]) -> str:
        if match["what"] == "fields":
            lines = list(_table(parts[match["name"]], parts))
        else:
            kind, _, role = match["name"].partition("-")
            found = registry.definitions(Kind(kind), Role(role) if role else None)
            lines = [line for one in found.values() for line in _section(one, parts)]
        return "\n".join([match["begin"], *lines, match["end"]])

    return BLOCK.sub(block, text)


def _section(definition: Definition, parts: Mapping[str, Schema]) -> Iterator[str]:
    """Heading, summary, what its kind has to say, source and parameters of a component."""
    role = role_of(definition)
    words = (definition.kind, role or "", *definition.name.split("-"))
    yield f"### `{definition.name}`"
    yield ""
    summary = definition.summary.rstrip(".")
    yield f"{summary[0].upper()}{summary[1:]}."
    yield ""
    if facts := [f"- {fact}" for fact in _facts(definition)]:
        yield from (*facts, "")
    if isinstance(definition, GameDef):
        yield from _measures(definition)
    else:
        yield from _table(parts["".join(word.title() for word in words)], parts)


def _facts(definition: Definition) -> Iterator[str]:
    if isinstance(definition, AttackerDef):
        yield f"Game: **{definition.game}**. Access: **{definition.access}**."
        if Need.REFERENCES in definition.needs:
            yield "Compares with **reference models**; for the audit alone."
        if Need.UNCOMPRESSED in definition.needs:
            yield "Observes the **uncompressed model** as well; for the audit alone."
        if Need.VERSIONS in definition.needs:
            yield "Sees **other compressed versions** of the model; for the audit alone."
    if isinstance(definition, GameDef):
        yield f"{definition.question}"
        yield f"Advantage: {definition.advantage}."
        yield f"Parameters of its attackers: `{definition.params.__name__}`."
    if isinstance(definition, CombinedAttackerDef):
        yield "Game: **that of its parts**. Access: **the greatest of its parts**."
    if isinstance(definition, MetricDef):
        yield f"Better when **{'higher' if definition.higher_is_better else 'lower'}**."
    if definition.cites:
        yield f"Source: {definition.cites}."


def _measures(definition: GameDef) -> Iterator[str]:
    """Every measure of a game."""
    yield "| measure | in tables | higher is | range | in gates |"
    yield "|---|---|---|---|---|"
    for one in definition.measures:
        title = one.title if one.is_shown else "–"
        gates = ("numeric attributes" if one.is_numeric else "yes") if one.has_gates else "no"
        yield f"| `{one.name}` | {title} | {one.higher} | {_range(one)} | {gates} |"
    yield ""


def _range(measure: Measure) -> str:
    low, high = (f"{end:g}".replace("inf", "∞") for end in (measure.lowest, measure.highest))
    return f"{low} to {high}".replace("-", "−")


def _table(schema: Schema, parts: Mapping[str, Schema]) -> Iterator[str]:
    """Every field but a component's ``type``, with what it may hold and what it is by default."""
    fields = {name: field for name, field in schema["properties"].items() if name != "type"}
    if not fields:
        yield "No parameters."
        yield ""
        return
    yield "| field | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, field in fields.items():
        default = "required" if name in schema.get("required", ()) else _default(field)
        about = field.get("description") or parts[_target(field)]["description"]
        cells = (f"`{name}`", _value(field, parts), default, _prose(about))
        yield f"| {' | '.join(cells)} |"
    yield ""


def _value(schema: Schema, parts: Mapping[str, Schema]) -> str:
    """What a field may hold, in words."""
    if "$ref" in schema:
        name = _target(schema)
        return PLACES.get(name) or f"mapping of {_members(parts[name], parts)}"
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return ", or ".join(_value(one, parts) for one in kinds)
    options = schema.get("enum") or [schema[key] for key in ("const",) if key in schema]
    if options:
        return " or ".join(f"`{option}`" for option in options)
    if schema["type"] == "array":
        least = " (at least one)" if schema.get("minItems") else ""
        return f"list: {_value(schema['items'], parts)}{least}"
    return _scalar(schema)


def _scalar(schema: Schema) -> str:
    """A number with its bounds, a text with its form, or anything that has neither."""
    if "pattern" in schema:
        return f"lower case with hyphens, at most {schema['maxLength']} letters"
    bounds = [f"{sign} {schema[key]:g}" for key, sign in BOUNDS.items() if key in schema]
    return " ".join([WORDS[schema["type"]], " and ".join(bounds)]).strip()


def _members(schema: Schema, parts: Mapping[str, Schema]) -> str:
    """The fields of a small mapping that has no table of its own."""
    fields = schema["properties"].items()
    return " and ".join(f"`{name}` ({_value(field, parts)})" for name, field in fields)


def _default(field: Schema) -> str:
    default = field.get("default")
    if default is None:
        return "none"
    if "$ref" in field and _target(field) in PLACES and _target(field)[0].isupper():
        return "as below"
    return f"`{_flow(default)}`"


def _flow(value: Any) -> str:
    """A value as a person writes it in YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return value if isinstance(value, str) else json.dumps(value)


def _prose(text: str) -> str:
    """A docstring as one line of Markdown."""
    return " ".join(text.replace("``", "`").replace("|", "\\|").split())


def _target(field: Schema) -> str:
    return str(field["$ref"]).rpartition("/")[2]


def _refresh_pages() -> None:
    registry = built_ins()
    for page in sorted(PAGES.rglob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = refreshed(before, registry)
        if after != before:
            page.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    _refresh_pages()
