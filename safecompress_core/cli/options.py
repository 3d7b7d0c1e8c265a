"""Options that several commands have; a help text that differs is an argument."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

__all__ = [
    "EXPORTS",
    "allow_code_option",
    "device_option",
    "json_option",
    "parent_option",
    "plugins_dir_option",
    "set_option",
    "with_device",
    "workers_option",
]

EXPORTS = Path("exports")
"""Where exports are written, unless another place is named."""

Decorator = Callable[[Any], Any]

device_option = click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    help="Device of all computation; the same as --set device=...",
)

plugins_dir_option = click.option(
    "--plugins-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Also load the single-file plugins (*.py) of this folder.",
)


def allow_code_option(
    description: str = "Let the spec import and run code that it names (type: python).",
) -> Decorator:
    """Return the flag ``--allow-code``."""
    return click.option("--allow-code", is_flag=True, help=description)


def json_option(description: str = "Print JSON, for machines.") -> Decorator:
    """Return ``--json`` as the command's ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help=description)


def parent_option(name: str, *, default: str, description: str) -> Decorator:
    """Return an option for the folder in which a command makes its own."""
    return click.option(
        name,
        type=click.Path(file_okay=False, path_type=Path),
        default=default,
        show_default=True,
        help=description,
    )


def set_option(description: str) -> Decorator:
    """Return ``--set FIELD=VALUE`` as the command's ``overrides``."""
    return click.option(
        "--set", "overrides", multiple=True, metavar="FIELD=VALUE", help=description
    )


def with_device(overrides: tuple[str, ...], device: str | None) -> tuple[str, ...]:
    """Return the overrides with the choice of ``--device``, which wins over ``--set device=``."""
    return overrides if device is None else (*overrides, f"device={device}")


def workers_option(description: str) -> Decorator:
    """Return ``--workers``, a count of processes, 1 by default."""
    return click.option(
        "--workers",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help=description,
    )
