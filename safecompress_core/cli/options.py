"""Options that several commands have; a help text that differs is an argument."""

import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from safecompress_core.execution.settings import EXECUTORS, Execution, ExecutorName

__all__ = [
    "EXPORTS",
    "allow_code_option",
    "device_option",
    "execution_options",
    "json_option",
    "parent_option",
    "plugins_dir_option",
    "set_option",
    "with_device",
]

EXPORTS = Path("exports")
"""Where exports are written, unless another place is named."""

Decorator = Callable[[Any], Any]

device_option = click.option(
    "--device",
    metavar="NAME",
    help="auto, cpu, cuda, cuda:1 or mps; the same as --set device=...",
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


def execution_options(description: str) -> Decorator:
    """Return ``--executor`` and its settings as the command's ``execution``.

    Args:
        description: of ``--workers``.
    """
    options = (
        click.option(
            "--executor",
            type=click.Choice(EXECUTORS),
            help="What does the units of work; by default processes if there are several workers.",
        ),
        click.option(
            "--workers",
            type=click.IntRange(min=1),
            default=1,
            show_default=True,
            help=description,
        ),
        click.option(
            "--address",
            metavar="HOST:PORT",
            help="A Ray cluster, or auto for this machine's; by default one is started here.",
        ),
        click.option(
            "--devices",
            metavar="0,1,...",
            callback=_read_devices,
            help="CUDA devices that processes are pinned to, in turn.",
        ),
        click.option(
            "--resources",
            metavar="gpu=SHARE",
            callback=_read_share,
            help="GPUs that a unit takes on Ray; gpu=0.25 has four units share one.",
        ),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def command(
            *args: Any,
            executor: ExecutorName | None,
            workers: int,
            address: str | None,
            devices: tuple[int, ...],
            resources: float | None,
            **others: Any,
        ) -> Any:
            execution = Execution(
                executor=executor,
                workers=workers,
                address=address,
                devices=devices,
                gpu_share=resources,
            )
            return function(*args, execution=execution, **others)

        # Reversed, since decorators apply from the inside out, and help lists them in order.
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def _read_devices(_: click.Context, __: click.Parameter, value: str | None) -> tuple[int, ...]:
    """Return the numbers of ``0,1,2``; none without the option."""
    numbers = () if value is None else tuple(value.split(","))
    if not all(number.strip().isdecimal() for number in numbers):
        raise click.BadParameter(f"{value!r} is no list of numbers; write 0,1,2")
    return tuple(map(int, numbers))


def _read_share(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return the number of ``gpu=0.25``; None without the option."""
    if value is None:
        return None
    name, *shares = value.split("=")
    try:
        number = float("=".join(shares))
    except ValueError:
        number = math.nan
    if name.strip() != "gpu" or not math.isfinite(number):
        raise click.BadParameter(f"{value!r} is not understood; write gpu=1, or gpu=0.25")
    return number
