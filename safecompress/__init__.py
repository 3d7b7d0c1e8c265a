"""SafeCompress: compress a neural network, attack every candidate meanwhile, audit the result.

    import safecompress as sc

    loaded = sc.load_spec(Path("specs/multi_attack.yaml"), registry=sc.load_plugins().registry)
    model = sc.load_classifier(Path("runs/multi-attack-0123456789/model/model.safetensors"))

Importing this package loads nothing else: each public name is imported on first use. The
implementation is ``safecompress_core``; plugins import from ``safecompress_core.api`` and
``safecompress_core.toolkit``.
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
    from safecompress_core.results.reading import read_results
    from safecompress_core.results.schema import Results
    from safecompress_core.saved_models.load import load_classifier
    from safecompress_core.saved_models.shipped_model import ShippedModel
    from safecompress_core.saved_models.storage import StoredModel, load_model
    from safecompress_core.specfile.load import load_spec

    __version__: str

__all__ = [
    "MissingExtraError",
    "PluginError",
    "PluginHost",
    "Registry",
    "Results",
    "SafeCompressError",
    "ShippedModel",
    "SpecError",
    "StoredModel",
    "__version__",
    "load_classifier",
    "load_model",
    "load_plugins",
    "load_spec",
    "read_results",
]

_HOME = {
    "MissingExtraError": "safecompress_core.errors",
    "PluginError": "safecompress_core.errors",
    "PluginHost": "safecompress_core.host",
    "Registry": "safecompress_core.host",
    "Results": "safecompress_core.results.schema",
    "SafeCompressError": "safecompress_core.errors",
    "ShippedModel": "safecompress_core.saved_models.shipped_model",
    "SpecError": "safecompress_core.errors",
    "StoredModel": "safecompress_core.saved_models.storage",
    "load_classifier": "safecompress_core.saved_models.load",
    "load_model": "safecompress_core.saved_models.storage",
    "load_plugins": "safecompress_core.host",
    "load_spec": "safecompress_core.specfile.load",
    "read_results": "safecompress_core.results.reading",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("safecompress_core.version").installed_version()
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
