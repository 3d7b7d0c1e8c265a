"""Speed of a model file's layers, as it is and in the fastest form."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.host import Registry
from safecompress_core.networks.fast_layers import Acceleration, accelerate
from safecompress_core.results.environment import reproducible, threads_for
from safecompress_core.saved_models.load import load_classifier
from safecompress_core.saved_models.storage import load_model

__all__ = ["measure_layers"]

SAMPLE_SEED = 0


def measure_layers(
    file: Path, *, batch: int, registry: Registry, allow_code: bool
) -> dict[str, Any]:
    """Measure a model's layers dense and sparse, with as many threads as a run has; JSON-ready.

    Args:
        file: a model file of SafeCompress; what guards its answers is left out.
        batch: samples of a pass, made up.
        registry: what is installed.
        allow_code: whether code that the file names may be imported.

    Raises:
        StorageError: if the file cannot be read, or its model cannot be made.
    """
    network = load_classifier(file, registry=registry, allow_code=allow_code).module
    inputs = _made_up(network, tuple(load_model(file).metadata["input_shape"]), batch)
    with reproducible(threads_for(network, inputs[:1])):
        threads = torch.get_num_threads()
        found = accelerate(network, inputs)
    return _as_content(file, found, batch=batch, threads=threads)


def _made_up(network: nn.Module, shape: tuple[int, ...], batch: int) -> Tensor:
    """Inputs of the model's shape: durations do not depend on what they are."""
    if any(isinstance(layer, nn.Embedding) for layer in network.modules()):
        return torch.ones(batch, *shape, dtype=torch.long)  # ids of a token that any text may have
    return torch.randn(batch, *shape, generator=torch.Generator().manual_seed(SAMPLE_SEED))


def _as_content(file: Path, found: Acceleration, *, batch: int, threads: int) -> dict[str, Any]:
    return {
        "file": str(file),
        "batch": batch,
        "threads": threads,
        "layers": [
            {
                "name": layer.name,
                "density": layer.density,
                "dense_seconds": layer.dense,
                "csr_seconds": layer.csr,
                "chosen": layer.chosen,
            }
            for layer in found.layers
        ],
        "dead_channels": dict(found.removed),
        "dead_channels_kept": found.kept or None,
        "seconds": found.before.median,
        "fastest_seconds": found.after.median,
    }
