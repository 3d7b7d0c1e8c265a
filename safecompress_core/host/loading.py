"""Loads every plugin by itself and notifies observers."""

import copy
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pluggy

from safecompress_core import hookspecs
from safecompress_core.api import PROJECT, Definition, GameDef
from safecompress_core.errors import PluginError
from safecompress_core.hookspecs import HOOKS, LIFECYCLE
from safecompress_core.host.boundary import BREAKAGE, is_signal
from safecompress_core.host.definitions import flaws_of, game_flaw, key_of, label
from safecompress_core.host.registry import Registry
from safecompress_core.host.sources import (
    Origin,
    PluginSource,
    Selection,
    SkippedPlugin,
    files_in,
    find_installed,
    format_error,
)

__all__ = ["PluginHost", "load_plugins"]

logger = logging.getLogger(__name__)


class UnusablePluginError(Exception):
    """A plugin was loaded but does not keep to the interface; the message is the reason."""


class PluginHost:
    """The plugins of this process.

    Attributes:
        registry: what they define.
        plugins: those in use, in the order in which they were loaded.
        skipped: those found and not used, with the reason.
    """

    def __init__(
        self, sources: Iterable[PluginSource | SkippedPlugin], *, is_strict: bool = False
    ) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        entries: list[tuple[Definition, Origin]] = []
        plugins: list[Origin] = []
        skipped: list[SkippedPlugin] = []
        for source in sources:
            outcome = source if isinstance(source, SkippedPlugin) else self._adopt(source)
            if isinstance(outcome, SkippedPlugin):
                skipped.append(outcome)
            # A skipped plugin is reported and never an error here: others must still load.
            else:
                plugins.append(source.origin)
                entries += [(definition, source.origin) for definition in outcome]
        # Repeated, since leaving out a plugin also removes its games, which others may need.
        while (unusable := _without_game(entries)) is not None:
            self._manager.unregister(name=unusable.origin.name)
            # The whole plugin: half of one would be a version that was never tested.
            entries = [entry for entry in entries if entry[1] != unusable.origin]
            plugins.remove(unusable.origin)
            skipped.append(unusable)
        self.plugins = tuple(plugins)
        self.skipped = tuple(skipped)
        # After all are loaded, so that the error lists every broken plugin.
        if is_strict:
            _refuse_breakage(self.skipped)
        self.registry = Registry(entries)

    @property
    def observers(self) -> tuple[str, ...]:
        """Names of the plugins that receive events, in the order they were added."""
        return tuple(
            name
            for name, plugin in self._manager.list_name_plugin()
            if any(hook.name in LIFECYCLE.values() for hook in self._hooks(plugin))
        )

    def add_observer(self, name: str, plugin: object) -> None:
        """Have an object's lifecycle hooks called, as those of a plugin are.

        Raises:
            ValueError: if the name is taken, or the object has no lifecycle hook.
        """
        self._manager.register(plugin, name=name)
        # A registration without a hook would silently never be called.
        if name not in self.observers:
            self._manager.unregister(name=name)
            raise ValueError(f"{name!r} has no lifecycle hook; was @hookimpl forgotten?")

    def notify(self, event: Mapping[str, Any]) -> None:
        """Notify every observer of an event, which ``event["event"]`` names.

        An event without a hook reaches no one. Each observer gets its own copy; one that raises is
        logged with its name and changes nothing.
        """
        name = LIFECYCLE.get(event["event"])
        # Most events have no hook; they are only recorded.
        if name is None:
            return
        for observer in getattr(self._manager.hook, name).get_hookimpls():
            try:
                # A copy each: an observer must not change what others see, or what is recorded.
                copied_event = copy.deepcopy(dict(event))
                # pluggy's implementations may declare fewer arguments than the hook has.
                observer.function(**dict.fromkeys(observer.argnames, copied_event))
            except BREAKAGE as error:
                if is_signal(error):
                    raise
                # A warning: an observer never ends a run. The traceback is available with -vv.
                logger.warning("observer %s failed: %s", observer.plugin_name, format_error(error))
                logger.debug("observer %s", observer.plugin_name, exc_info=error)

    def _adopt(self, source: PluginSource) -> list[Definition] | SkippedPlugin:
        """Return the definitions of a plugin, or the reason to skip it."""
        origin = source.origin
        # A second entry point of the same name must not unregister the first.
        before = self._manager.get_plugin(origin.name)
        try:
            return self._definitions(source)
        except BREAKAGE as error:
            if is_signal(error):
                raise
            if self._manager.get_plugin(origin.name) is not before:
                self._manager.unregister(name=origin.name)
            logger.debug("plugin %s", origin.name, exc_info=error)
            # Our own reasons need no type in front.
            reason = str(error) if isinstance(error, UnusablePluginError) else format_error(error)
            return SkippedPlugin(origin=origin, reason=reason)

    def _definitions(self, source: PluginSource) -> list[Definition]:
        """Load and register one plugin, and ask each of its hooks."""
        name = source.origin.name
        # pluggy would raise a ValueError that names no distribution.
        if self._manager.has_plugin(name):
            raise UnusablePluginError("its distribution has another entry point of this name")
        plugin = source.load()
        # Two entry points for one object would register its definitions twice.
        if other := self._manager.get_name(plugin):
            raise UnusablePluginError(f"it is the same object as {other}")
        self._manager.register(plugin, name=name)
        # After registration, since pluggy knows the hooks only then.
        self._check_hooks(plugin)
        return _distinct(self._collect(plugin))

    def _check_hooks(self, plugin: object) -> None:
        hooks = self._hooks(plugin)
        if not hooks:
            raise UnusablePluginError("it has no hooks; was @hookimpl forgotten?")
        for hook in hooks:
            for implementation in (impl for impl in hook.get_hookimpls() if impl.plugin is plugin):
                # pluggy accepts unknown hooks, where a misspelt one would never be called.
                if not hook.has_spec() and not implementation.optionalhook:
                    known = ", ".join((*HOOKS.values(), *LIFECYCLE.values()))
                    raise UnusablePluginError(f"there is no hook {hook.name}; there are: {known}")
                # A wrapper could change what other plugins return.
                if implementation.wrapper or implementation.hookwrapper:
                    raise UnusablePluginError(f"{hook.name} is a wrapper; write a plain hook")

    def _collect(self, plugin: object) -> list[Definition]:
        """Call the plugin's registering hooks; their exceptions propagate."""
        definitions: list[Definition] = []
        for kind, name in HOOKS.items():
            # Called one by one rather than through pluggy, so that a failure has an owner.
            for implementation in getattr(self._manager.hook, name).get_hookimpls():
                if implementation.plugin is plugin:
                    # list() runs a generator here, within the caller's `try`.
                    results = list(implementation.function())
                    for flaw in (flaw for returned in results for flaw in flaws_of(returned, kind)):
                        raise UnusablePluginError(flaw)
                    definitions += results
        return definitions

    def _hooks(self, plugin: object) -> list[pluggy.HookCaller]:
        return self._manager.get_hookcallers(plugin) or []


