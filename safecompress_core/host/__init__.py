"""Finds plugins, loads each by itself, and returns their definitions.

- One broken plugin never breaks another: an entry point is loaded, registered and asked in its own
  ``try``, and what failed is kept as a :class:`SkippedPlugin` with plugin, distribution and reason.
- A plugin counts whole or not at all: one hook that raises, and none of its definitions are used.
- Whatever a plugin registers is known with its :class:`Origin`, which results record.
- Nothing here imports an implementation before :meth:`Registry.create` is called.
"""

from safecompress_core.host.loading import PluginHost, load_plugins
from safecompress_core.host.registry import Registry
from safecompress_core.host.sources import Origin, SkippedPlugin

__all__ = ["Origin", "PluginHost", "Registry", "SkippedPlugin", "load_plugins"]
