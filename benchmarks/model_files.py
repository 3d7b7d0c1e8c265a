"""Bytes of a model file next to their limit.

    python benchmarks/model_files.py

For a perceptron, VGG-16 and an encoder of MiniLM's shape (without its token embeddings, which stay
dense) at several densities, with float32 and with int8 weights: a dense safetensors file, the same
packed by zstd, the model file, its compact form, and the limit: the entropy of the masks plus the
bits of the active values, of scales and of what is dense. Weights are drawn from a normal
distribution, positions at random: trained values are no easier to compress, and masks with a
structure would be.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
import zstandard
from safetensors.torch import save
from scipy.stats import entropy
from sparse_inference import Encoder, perceptron, vgg16
from torch import Tensor, nn

from safecompress_core.saved_models.compact import LEVEL, compress_model
from safecompress_core.saved_models.storage import save_model
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.weight_codes import Quantised

DENSITIES = (0.05, 0.1, 0.5)
NETWORKS = {"perceptron": perceptron, "VGG-16": vgg16, "encoder": Encoder}
BITS = {"float32": 32, "int8": 8}


def sparse_state(network: nn.Module, density: float) -> tuple[dict[str, Tensor], Topology]:
    """The tensors of a network with its weights thinned out at random, but for the last layer's."""
    state = {
        name: torch.randn(tensor.shape) / tensor[0].numel() ** 0.5 if tensor.ndim > 1 else tensor
        for name, tensor in network.state_dict().items()
    }
    names = [name for name, tensor in state.items() if tensor.ndim > 1]
    masks = {name: torch.rand(state[name].shape) < density for name in names[:-1]}
    masks[names[-1]] = torch.ones_like(state[names[-1]], dtype=torch.bool)
    return state | {name: state[name] * mask for name, mask in masks.items()}, Topology(masks)


def as_int8(weight: Tensor) -> Quantised:
    """A weight in int8, with a scale for each output channel."""
    scales = weight.abs().flatten(1).amax(1).clamp_min(1e-12) / 127
    codes = (weight / scales.view(-1, *[1] * (weight.ndim - 1))).round().to(torch.int8)
    return Quantised(codes=codes, scales=scales)


def limit(state: dict[str, Tensor], topology: Topology, bits: int) -> float:
    """Bytes below which no lossless file of random positions and values can be."""
    total = sum(tensor.nbytes for name, tensor in state.items() if name not in topology.masks)
    for mask in topology.masks.values():
        active, count = int(mask.sum()), mask.numel()
        total += (count * entropy([active / count, 1 - active / count], base=2)) / 8
        total += active * bits / 8 + (0 if bits == 32 else 4 * len(mask))
    return float(total)


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    for values, bits in BITS.items():
        for name, make in NETWORKS.items():
            for density in DENSITIES:
                torch.manual_seed(0)
                state, topology = sparse_state(make(), density)
                codes = {}
                if values == "int8":
                    codes = {layer: as_int8(state[layer]) for layer in topology.masks}
                    state |= {layer: code.weight() for layer, code in codes.items()}
                with tempfile.TemporaryDirectory() as folder:
                    path = Path(folder) / "model.safetensors"
                    save_model(path, state, topology, {}, codes=codes)
                    ours = path.read_bytes()
                dense = save({key: tensor.contiguous() for key, tensor in state.items()})
                zipped = zstandard.ZstdCompressor(level=LEVEL).compress(dense)
                compact, least = compress_model(ours), limit(state, topology, bits)
                sizes = (len(dense), len(zipped), len(ours), len(compact), least)
                cells = " | ".join(f"{size / 1000:,.0f}" for size in sizes)
                yield f"| {name}, {values} | {density:g} | {cells} | {len(compact) / least:.3f} |"


def main() -> None:
    """Print the table."""
    print("| network | density | dense kB | + zstd | model file | compact | limit | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
