"""The manifest of the four aggregators."""

import subprocess
import sys
from importlib import import_module

import pytest
from pydantic import ValidationError

from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.choose.manifest import DEFINITIONS, ParetoParams


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
