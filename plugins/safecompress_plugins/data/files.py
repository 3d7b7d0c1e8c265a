"""Files and folders named by parameters."""

import difflib
from pathlib import Path

from safecompress_core.toolkit import DataError, local_path

__all__ = ["describe_folder", "require_existing"]

MOST_SHOWN = 20


def require_existing(text: str, *, field: tuple[str | int, ...], is_folder: bool = False) -> Path:
    """Return the file or folder of a path parameter.

    Args:
        text: the path in the spec.
        field: its field in the spec.
        is_folder: whether to expect a folder instead of a file.

    Raises:
        DataError: if it does not exist; the message lists what does.
    """
    path = local_path(text)
    if path.exists():
        if path.is_dir() == is_folder:
            return path
        if path.is_dir():
            raise DataError(
                f"{str(path)!r} is a folder; {describe_folder(path)}",
                hint="name a file",
                field=field,
            )
        raise DataError(f"{str(path)!r} is a file", hint="name its folder", field=field)
    # A missing folder and a missing file in a folder have different remedies.
    folder = path.resolve().parent
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {str(folder)!r}",
            hint=f"check the path, which starts from {str(Path.cwd())!r}",
            field=field,
        )
    names = sorted(path.name for path in folder.iterdir())
    near = difflib.get_close_matches(path.name, names, n=1)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise DataError(
        f"there is no {path.name!r} in {str(folder)!r}",
        hint=f"{guess}{describe_folder(folder)}",
        field=field,
    )


def describe_folder(folder: Path) -> str:
    """List a folder's contents in a phrase."""
    names = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(names[:MOST_SHOWN]) or "nothing"
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    return f"there are: {shown}{more}"
