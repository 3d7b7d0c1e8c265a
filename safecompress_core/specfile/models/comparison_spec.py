"""Values of a comparison spec, and combinations of them that make no sense."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field

from safecompress_core.api import Density, Params, Seed
from safecompress_core.problems import Problem
from safecompress_core.specfile.models.run_spec import Slug

__all__ = ["ComparisonSpec", "find_excess", "find_own_budgets"]

MAX_RUNS = 2000
"""Runs that a comparison may have."""
MAX_SPECS = 200
"""Variants times densities times budgets, each of which is validated."""


class ComparisonSpec(Params):
    """Variants of a run that are compared."""

    version: Literal[1]
    """Version of the format."""
    name: Slug
    """What the comparison is called; lower case, with hyphens."""
    base: Annotated[str, Field(min_length=1)]
    """The spec of a run that every variant changes; relative to this file."""
    variants: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MAX_SPECS)]
    """What each changes, and its ``name``; a name begins with that of its method, and is that by
    default."""
    densities: list[Density] = []
    """For every method that has a density; empty leaves each variant its own."""
    budgets: list[Annotated[float, Field(gt=0)]] = []
    """Costs at most, in trainings of one model, swap twins included, for every method that has a
    ``budget``; empty leaves each variant its own. Other methods cost what they cost."""
    seeds: Annotated[list[Seed], Field(min_length=1)] = [0]
    """Each variant runs once with each."""
    changes: dict[str, Any] = {}
    """What every variant changes, before its own changes: the audit, say."""
    mia: str | None = None
    """The membership attacker of the audit whose accuracy is the papers' MIA accuracy; by default
    the one of them that is right most often."""


def find_excess(spec: ComparisonSpec) -> Iterator[Problem]:
    """Return repeated combinations, and runs above the limit."""
    asked: dict[str, list[Any]] = {
        "seeds": spec.seeds,
        "densities": spec.densities,
        "budgets": spec.budgets,
    }
    for field, values in asked.items():
        seen = set()
        for index, value in enumerate(values):
            if value in seen:
                message = f"{value:g} is given twice, and a run is done once"
                yield Problem((field, index), message, "keep one of them")
            seen.add(value)
    # Without densities and budgets each variant counts once.
    specs = len(spec.variants) * max(1, len(spec.densities)) * max(1, len(spec.budgets))
    if specs > MAX_SPECS:
        times = "variants times densities" + (" times budgets" if spec.budgets else "")
        message = f"there are {specs} {times}, and at most {MAX_SPECS} may be"
        yield Problem(("variants",), message, "make several comparisons")
    elif specs * len(spec.seeds) > MAX_RUNS:
        message = f"this makes {specs * len(spec.seeds)} runs, and at most {MAX_RUNS} may be"
        yield Problem(("seeds",), message, "write fewer seeds, or make several comparisons")


def find_own_budgets(spec: ComparisonSpec) -> Iterator[Problem]:
    """Return the budgets of variants that those of the comparison would replace."""
    if not spec.budgets:
        return
    for index, variant in enumerate(spec.variants):
        method = variant.get("method")
        own = method.get("budget") if isinstance(method, dict) else None
        if own is not None and spec.budgets != [own]:
            message = f"the comparison has budgets, which replace the {own} of this variant"
            yield Problem(("variants", index, "method", "budget"), message, "leave one of them out")
