"""Device measures that a choice counts as costs: their weights, and checks of them."""

from collections.abc import Iterator

from safecompress_core.api import MeasureNamesMark, component_id
from safecompress_core.problems import Problem
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.models.components import definition_of
from safecompress_core.specfile.models.run_spec import RunSpec
from safecompress_core.specfile.names import offer

__all__ = ["check_measures", "measure_weights"]


def measure_weights(spec: RunSpec) -> dict[str, float]:
    """Return the weight of each metric that ``choose`` counts as a cost, by id."""
    return {
        name: weight
        for _, weights in find_marked(spec, MeasureNamesMark)
        for name, weight in weights.items()
    }


def check_measures(spec: RunSpec) -> Iterator[Problem]:
    """Find each measure of a choice that is no metric of the spec, not exact, or no cost."""
    metrics = {component_id(metric): definition_of(metric) for metric in spec.metrics}
    costs = [name for name, definition in metrics.items() if definition.is_cost]
    for path, weights in find_marked(spec, MeasureNamesMark):
        for name in weights:
            where = (*path, name)
            if name not in metrics:
                message = f"no metric of this spec is called {name!r}"
                none = "add it to metrics, such as {type: file-bytes}"
                yield Problem(where, message, offer(name, costs, none=none), at_key=True)
            elif metrics[name].higher_is_better or metrics[name].lowest < 0:
                message = f"{name!r} is no cost: it may be negative, or higher is better"
                yield Problem(where, message, "take it out", at_key=True)
            elif not metrics[name].is_exact:
                message = (
                    f"{name!r} is another figure whenever it is measured, so the same spec and "
                    "seed would not choose the same model"
                )
                hint = f"choose by {' or '.join(costs) or 'file-bytes, macs or peak-memory'}"
                yield Problem(where, message, f"{hint}; a gate may name {name!r}", at_key=True)
