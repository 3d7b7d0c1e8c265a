"""Failures of code that a spec names: attributed to the component that names it.

What such code returns runs long after the component was called: the forward pass of a network, or a
lazy set of samples. Frames in the traceback show which component it belongs to.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, cast

from safecompress_core.api import Kind, Need
from safecompress_core.errors import ComponentError, SafeCompressError
from safecompress_core.host import Registry
from safecompress_core.host.boundary import BREAKAGE, Owner, is_signal
from safecompress_core.host.sources import OWN_DISTRIBUTION, format_error
from safecompress_core.networks.classifier import Classifier
from safecompress_core.specfile.component_files import ExternalCode, list_externals
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.outside import components

__all__ = ["naming_code", "naming_code_of"]

Function = TypeVar("Function", bound=Callable[..., Any])


def naming_code(function: Function) -> Function:
    """Have a function name the component whose code raises; see `naming_code_of`.

    It takes a `LoadedSpec` and a `Registry` as arguments.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = (*args, *kwargs.values())
        # By type, since the decorated functions have different signatures.
        [loaded] = [argument for argument in given if isinstance(argument, LoadedSpec)]
        [registry] = [argument for argument in given if isinstance(argument, Registry)]
        with naming_code_of(loaded, registry):
            return function(*args, **kwargs)

    return cast(Function, call)


@contextmanager
def naming_code_of(loaded: LoadedSpec[Any], registry: Registry) -> Iterator[None]:
    """Name the component whose code raises within, with the line of that code.

    Raises:
        ComponentError: for an error of code that the spec names, if it is not meant for the user.
    """
    try:
        yield
    except SafeCompressError as error:
        # a method of ours that trains a network of others is not to blame for it
        # Only errors that core raised are traced to their cause; plugins name themselves.
        cause = error.__cause__ if _is_of_built_in(error) else None
        failure = None if cause is None else _failure(cause, loaded, registry)
        if failure is None:
            raise
        raise failure from cause
    except BREAKAGE as error:
        # Interrupts and exits are no failures of a component.
        failure = None if is_signal(error) else _failure(error, loaded, registry)
        if failure is None:
            raise
        raise failure from error


def _is_of_built_in(error: SafeCompressError) -> bool:
    return (
        isinstance(error, ComponentError)
        and error.distribution.partition(" ")[0] == OWN_DISTRIBUTION
    )


def _failure(
    error: BaseException, loaded: LoadedSpec[Any], registry: Registry
) -> ComponentError | None:
    """Return the error that names the component whose code is innermost; None for none."""
    sources = [
        (external, Owner(definition, params, registry.origin(definition)))
        for _, params, definition in components(loaded.spec)
        if Need.CODE in definition.needs
        for external in list_externals(definition, params)
        if isinstance(external, ExternalCode)
    ]
    # Innermost first: the code nearest to the failure is responsible.
    for module, _, file, line in _innermost_first(error.__traceback__):
        for code, owner in sources:
            if (name := _name_in(code, module, file)) is not None:
                return owner.error(
                    f"{owner.label}: the code of {code.name!r} raised {format_error(error)} "
                    f"({name}:{line})"
                )
    # torch's layers have no frames of the model's own module.
    return _failure_of_network(error, sources)


def _failure_of_network(
    error: BaseException, sources: Iterable[tuple[ExternalCode, Owner]]
) -> ComponentError | None:
    """Return the error that names the model, if torch's own layers raised in its forward pass."""
    is_forward = any(
        (module, function) == (Classifier.__module__, "forward")
        for module, function, *_ in _innermost_first(error.__traceback__)
    )
    models = [(code, owner) for code, owner in sources if owner.definition.kind is Kind.MODEL]
    if not (is_forward and models):
        return None
    # A spec has one model, so the unpacking cannot fail.
    [(code, owner)] = models
    return owner.error(
        f"{owner.label}: the forward pass of what {code.name!r} builds raised {format_error(error)}"
    )


def _innermost_first(traceback: TracebackType | None) -> Iterator[tuple[str, str, Path, int]]:
    """Module, function, file and line of each frame."""
    frames = []
    while traceback is not None:
        frame = traceback.tb_frame
        module = str(frame.f_globals.get("__name__", ""))
        code = frame.f_code
        frames.append((module, code.co_name, Path(code.co_filename), traceback.tb_lineno))
        traceback = traceback.tb_next
    return reversed(frames)


def _name_in(code: ExternalCode, module: str, file: Path) -> str | None:
    """Return what a message calls a source file of some code; None if it is not of that code."""
    if code.folder is not None and code.place is not None:
        place = code.place.resolve()
        own_files = {source.resolve() for source in code.files()}
        if file.resolve() in own_files:
            # Relative to the folder that the spec names, as the user knows it.
            return (Path(code.folder) / file.resolve().relative_to(place)).as_posix()
    name = code.name.partition(":")[0]
    return str(file) if module == name or module.startswith(f"{name}.") else None
