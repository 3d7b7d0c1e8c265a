"""Plugins as commands load them, with warnings about those that were skipped."""

import logging
from pathlib import Path

import click

from safecompress_core.host import PluginHost, load_plugins

__all__ = ["allow_code_option", "discover_plugins", "plugins_dir_option"]

logger = logging.getLogger(__name__)

plugins_dir_option = click.option(
    "--plugins-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also load the single-file plugins (*.py) of this folder.",
)

allow_code_option = click.option(
    "--allow-code",
    is_flag=True,
    help="Let the spec import and run code that it names (type: python).",
)


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
