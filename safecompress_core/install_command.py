"""The command that installs an extra, from wherever this distribution itself came from."""

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["install_command"]

DISTRIBUTION = "safecompress"


def install_command(*extras: str) -> str:
    """Return what to type to get the packages of extras.

    What was installed from a folder or file is named by it, since it may be on no index.

    Source: PEP 610, "Recording the Direct URL Origin of installed distributions".
    """
    wanted = ",".join(extras)
    # Quoted, since shells expand brackets.
    return f"pip install '{_origin()}[{wanted}]'"


def _origin() -> str:
    """The folder or file that the distribution was installed from, or else its name."""
    try:
        # PEP 610: pip records there what a distribution was installed from.
        record = distribution(DISTRIBUTION).read_text("direct_url.json")
        url = urlsplit(json.loads(record or "{}").get("url", ""))
    except (PackageNotFoundError, ValueError):
        return DISTRIBUTION
    if url.scheme != "file":
        return DISTRIBUTION
    place = Path(unquote(url.path))
    # A folder may have been removed since.
    if not place.exists():
        return DISTRIBUTION
    # Shorter, and correct where the user is.
    return "." if place == Path.cwd() else str(place)
