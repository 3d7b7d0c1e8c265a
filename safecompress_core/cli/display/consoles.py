"""Consoles that print to standard output or standard error.

Where ``NO_COLOR`` is set to anything, nothing is styled: neither colours nor bold text.
"""

import os
import sys
from typing import Literal

from rich.console import Console

__all__ = ["error_console", "output_console"]


def output_console(*, markup: bool = False) -> Console:
    """Return a console on standard output.

    Args:
        markup: whether ``[bold]`` and the like in a text are styles.
    """
    return Console(file=sys.stdout, highlight=False, markup=markup, color_system=_colour_system())


def error_console() -> Console:
    """Return a console on standard error."""
    return Console(stderr=True, color_system=_colour_system())


def _colour_system() -> Literal["auto"] | None:
    """None, which no style is drawn in, where the environment asks for that."""
    # Any value but an empty one, as no-color.org asks.
    return None if os.environ.get("NO_COLOR") else "auto"
