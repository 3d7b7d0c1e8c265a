"""The option ``--set``, which several commands have."""

from collections.abc import Callable
from typing import Any

import click

__all__ = ["set_option"]


def set_option(says: str) -> Callable[[Any], Any]:
    """``--set FIELD=VALUE`` as the command's ``overrides``, with its own help."""
    return click.option("--set", "overrides", multiple=True, metavar="FIELD=VALUE", help=says)
