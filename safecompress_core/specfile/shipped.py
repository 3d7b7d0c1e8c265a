"""Specs that come with SafeCompress, by the name of their file."""

from pathlib import Path

__all__ = ["find_shipped_spec", "find_shipped_specs"]

PACKAGE = Path(__file__).parents[1]
FOLDERS = (PACKAGE / "specs", PACKAGE.parent / "specs")
"""Where a wheel has them, and where a clone has them."""

SUFFIX = ".yaml"


def find_shipped_specs() -> dict[str, Path]:
    """Return the file of each spec by its name: ``multi_attack``, ``desk/handwriting``."""
    for folder in FOLDERS:
        # schema.json distinguishes our folder from any other 'specs'.
        if (folder / "schema.json").is_file():
            paths = sorted(folder.rglob(f"*{SUFFIX}"))
            return {path.relative_to(folder).with_suffix("").as_posix(): path for path in paths}
    return {}


def find_shipped_spec(path: Path) -> Path | None:
    """Return the shipped spec that a path names where there is no such file.

    >>> find_shipped_spec(Path("multi_attack")).name
    'multi_attack.yaml'
    """
    # A file that exists always wins over a shipped name.
    if path.exists() or path.is_absolute():
        return None
    name = path.with_suffix("") if path.suffix == SUFFIX else path
    # As paths in the documentation are written, from a clone's root.
    parts = name.parts[1:] if name.parts[:1] == ("specs",) else name.parts
    return find_shipped_specs().get("/".join(parts))
