"""Boundary between the engine and components: a failure of a component names it.

- A component is an instance of a plugin's class. `wrap_component` gives it a subclass in which each
  method that overrides one of the interface (of a class in ``safecompress_core``) is wrapped, so
  that no call site needs a ``try``, and copies of a component stay guarded.
- What such a method raises, ``SystemExit`` included, and an answer against the interface, becomes a
  `ComponentError`. Errors that are meant for the user pass, and so does a signal.
- What an answer must be like is declared at the method of the interface, by `check_result`.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from importlib.metadata import entry_points, packages_distributions
from types import TracebackType
from typing import Any, TypeVar

from safecompress_core.api import Definition, Params
from safecompress_core.errors import ComponentError, SafeCompressError
from safecompress_core.extras import missing_extra
from safecompress_core.host.definitions import key_of, label
from safecompress_core.host.sources import FILE_MODULE, GROUP, Origin, format_error
from safecompress_core.termination import is_sent

__all__ = [
    "BREAKAGE",
    "Owner",
    "check_result",
    "culprit",
    "is_signal",
    "owner_of",
    "raising_as",
    "wrap_component",
]

CORE = "safecompress_core"
OWNER = "_safecompress_owner"
CHECK = "_safecompress_check"

# SystemExit too: a plugin that calls sys.exit() must not end the run silently.
BREAKAGE = (Exception, SystemExit, KeyboardInterrupt)
"""What code of a plugin may raise; see `is_signal` for what is none of its."""

Function = TypeVar("Function", bound=Callable[..., Any])
Check = Callable[..., None]
"""Called with the component's definition, its answer and the call's arguments.

Raises a ``ValueError`` that says what was returned and what is wanted."""


@dataclass(frozen=True)
class Owner:
    """Plugin and place in the spec of a component.

    Attributes:
        definition: of the component.
        params: of this instance.
        origin: its plugin.
    """

    definition: Definition
    params: Params
    origin: Origin

    @cached_property
    def label(self) -> str:
        """Return the component's name in messages."""
        return label(key_of(self.definition))

    def error(self, message: str) -> ComponentError:
        """The error that names this component."""
        return ComponentError(
            message,
            plugin=self.origin.plugin,
            distribution=self.origin.package,
            params=self.params,
        )


def is_signal(error: BaseException) -> bool:
    """Return whether an error is an interrupt that a person or the machine has sent."""
    # A plugin may raise KeyboardInterrupt itself; only one that was sent is passed on.
    return isinstance(error, KeyboardInterrupt) and is_sent(error)


def check_result(check: Check) -> Callable[[Function], Function]:
    """Declare what the answers of a method of the interface must be like."""

    def declare(method: Function) -> Function:
        # On the method of the interface, so that overrides need not repeat it.
        setattr(method, CHECK, check)
        return method

    return declare


def wrap_component(component: Any, owner: Owner) -> Any:
    """Wrap the methods of the interface that a component implements; returns the component.

    Raises:
        ComponentError: if its class is none of the interface's.
    """
    component_class = type(component)
    # Checked here: later the missing interface would show as an AttributeError without a name.
    if not any(_is_core(base) for base in component_class.__mro__):
        raise owner.error(
            f"the {owner.label} is a {component_class.__name__}, which inherits from no class of "
            "safecompress_core.toolkit, so nothing can use it"
        )
    methods = {
        name: _wrap(name, *overridden, owner)
        for name, overridden in _find_overrides(component_class).items()
    }
    # Messages and pickles show the plugin's class, not the wrapper.
    names = {
        name: getattr(component_class, name) for name in ("__module__", "__qualname__", "__doc__")
    }
    # Empty __slots__: assigning __class__ requires the same memory layout.
    subclass = type(
        component_class.__name__,
        (component_class,),
        {**names, "__slots__": (), OWNER: owner, **methods},
    )
    # A subclass instead of a proxy: isinstance, super() and deepcopy keep working.
    component.__class__ = subclass
    return component


def owner_of(component: Any) -> Owner | None:
    """Return whose code a component is; None for one that is not guarded."""
    owner: Owner | None = getattr(type(component), OWNER, None)
    return owner