def load_plugins(
    *,
    plugins_dir: Path | None = None,
    plugins_name: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> PluginHost:
    """Load every installed plugin, and the single-file ones of a folder.

    Args:
        plugins_dir: a folder of single-file plugins (``*.py``).
        plugins_name: what records call that folder; its path by default.
        environ: where ``SAFECOMPRESS_PLUGINS``, ``SAFECOMPRESS_BLOCK_PLUGINS`` and
            ``SAFECOMPRESS_STRICT_PLUGINS`` are read.

    Raises:
        PluginError: if two plugins define the same name, or if any is broken and the environment
            asks for strictness.
        SafeCompressError: if the folder does not exist or the environment is not understood.
    """
    # Environment rather than the spec: who may run code is not the spec's decision.
    selection = Selection.of(environ)
    files = [] if plugins_dir is None else list(files_in(plugins_dir, name=plugins_name))
    return PluginHost([*find_installed(selection), *files], is_strict=selection.is_strict)


def _without_game(entries: Iterable[tuple[Definition, Origin]]) -> SkippedPlugin | None:
    """The first plugin with an attacker whose game no plugin registers, or has other parameters.

    Such a plugin is left out as a whole, and its games with it: ask again without it.
    """
    entries = list(entries)
    games = {
        definition.name: definition for definition, _ in entries if isinstance(definition, GameDef)
    }
    for definition, origin in entries:
        flaw = game_flaw(definition, games)
        if flaw is not None:
            return SkippedPlugin(origin=origin, reason=flaw)
    return None


def _distinct(definitions: list[Definition]) -> list[Definition]:
    seen = set()
    for key in map(key_of, definitions):
        if key in seen:
            # Two plugins with the same name are a conflict; one that repeats itself is broken.
            raise UnusablePluginError(f"it defines the {label(key)} twice")
        seen.add(key)
    return definitions


def _refuse_breakage(skipped: Iterable[SkippedPlugin]) -> None:
    broken = [plugin for plugin in skipped if plugin.is_broken]
    if broken:
        first, *others = broken
        # The first in full, and the others after it: an error has one plugin.
        more = "".join(f"\n{other}" for other in others)
        raise PluginError(
            f"{first.reason}{more}",
            plugin=first.origin.plugin,
            distribution=first.origin.package,
        )
