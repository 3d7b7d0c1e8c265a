"""References of a spec to the outside: files by variables, and code by name."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from safecompress_core.api import CodeMark, Definition, Need, Params, PathMark
from safecompress_core.problems import Problem
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.paths import unset_variables
from safecompress_core.specfile.problems import SpecPath

__all__ = ["check_code", "check_paths", "code_in", "components"]


def check_paths(spec: Params) -> Iterator[Problem]:
    """Every environment variable that a path field names is set."""
    for path, text in find_marked(spec, PathMark):
        for name in unset_variables(text):
            message = f"the environment variable {name!r} is not set"
            yield Problem(path, message, f"set it: export {name}=..., or write the path out")


# After validation, since only components have definitions.
def check_code(spec: Params) -> Iterator[Problem]:
    """Nothing imports code that the spec names: for who runs specs that he did not write."""
    hint = "give --allow-code on the command line, if you trust that code and the spec"
    for path, definition in code_in(spec):
        message = (
            f"{definition.name!r} imports and runs code that this spec names, which may do "
            "anything that you may"
        )
        yield Problem((*path, "type"), message, hint)
    for path, name in find_marked(spec, CodeMark):
        message = f"{name!r} is code that this spec names, which may do anything that you may"
        yield Problem(path, message, hint)


def code_in(params: Params) -> Iterator[tuple[SpecPath, Definition]]:
    """Yield every component at or below some parameters that runs code they name, with its path."""
    for path, _, definition in components(params):
        if Need.CODE in definition.needs:
            yield path, definition


def components(value: Any, path: SpecPath = ()) -> Iterator[tuple[SpecPath, Params, Definition]]:
    """Every component at or below a value, with its path."""
    if isinstance(value, BaseModel):
        # vars(): a base class's definition is another component's.
        definition = vars(type(value)).get("definition")
        if isinstance(value, Params) and isinstance(definition, Definition):
            yield path, value, definition
        for name in type(value).model_fields:
            yield from components(getattr(value, name), (*path, name))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from components(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from components(item, (*path, index))