@contextmanager
def raising_as(owner: Owner | None, what: str) -> Iterator[None]:
    """Report whatever is raised within as a failure of the owner.

    Args:
        owner: whose code runs; None to change nothing.
        what: what was called, for the message.

    Raises:
        ComponentError: for each exception that is not meant for the user, and ``SystemExit``.
        MissingExtraError: if a package is missing that an extra of ours brings.
    """
    try:
        yield
    # Errors for users pass as they are: their text is complete.
    except SafeCompressError:
        raise
    except BREAKAGE as error:
        if owner is None or is_signal(error):
            raise
        # A missing package is the user's to install, not the plugin's failure.
        if extra := missing_extra(error):
            raise extra from error
        raise owner.error(f"{owner.label}: {what} raised {format_error(error)}") from error


def culprit(error: BaseException) -> str | None:
    """Return the plugin whose code raised an error: distribution or file; None for none.

    For what runs outside of components: parameters that check themselves, cards of data, hooks.
    """
    providers: dict[str, str] | None = None
    # Innermost first: the plugin that raised, not the one that called it.
    for module in _modules(error.__traceback__):
        if module.startswith(FILE_MODULE):
            return f"{module.removeprefix(FILE_MODULE)}.py"
        # Frames of core and of code without a module name say nothing about the owner.
        if module.partition(".")[0] in (CORE, ""):
            continue
        # Reading all installed distributions takes a while, and most errors need none.
        if providers is None:
            providers = _plugin_packages()
        if plugin := providers.get(module.partition(".")[0]):
            return plugin
    return None


def _modules(traceback: TracebackType | None) -> list[str]:
    """The modules of a traceback's frames, the innermost first."""
    modules: list[str] = []
    while traceback is not None:
        modules.append(str(traceback.tb_frame.f_globals.get("__name__", "")))
        traceback = traceback.tb_next
    return modules[::-1]


def _plugin_packages() -> dict[str, str]:
    """By top-level module, the distribution with plugins that it comes with."""
    plugins = {point.dist.name for point in entry_points(group=GROUP) if point.dist is not None}
    return {
        module: next(name for name in names if name in plugins)
        for module, names in packages_distributions().items()
        if plugins.intersection(names)
    }


def _is_core(cls: type) -> bool:
    return cls.__module__.partition(".")[0] == CORE


def _find_overrides(
    component_class: type,
) -> dict[str, tuple[Callable[..., Any], Callable[..., Any]]]:
    """By name, a class's methods that override one of the interface, each with that one."""
    overrides: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
    # Private names are a class's own business.
    for name in {name for base in component_class.__mro__ for name in vars(base) if name[0] != "_"}:
        # In method resolution order: the first is the one that a call reaches.
        first, *others = [
            vars(base)[name] for base in component_class.__mro__ if name in vars(base)
        ]
        declared = [
            vars(base)[name]
            for base in component_class.__mro__[1:]
            if _is_core(base) and name in vars(base)
        ]
        declared = [
            function
            for function in declared
            if inspect.isfunction(function) and function is not first
        ]
        # Properties and class attributes are not wrapped.
        if inspect.isfunction(first) and others and declared:
            # The last in the order is the interface that first declared the method.
            overrides[name] = first, declared[-1]
    return overrides


def _wrap(
    name: str, method: Callable[..., Any], declared: Callable[..., Any], owner: Owner
) -> Callable[..., Any]:
    check: Check | None = getattr(declared, CHECK, None)

    @wraps(method)
    def called(self: Any, /, *args: Any, **kwargs: Any) -> Any:
        with raising_as(owner, f"{name}()"):
            result = method(self, *args, **kwargs)
        # A generator's body runs only when it is iterated, outside the context above.
        if inspect.isgenerator(result):
            return _wrap_items(result, owner, name)
        if check is not None:
            try:
                check(owner.definition, result, *args, **kwargs)
            except (ValueError, SafeCompressError) as error:
                # The check's own traceback would point into core.
                raise owner.error(f"{owner.label}: {name}() {error}") from None
        return result

    return called


def _wrap_items(items: Iterator[Any], owner: Owner, name: str) -> Iterator[Any]:
    with raising_as(owner, f"{name}()"):
        yield from items
