"""Drawing of a sparse model's density by layer, next to an Erdős–Rényi kernel topology's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from safecompress_core.report.figures.drawing import ROW
from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure
from safecompress_core.results.schema import Results

__all__ = ["LayerDensity", "layer_densities", "read_layers"]

WIDTH = 560
MOST_LAYERS = 60
"""Layers of a figure at most; that of a deeper network would fill the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDensity:
    """Density of one layer.

    Attributes:
        name: of the layer's weight.
        density: in (0, 1].
        expected: that of an Erdős–Rényi kernel topology of the same density; None where such a
            topology would leave a layer without a weight.
    """

    name: str
    density: float
    expected: float | None


def read_layers(results: Results) -> list[LayerDensity]:
    """Return the densities of the chosen model's layers, in the network's order.

    Empty for a method that trains no sparse network.
    """
    # Facts are JSON of the method's own; the schema documents these.
    layers: Any = [] if results.method is None else results.method.facts.get("layers", [])
    return [
        LayerDensity(name=layer["name"], density=layer["density"], expected=layer["erdos_renyi"])
        for layer in layers
    ]


def layer_densities(results: Results) -> SvgFigure | None:
    """Return the drawing; None without sparse layers, or with too many."""
    layers = read_layers(results)
    return _draw(layers) if 1 < len(layers) <= MOST_LAYERS else None


def _draw(layers: Sequence[LayerDensity]) -> SvgFigure:
    def draw(axes: Axes) -> None:
        for row, layer in enumerate(layers):
            if layer.expected is not None:
                ends = [layer.expected, layer.density]
                axes.plot(ends, [row, row], color=Color.OTHER, lw=1.5, clip_on=False)
                axes.plot(
                    layer.expected, row, "o", ms=7, mfc=Color.GROUND, mec=Color.OTHER, mew=1.5
                )
            axes.plot(layer.density, row, "o", ms=8, mfc=Color.AFTER, mec=Color.GROUND, mew=1.5)
        highest = max(max(layer.density, layer.expected or 0) for layer in layers)
        axes.set_xlim(0, min(1.0, highest * 1.1))
        axes.set_ylim(len(layers) - 0.4, -0.6)
        axes.set_yticks(range(len(layers)), [_shorten(layer.name) for layer in layers])
        axes.tick_params(axis="y", labelcolor=Color.TEXT)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("density →")

    values = "; ".join(
        f"{layer.name} {layer.density:.3f}"
        + ("" if layer.expected is None else f", Erdős–Rényi {layer.expected:.3f}")
        for layer in layers
    )
    return render_figure(
        draw,
        name="layer-densities",
        title="Density by layer",
        description=f"Share of each layer's weights that is kept. {values}.",
        size=(WIDTH, ROW * len(layers) + 48),
        margins=(160, 4, 14, 44),
    )


def _shorten(name: str) -> str:
    """Return a layer's name with at most 22 characters; its end distinguishes it.

    >>> _shorten("1.weight"), _shorten("encoder.layer.11.attention.output.dense.weight")
    ('1', '…attention.output.dense')
    """
    layer = name.removesuffix(".weight")
    return layer if len(layer) <= 22 else f"…{layer[-22:]}"
