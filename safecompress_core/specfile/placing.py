"""Places of components in a spec, for failures that only show when a component is used."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from safecompress_core.errors import ComponentError
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.problems import SpecPath, dotted_path

__all__ = ["locating", "locating_components"]

Function = TypeVar("Function", bound=Callable[..., Any])


def locating_components(function: Function) -> Function:
    """Decorate a function so that the failure of a component carries its place in the spec.

    The function takes one `LoadedSpec` as an argument; see `locating`.
    """

    @wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        [loaded] = [
            argument for argument in (*args, *kwargs.values()) if isinstance(argument, LoadedSpec)
        ]
        with locating(loaded):
            return function(*args, **kwargs)

    return cast(Function, called)


@contextmanager
def locating(loaded: LoadedSpec[Any]) -> Iterator[None]:
    """Add the place in the spec to the failure of a component within.

    Raises:
        ComponentError: with file, line, column and field, where it has none yet.
    """
    try:
        yield
    except ComponentError as error:
        # The innermost locator that knows the place wins.
        path = None if error.place else _path_of(loaded.spec, error.params)
        if path is None:
            raise
        mark = loaded.root.mark_of((*path, "type"))
        place = f"{mark.file}:{mark.line}:{mark.column}: {dotted_path(path)}"
        # From the original cause: this layer adds a place, and no error of its own.
        raise error.at(place) from error.__cause__


def _path_of(spec: BaseModel, params: object) -> SpecPath | None:
    """The path of a component in a spec; of the first of its type, where training changed it."""
    components = list(_components(spec, ()))
    same = (path for path, component in components if component is params)
    alike = (path for path, component in components if type(component) is type(params))
    # By identity first; training copies params when a strategy changes them.
    return next(same, None) or next(alike, None)


def _components(value: object, path: SpecPath) -> Iterator[tuple[SpecPath, BaseModel]]:
    """Every component below a value of a spec, with its path; the inner ones first."""
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            # The alias is what the spec writes.
            yield from _components(getattr(value, name), (*path, field.alias or name))
        if "definition" in vars(type(value)):
            yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _components(item, (*path, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _components(item, (*path, index))
