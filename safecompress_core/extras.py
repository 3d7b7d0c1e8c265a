"""Optional extras and the packages that they install."""

from safecompress_core.errors import MissingExtraError

__all__ = ["missing_extra"]

EXTRA_OF = {
    "PIL": "run",
    "art": "attacks",
    "captum": "explain",
    "constriction": "compact",
    "datasets": "huggingface",
    "executorch": "executorch",
    "filelock": "run",
    "foolbox": "attacks",
    "jinja2": "run",
    "matplotlib": "run",
    "moocore": "run",
    "numpy": "run",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "onnxscript": "onnx",
    "opacus": "dp",
    "optuna": "search",
    "pandas": "pandas",
    "pyarrow": "run",
    "ray": "ray",
    "safetensors": "run",
    "scipy": "run",
    "skimage": "attacks",
    "sklearn": "run",
    "threadpoolctl": "run",
    "torch": "run",
    "torch_pruning": "structured",
    "torchao": "quantize",
    "torchvision": "vision",
    "transformers": "huggingface",
    "zstandard": "compact",
}
"""Top-level import names, for packages that the base install does not bring."""


def missing_extra(error: BaseException) -> MissingExtraError | None:
    """The error to show instead, where what could not be imported comes with one of our extras.

    >>> error = ModuleNotFoundError("No module named 'torch'", name="torch.nn")
    >>> str(missing_extra(error))  # doctest: +ELLIPSIS
    "torch is not installed; install it with: pip install '...[run]'"
    """
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    # The name may be of a submodule.
    package = error.name.partition(".")[0]
    extra = EXTRA_OF.get(package)
    return MissingExtraError(package, extra=extra) if extra else None
