"""The manifest of the five aggregators."""

import subprocess
import sys
from importlib import import_module

import pytest
from pydantic import ValidationError

from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.choose.manifest import DEFINITIONS, ParetoParams, SeverityParams


def test_every_target_is_an_aggregator() -> None:
    """What a definition names can be imported, and is what its kind asks for."""
    for definition in DEFINITIONS:
        module, _, name = definition.target.partition(":")
        assert issubclass(getattr(import_module(module), name), Aggregator)


def test_manifest_imports_no_numbers() -> None:
    """A spec is validated where neither numpy nor moocore is installed."""
    code = (
        "import sys, safecompress_core.choose.manifest\n"
        "print(sorted({'numpy', 'moocore', 'torch'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pick": "reference-point"}, "needs reference"),
        ({"reference": {"performance": 1, "advantage": 0}}, "no meaning with pick: knee"),
        ({"pick": "hypervolume", "exponent": 2}, "no meaning with pick: hypervolume"),
        ({"pick": "elbow"}, "'knee'"),
    ],
)
def test_options_that_do_not_fit_the_pick_are_refused(
    options: dict[str, object], message: str
) -> None:
    """No option is silently left unread."""
    with pytest.raises(ValidationError, match=message):
        ParetoParams.model_validate(options)


def test_resolved_parameters_are_valid_again() -> None:
    """A resolved spec spells out defaults, and must still load."""
    for pick in ("knee", "hypervolume", "tm-score"):
        params = ParetoParams(pick=pick)
        assert ParetoParams.model_validate(params.model_dump()) == params


@pytest.mark.parametrize(
    ("risk", "message"),
    [
        ({"severity": -1}, "greater than 0"),
        ({"severity": 0}, "greater than 0"),
        ({"commonality": {"low": -1, "high": 2}}, "greater than or equal to 0"),
        ({"commonality": {"low": 2, "high": 1}}, "low: 2 is not below high: 1"),
        ({"commonality": {"low": 0, "high": 0}}, "low: 0 is not below high: 0"),
        ({"severity": {"low": 1, "mode": 4, "high": 3}}, "mode: 4 is outside 1 to 3"),
        ({"severity": {"low": 1, "mode": 0, "high": 3}}, "mode: 0 is outside 1 to 3"),
        ({"severity": {"low": 1}}, "Field required"),
        ({"severity": "high"}, "valid number"),
        ({}, "write severity, commonality or both"),
    ],
)
def test_a_risk_that_is_no_distribution_is_refused(risk: dict[str, object], message: str) -> None:
    """No draw can be negative, and none of all can be 0."""
    with pytest.raises(ValidationError, match=message) as refused:
        SeverityParams.model_validate({"attacks": {"membership": risk}})
    assert refused.value.error_count() == 1


def test_resolved_risks_are_valid_again() -> None:
    """A resolved spec spells out defaults, and must still load."""
    risk = {"severity": {"low": 1, "mode": 2, "high": 4}, "commonality": 3}
    params = SeverityParams.model_validate({"attacks": {"membership": risk}})

    assert SeverityParams.model_validate(params.model_dump()) == params
    assert SeverityParams.model_validate(params.model_dump(mode="json")) == params
