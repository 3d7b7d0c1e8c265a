"""Fills the reference pages from what is registered: ``python docs/generate_reference.py``.

A page says where a table belongs with two comments, and everything between them is written here::

    <!-- fields: Pools -->
    <!-- end -->

``fields: NAME`` is a table of the fields of a part of the spec, ``components: KIND`` a section for
each component of a kind, ``record: NAME`` a table of the keys of a part of the results. What they
say comes from the JSON Schema of a spec, from the manifests and from the schema of results, so that
a page cannot promise a field that does not exist. ``specs/results.schema.json`` is written as well.
A test fails when one of them is stale.
"""
# ruff: noqa: INP001  a script next to the pages that it writes, no package

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from safecompress_core.api import (
    AttackerDef,
    CombinedAttackerDef,
    Definition,
    ExporterDef,
    GameDef,
    Kind,
    Measure,
    MetricDef,
    Need,
    Role,
    Slot,
    role_of,
)
from safecompress_core.host import Registry, load_plugins
from safecompress_core.results import schema as results_schemas
from safecompress_core.results.schema import AttackRecord, Record, results_schema
from safecompress_core.specfile.models.components import Components
from safecompress_core.specfile.schema import spec_schema

__all__ = ["RESULTS_SCHEMA", "built_ins", "refreshed", "results_schema_text"]

PAGES = Path(__file__).parent
RESULTS_SCHEMA = PAGES.parent / "specs" / "results.schema.json"
BLOCK = re.compile(
    r"(?P<begin><!-- (?P<what>fields|components|record): (?P<name>[\w-]+) -->\n)"
    r".*?(?P<end><!-- end -->)",
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
    "finisher": "[finisher](components.md#finishers)",
    "Task": "[mapping](spec.md#task)",
    "Pools": "[mapping](spec.md#pools)",
    "Training": "[mapping](spec.md#training)",
    "Baseline": "[mapping](spec.md#baseline)",
    "StrategyParams": "[strategy](spec.md#strategies)",
    "Audit": "[mapping](spec.md#audit)",
    "EpsilonBound": "[mapping](spec.md#audit)",
    "Gate": "[gate](spec.md#gate)",
    "AuditTask": "[mapping](auditing.md#task)",
    "AuditPools": "[mapping](auditing.md#pools)",
    "Judges": "[mapping](auditing.md#audit)",
    "ReadyReferences": "[mapping](auditing.md#reference-models)",
    "TrainFunction": "[mapping](auditing.md#reference-models)",
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

RECORD_WORDS = WORDS | {"null": "null"}

Schema = Mapping[str, Any]


def results_schema_text() -> str:
    """The content of ``specs/results.schema.json``."""
    return f"{json.dumps(results_schema(), indent=2, ensure_ascii=False)}\n"


def built_ins() -> Registry:
    """What SafeCompress itself registers, whatever else is installed."""
    return load_plugins(environ={"SAFECOMPRESS_PLUGINS": ""}).registry


def refreshed(text: str, registry: Registry) -> str:
    """A page with everything between its comments written anew."""
    parts = _spec_parts(registry)
    places = _record_places(text)

    def block(match: re.Match[str]) -> str:
        if match["what"] == "fields":
            lines = list(_table(parts[match["name"]], parts))
        elif match["what"] == "record":
            lines = list(_record(getattr(results_schemas, match["name"]), places))
        else:
            kind, _, role = match["name"].partition("-")
            found = registry.definitions(Kind(kind), Role(role) if role else None)
            lines = [line for one in found.values() for line in _section(one, parts)]
        return "\n".join([match["begin"], *lines, match["end"]])

    return BLOCK.sub(block, text)


@cache  # one schema serves all pages
def _spec_parts(registry: Registry) -> dict[str, Schema]:
    parts: dict[str, Schema] = dict(spec_schema(registry)["$defs"])
    # A spec names no exporter, so its schema has none.
    models = Components(registry, is_complete=True).models(Slot(Kind.EXPORTER))
    for name in registry.definitions(Kind.EXPORTER):
        parts[models[name].__name__] = models[name].model_json_schema()
    return parts


def _record_places(text: str) -> dict[str, str]:
    """A link to the heading above each record's table on a page, by the name of its class."""
    places, heading = {}, ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif found := re.match(r"<!-- record: (\w+) -->", line):
            anchor = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
            places[found[1]] = f"[{_words(found[1]).lower()}](#{anchor})"
    return places


def _words(record: str) -> str:
    """What a record is called: an ``OperatingPointRecord`` is an operating point."""
    words = re.findall("[A-Z][a-z]*", record.removesuffix("Record"))
    return " ".join(words).capitalize()


def _record(record: type[Record], places: Mapping[str, str]) -> Iterator[str]:
    """Docstring and keys of a part of the results; keys of all attacks are in one table."""
    schema = record.model_json_schema()
    if "$ref" in schema:  # a record that holds another one of its kind
        schema = schema["$defs"][_target(schema)]
    yield f"**{_words(record.__name__)}**: {_prose(schema['description'])}"
    yield ""
    fields = schema["properties"]
    if record is not AttackRecord and issubclass(record, AttackRecord):
        fields = {key: one for key, one in fields.items() if key not in AttackRecord.model_fields}
    if not fields:
        return
    yield "| key | value | meaning |"
    yield "|---|---|---|"
    for key, field in fields.items():
        if key.endswith("_interval") and key.removesuffix("_interval") in fields:
            continue  # in the row of its measure
        names, meaning = f"`{key}`", _prose(field["description"])
        interval = fields.get(f"{key}_interval")
        if interval is not None:
            names += f", `{key}_interval`"
            about = _prose(interval["description"])
            meaning += "" if about == f"95 % interval of `{key}`." else f" {about}"
        value = _record_value(field, places)
        value += "" if key in schema.get("required", ()) else "; may be missing"
        yield f"| {names} | {value} | {meaning} |"
    yield ""


def _record_value(schema: Schema, places: Mapping[str, str]) -> str:
    """What a key of results may hold, in words."""
    if "oneOf" in schema:  # attacks, by their game
        return places["AttackRecord"]
    if "anyOf" in schema:
        return " or ".join(_record_value(one, places) for one in schema["anyOf"])
    if "$ref" in schema:
        return places.get(_target(schema), "any value")
    values = schema.get("enum") or [schema[key] for key in ("const",) if key in schema]
    if values:
        return " or ".join(f"`{value}`" for value in values)
    return _record_type(schema, places)


def _record_type(schema: Schema, places: Mapping[str, str]) -> str:
    if "prefixItems" in schema:
        # Pairs of one type only: intervals, counts and names.
        item = _record_value(schema["prefixItems"][0], places)
        return f"list of two {item}s"
    if schema["type"] == "array":
        return f"list: {_record_value(schema['items'], places)}"
    if schema["type"] == "object":
        return f"mapping: {_record_value(schema['additionalProperties'], places)}"
    return str(schema.get("unit") or RECORD_WORDS[schema["type"]])


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
    if isinstance(definition, ExporterDef):
        written = f"`{definition.file}`" if definition.file else "a folder"
        guards = "where the graph can hold them" if definition.holds_graph else "refused"
        yield f"Writes {written}; its answers are computed by **{definition.runtime}**."
        yield f"Output guards and rounded inputs: {guards}."
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
    if str(schema.get("pattern", "")).startswith("^cuda:"):
        return "`cuda:0`, `cuda:1`, …"
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
    RESULTS_SCHEMA.write_text(results_schema_text(), encoding="utf-8")


if __name__ == "__main__":
    _refresh_pages()
