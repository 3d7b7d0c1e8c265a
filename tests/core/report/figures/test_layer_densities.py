"""Drawing of densities by layer."""

from typing import Any

from safecompress_core.report.figures.layer_densities import (
    LayerDensity,
    layer_densities,
    read_layers,
)
from safecompress_core.results.schema import Results
from tests.core.fixtures.records import typed


def with_layers(results: dict[str, Any], layers: list[dict[str, Any]]) -> Results:
    """Return results whose method has facts of these layers."""
    return typed(results | {"method": results["method"] | {"facts": {"layers": layers}}})


def test_layers_are_drawn_in_the_networks_order(results: dict[str, Any]) -> None:
    """With figures for those who do not see the drawing; a rule that emptied a layer has none."""
    layers = [
        {"name": "b.weight", "density": 0.25, "erdos_renyi": 0.5},
        {"name": "a.weight", "density": 0.125, "erdos_renyi": None},
    ]
    found = with_layers(results, layers)

    assert read_layers(found) == [
        LayerDensity(name="b.weight", density=0.25, expected=0.5),
        LayerDensity(name="a.weight", density=0.125, expected=None),
    ]
    drawing = layer_densities(found)
    assert drawing is not None
    assert "b.weight 0.250, Erdős–Rényi 0.500; a.weight 0.125." in drawing


def test_a_dense_method_and_a_single_layer_have_no_drawing(results: dict[str, Any]) -> None:
    """There is nothing to compare."""
    one = [{"name": "a.weight", "density": 0.125, "erdos_renyi": 0.125}]

    assert layer_densities(with_layers(results, [])) is None
    assert layer_densities(with_layers(results, one)) is None
