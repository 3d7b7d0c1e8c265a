"""Inference with sparse rows, and without dead channels, next to dense layers.

    python benchmarks/sparse_inference.py

Prints, for a perceptron, VGG-16 and an encoder of MiniLM's shape at several densities and batch
sizes, the median milliseconds of a forward pass as it is and in its fastest form (`accelerate`),
and how many layers that form computes with sparse rows. Weights are random and pruned at random:
durations depend on positions, hardly on values. One thread; CSR products are MKL's where torch was
built with it.
"""

import warnings
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from safecompress_core.networks.cost import latency
from safecompress_core.networks.fast_layers import CsrConvolution, CsrLinear, accelerate

DENSITIES = (0.02, 0.05, 0.1, 0.2)
BATCHES = (1, 32)
REPEATS = 15

Make = Callable[[], nn.Module]


def perceptron() -> nn.Module:
    """784-1024-1024-10: 1.9 million weights."""
    return nn.Sequential(
        *(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    )


def vgg16() -> nn.Module:
    """VGG-16 with batch normalisation for images of 32 × 32: 14.7 million weights."""
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 10))


class Encoder(nn.Module):
    """Six transformer layers of 384 values, of sequences of 64 tokens: 10.6 million weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer() for _ in range(6))
        self.head = nn.Linear(384, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, 4) of embedded sequences (N, 64, 384)."""
        for layer in self.layers:
            inputs = layer(inputs)
        logits: Tensor = self.head(inputs[:, 0])
        return logits


class EncoderLayer(nn.Module):
    """Attention of 12 heads and two layers of 1,536."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(384, 384) for _ in range(4))
        self.up, self.down = nn.Linear(384, 1536), nn.Linear(1536, 384)
        self.first, self.second = nn.LayerNorm(384), nn.LayerNorm(384)

    def forward(self, inputs: Tensor) -> Tensor:
        """As BERT: post-normalisation, GELU."""
        heads = (
            projection(inputs).unflatten(-1, (12, 32)).transpose(1, 2)
            for projection in (self.query, self.key, self.value)
        )
        mixed = functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        inputs = self.first(inputs + self.out(mixed))
        outputs: Tensor = self.second(inputs + self.down(functional.gelu(self.up(inputs))))
        return outputs


NETWORKS: dict[str, tuple[Make, tuple[int, ...]]] = {
    "perceptron": (perceptron, (784,)),
    "VGG-16": (vgg16, (3, 32, 32)),
    "encoder": (Encoder, (64, 384)),
}


def thinned(module: nn.Module, density: float) -> nn.Module:
    """Set weights of linear layers and convolutions but the last to 0, at random positions."""
    layers = [layer for layer in module.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    with torch.no_grad():
        for layer in layers[:-1]:
            layer.weight.mul_(torch.rand_like(layer.weight) < density)
    return module.eval()


def rows() -> Iterator[str]:
    """Yield the lines of the table."""
    for name, (make, shape) in NETWORKS.items():
        for density in DENSITIES:
            for batch in BATCHES:
                torch.manual_seed(0)
                network, inputs = thinned(make(), density), torch.randn(batch, *shape)
                found = accelerate(network, inputs, repeats=REPEATS)
                before, after = found.before.median * 1000, found.after.median * 1000
                kinds = (CsrLinear, CsrConvolution)
                sparse = sum(isinstance(layer, kinds) for layer in found.network.modules())
                yield (
                    f"| {name} | {density:g} | {batch} | {before:.2f} | {after:.2f} | "
                    f"{before / after:.1f} | {sparse} of {len(found.layers)} |"
                )


def paths() -> Iterator[str]:
    """Yield the two ways to multiply by sparse rows in torch, for one layer of 1,024 × 1,024."""
    torch.manual_seed(0)
    layer, inputs = nn.Linear(1024, 1024), torch.randn(32, 1024)
    thinned(nn.Sequential(layer, nn.Linear(1, 1)), 0.05)
    sparse = CsrLinear(layer)
    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "dense": layer,
        "torch.sparse.mm": sparse,
        "linear with a CSR weight": lambda rows: functional.linear(rows, sparse.weight, layer.bias),
    }
    for name, way in ways.items():
        yield f"{name}: {latency(way, inputs, repeats=50).median * 1000:.2f} ms"


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(f"torch {torch.__version__}, MKL: {torch.backends.mkl.is_available()}\n")
    with torch.no_grad():
        print("\n".join(paths()), end="\n\n")
    print("| network | density | batch | dense ms | fastest ms | times as fast | sparse layers |")
    print("|---|---|---|---|---|---|---|")
    for row in rows():
        print(row, flush=True)


if __name__ == "__main__":
    main()
