"""JSON Schema of results."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from safecompress_core.results.schema import comparison_schema, export_schema, results_schema
from tests.core.fixtures.records import attack_record
from tests.core.fixtures.results import run_results


@pytest.mark.parametrize("schema", [results_schema(), comparison_schema(), export_schema()])
def test_it_is_a_schema_of_its_draft(schema: dict[str, Any]) -> None:
    """Every key has a description."""
    Draft202012Validator.check_schema(schema)
    records = [schema, *schema["$defs"].values()]
    fields = [field for record in records for field in record.get("properties", {}).values()]

    assert fields
    assert all("description" in field or "$ref" in field for field in fields)


@pytest.mark.parametrize("game", ["membership", "attribute", "evasion", "inversion", "toy"])
def test_results_fit_it(game: str) -> None:
    """Attacks of every game, each by the class of its game."""
    results = run_results().to_json()
    results["audit"] = {"one": attack_record(game, 0.2).to_json()}

    assert Draft202012Validator(results_schema()).is_valid(results)


def test_a_misspelt_key_does_not_fit_it() -> None:
    """Of a game of core; a plugin's game may have any."""
    validator = Draft202012Validator(results_schema())
    results = run_results().to_json()
    for game, is_valid in (("membership", False), ("toy", True)):
        results["audit"] = {"one": attack_record(game, 0.2).to_json() | {"acuracy": 0.5}}
        assert validator.is_valid(results) == is_valid
