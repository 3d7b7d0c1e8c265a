"""Paths as a spec writes them: from where the command was started, with ``~`` and variables."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["local_path", "unset_variables"]

VARIABLE = re.compile(r"\$\{env:(?P<name>[^}:]*)(?P<default>:-(?P<value>[^}]*))?\}")


def unset_variables(text: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """The names in ``${env:NAME}`` that the environment does not have, in their order.

    ``${env:NAME:-value}`` is fine either way.
    """
    return [
        match["name"]
        for match in VARIABLE.finditer(text)
        if match["default"] is None and match["name"] not in environ
    ]


def local_path(text: str, environ: Mapping[str, str] = os.environ) -> Path:
    """The path that is meant; relative ones are so to the working directory.

    >>> str(local_path("${env:DATA}/adult.csv", {"DATA": "real"}))
    'real/adult.csv'
    >>> str(local_path("${env:DATA:-../data}/adult.csv", {}))
    '../data/adult.csv'

    Raises:
        KeyError: if a variable is not set; a spec's paths are checked for that beforehand.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match["name"]
        # `${env:NAME}` without a default was checked by check_paths; a KeyError is a bug.
        return environ[name] if match["default"] is None else environ.get(name, match["value"])

    return Path(VARIABLE.sub(value_of, text)).expanduser()
