"""Values of a comparison that make no sense together."""

from typing import Any

import pytest

from safecompress_core.specfile.models.comparison_spec import (
    ComparisonSpec,
    find_excess,
    find_own_budgets,
)


def spec(**values: Any) -> ComparisonSpec:
    """A comparison of one variant."""
    content = {"version": 1, "name": "two", "base": "base.yaml", "variants": [{}]}
    return ComparisonSpec.model_validate(content | values)


@pytest.mark.parametrize(
    ("values", "path", "message"),
    [
        ({"budgets": [6, 12, 6]}, ("budgets", 2), "6 is given twice, and a run is done once"),
        ({"densities": [0.1, 0.1]}, ("densities", 1), "0.1 is given twice"),
        ({"seeds": [1, 1]}, ("seeds", 1), "1 is given twice"),
        (
            {"variants": [{}] * 150, "budgets": [6, 12]},
            ("variants",),
            "there are 300 variants times densities times budgets, and at most 200 may be",
        ),
        (
            {"variants": [{}] * 100, "seeds": list(range(30))},
            ("seeds",),
            "this makes 3000 runs, and at most 2000 may be",
        ),
    ],
)
def test_repeated_values_and_too_many_runs_are_problems(
    values: dict[str, Any], path: tuple[Any, ...], message: str
) -> None:
    """At the value that is one too many."""
    [problem] = find_excess(spec(**values))

    assert problem.path == path
    assert problem.message.startswith(message)


def test_a_variant_has_no_budget_beside_those_of_the_comparison() -> None:
    """Unless it is the only one, which changes nothing."""
    own = {"method": {"budget": 11}}

    [problem] = find_own_budgets(spec(variants=[{}, own], budgets=[6]))

    assert problem.path == ("variants", 1, "method", "budget")
    assert "the comparison has budgets, which replace the 11 of this variant" in problem.message
    for without in ({}, {"budgets": [11]}):
        assert not list(find_own_budgets(spec(variants=[{}, own], **without)))
