"""SafeCompress: compress a neural network, attack every candidate meanwhile, audit the result.

    import safecompress as sc

    result = sc.run("multi_attack")
    result.passed, result.frame("attacks"), result.report("report.html")
    model = result.model()  # an nn.Module

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
    from safecompress_core.python.audit import audit
    from safecompress_core.python.compare import compare
    from safecompress_core.python.comparison_result import ComparisonResult
    from safecompress_core.python.result import Result
    from safecompress_core.python.run import run
    from safecompress_core.python.validate import validate
    from safecompress_core.results.reading import read_results
    from safecompress_core.results.schema import ComparisonResults, Results
    from safecompress_core.saved_models.load import load_classifier
    from safecompress_core.saved_models.load import load_classifier as load_model
    from safecompress_core.saved_models.shipped_model import ShippedModel
    from safecompress_core.saved_models.storage import StoredModel
    from safecompress_core.saved_models.storage import load_model as load_stored
    from safecompress_core.specfile.load import load_spec

    __version__: str

__all__ = [
    "ComparisonResult",
    "ComparisonResults",
    "MissingExtraError",
    "PluginError",
    "PluginHost",
    "Registry",
    "Result",
    "Results",
    "SafeCompressError",
    "ShippedModel",
    "SpecError",
    "StoredModel",
    "__version__",
    "audit",
    "compare",
    "load_classifier",
    "load_model",
    "load_plugins",
    "load_spec",
    "load_stored",
    "read_results",
    "run",
    "validate",
]

_HOME = {
    "ComparisonResult": ("safecompress_core.python.comparison_result", "ComparisonResult"),
    "ComparisonResults": ("safecompress_core.results.schema", "ComparisonResults"),
    "MissingExtraError": ("safecompress_core.errors", "MissingExtraError"),
    "PluginError": ("safecompress_core.errors", "PluginError"),
    "PluginHost": ("safecompress_core.host", "PluginHost"),
    "Registry": ("safecompress_core.host", "Registry"),
    "Result": ("safecompress_core.python.result", "Result"),
    "Results": ("safecompress_core.results.schema", "Results"),
    "SafeCompressError": ("safecompress_core.errors", "SafeCompressError"),
    "ShippedModel": ("safecompress_core.saved_models.shipped_model", "ShippedModel"),
    "SpecError": ("safecompress_core.errors", "SpecError"),
    "StoredModel": ("safecompress_core.saved_models.storage", "StoredModel"),
    "audit": ("safecompress_core.python.audit", "audit"),
    "compare": ("safecompress_core.python.compare", "compare"),
    "load_classifier": ("safecompress_core.saved_models.load", "load_classifier"),
    "load_model": ("safecompress_core.saved_models.load", "load_classifier"),
    "load_plugins": ("safecompress_core.host", "load_plugins"),
    "load_spec": ("safecompress_core.specfile.load", "load_spec"),
    "load_stored": ("safecompress_core.saved_models.storage", "load_model"),
    "read_results": ("safecompress_core.results.reading", "read_results"),
    "run": ("safecompress_core.python.run", "run"),
    "validate": ("safecompress_core.python.validate", "validate"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("safecompress_core.version").installed_version()
    elif name in _HOME:
        module, attribute = _HOME[name]
        try:
            value = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            # The base install validates specs; what runs them is an extra.
            raise import_module("safecompress_core.extras").missing_extra(error) or error from None
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
