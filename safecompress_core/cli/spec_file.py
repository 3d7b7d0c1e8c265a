"""The type of a command's argument that is a spec: a file, or the name of one that ships."""

import os
from pathlib import Path
from typing import Any

import click

__all__ = ["SpecFile"]


class SpecFile(click.Path):
    """A path; one that leads nowhere may name a spec that comes with SafeCompress."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The file."""
        from safecompress_core.specfile.shipped import find_shipped_spec

        # Names that are no UTF-8 may arrive as bytes.
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        return find_shipped_spec(path) or path
