"""Plugins as commands load them, with warnings about those that were skipped."""

import logging
from pathlib import Path

from safecompress_core.host import PluginHost, load_plugins

__all__ = ["discover_plugins"]

logger = logging.getLogger(__name__)


def discover_plugins(plugins_dir: Path | None) -> PluginHost:
    """Load all plugins; warn of each broken one.

    Raises:
        PluginError: as :func:`safecompress_core.host.load_plugins` does.
    """
    host = load_plugins(plugins_dir=plugins_dir)
    for skipped in host.skipped:
        # Plugins that were left out on request need no warning.
        if skipped.is_broken:
            logger.warning("skipped plugin %s", skipped)
    return host
