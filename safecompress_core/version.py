"""Version of the installed distribution."""

__all__ = ["installed_version"]


def installed_version() -> str:
    """Return the version of the distribution ``safecompress``.

    In a source tree that is not installed it is ``0+source``.
    """
    # Reading distributions takes 30 ms, which `--help` need not wait for.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("safecompress")
    except PackageNotFoundError:
        return "0+source"
