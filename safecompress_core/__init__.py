"""Compress a neural network, attack every candidate while doing so, and audit what comes out.

Importing this package loads nothing else: every public name is fetched when it is first used, so
that ``safecompress --help`` needs neither pydantic nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safecompress_core.errors import (
        MissingExtraError,
        PluginError,
        SafeCompressError,
        SpecError,
    )
    from safecompress_core.host import PluginHost, Registry, load_plugins
    from safecompress_core.saved_models.rebuild import ShippedModel, load_classifier
    from safecompress_core.saved_models.storage import StoredModel, load_model
    from safecompress_core.specfile.load import load_spec

    __version__: str

__all__ = [
    "MissingExtraError",
    "PluginError",
    "PluginHost",
    "Registry",
    "SafeCompressError",
    "ShippedModel",
    "SpecError",
    "StoredModel",
    "__version__",
    "load_classifier",
    "load_model",
    "load_plugins",
    "load_spec",
]

_HOME = {
    "MissingExtraError": "safecompress_core.errors",
    "PluginError": "safecompress_core.errors",
    "PluginHost": "safecompress_core.host",
    "Registry": "safecompress_core.host",
    "SafeCompressError": "safecompress_core.errors",
    "ShippedModel": "safecompress_core.saved_models.rebuild",
    "SpecError": "safecompress_core.errors",
    "StoredModel": "safecompress_core.saved_models.storage",
    "load_classifier": "safecompress_core.saved_models.rebuild",
    "load_model": "safecompress_core.saved_models.storage",
    "load_plugins": "safecompress_core.host",
    "load_spec": "safecompress_core.specfile.load",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _installed_version()
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version  # 30 ms, only when asked

    try:
        return version("safecompress")
    except PackageNotFoundError:  # a source tree on PYTHONPATH
        return "0+source"
