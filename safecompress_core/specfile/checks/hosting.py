"""Support of a spec's defences by its method."""

from collections.abc import Iterator

from safecompress_core.api import Kind, MethodDef, component_id
from safecompress_core.problems import Problem
from safecompress_core.specfile.models.components import Definitions, definition_of
from safecompress_core.specfile.models.run_spec import RunSpec

__all__ = ["check_hosting"]


def check_hosting(spec: RunSpec, registry: Definitions) -> Iterator[Problem]:
    """A problem for each defence that the method refuses; it says why, and which methods do not."""
    method: MethodDef = definition_of(spec.method)
    for index, params in enumerate(spec.method.defences):
        name = definition_of(params).name
        if name not in method.refuses:
            continue
        others = [
            # Only methods that do host it are suggested.
            other
            for other, definition in registry.definitions(Kind.METHOD).items()
            if isinstance(definition, MethodDef) and name not in definition.refuses
        ]
        message = (
            f"{method.name!r} cannot host the defence {component_id(params)!r}: "
            f"{method.refuses[name]}"
        )
        hint = f"take it out, or use a method that can: {', '.join(others)}"
        yield Problem(("method", "defences", index, "type"), message, hint)
