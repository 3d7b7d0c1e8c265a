"""How a model is trained, and what a strategy may change of it."""

import json
from typing import Annotated, Literal

import pytest
from pydantic import Field

from safecompress_core.api import Params
from safecompress_core.specfile.models.changes import Change
from safecompress_core.training.settings import Settings


class ShakeParams(Params):
    noise: Annotated[float, Field(ge=0, le=1)] = 0.2
    width: Annotated[int, Field(ge=1)] = 8
    mode: Literal["soft", "hard"] = "soft"


START = Settings(
    learning_rate=0.01,
    density=0.1,
    update_fraction=0.5,
    rule=2,
    defences={"shake": ShakeParams(), "second": ShakeParams(noise=0.9)},
)


def changed(**changes: Change) -> Settings | None:
    """The settings of a model that started at ``START``."""
    return START.apply_changes({key.replace("__", "."): change for key, change in changes.items()})


def test_a_value_replaces_and_a_factor_multiplies_what_the_model_has_now() -> None:
    """Repeated factors walk a dial; everything else stays."""
    by_value = changed(shake__noise=Change(0.6), learning_rate=Change(0.1))
    once = changed(shake__noise=Change(2, is_factor=True))
    assert by_value is not None
    assert once is not None
    twice = once.apply_changes({"shake.noise": Change(2, is_factor=True)})
    assert twice is not None

    assert by_value.defences["shake"] == ShakeParams(noise=0.6)
    assert by_value.learning_rate == 0.1
    assert twice.defences["shake"] == ShakeParams(noise=0.8)
    assert twice.defences["second"] == START.defences["second"]
    assert (twice.rule, twice.learning_rate, twice.update_fraction) == (2, 0.01, 0.5)
    assert START.defences["shake"] == ShakeParams()


@pytest.mark.parametrize(
    "changes",
    [
        {"shake__noise": Change(6, is_factor=True)},
        {"shake__noise": Change(-0.1)},
        {"shake__width": Change(0)},
        {"learning_rate": Change(0)},
        {"update_fraction": Change(3, is_factor=True)},
        {"density": Change(0.2)},
        {"density": Change(1.1, is_factor=True)},
        {"density": Change(0)},
        {"shake__noise": Change(0.3), "second__noise": Change(1.5)},
    ],
)
def test_a_dial_beyond_its_end_gives_no_settings(changes: dict[str, Change]) -> None:
    """One of several is enough."""
    assert changed(**changes) is None


def test_the_ends_of_a_range_are_in_it() -> None:
    """0 and 1 for a share, whole numbers for a count."""
    found = changed(
        shake__noise=Change(5, is_factor=True),
        update_fraction=Change(0),
        shake__width=Change(0.5, is_factor=True),
    )

    assert found is not None
    assert found.defences["shake"] == ShakeParams(noise=1.0, width=4)
    assert found.update_fraction == 0


def test_a_model_becomes_sparser_and_never_denser() -> None:
    """Its own density is allowed; that of the model before it is not."""
    sparser = changed(density=Change(0.7, is_factor=True))

    assert sparser is not None
    assert sparser.density == pytest.approx(0.07)
    assert sparser.apply_changes({"density": Change(sparser.density)}) == sparser
    assert sparser.apply_changes({"density": Change(START.density)}) is None


def test_the_share_of_a_layer_is_a_factor_of_what_the_spec_gives_it() -> None:
    """A value is that factor; a factor multiplies the one that the model has now."""
    once = changed(**{"density.1.weight": Change(2.0)})
    assert once is not None
    twice = once.apply_changes({"density.1.weight": Change(0.25, is_factor=True)})
    assert twice is not None

    assert (START.value("density.1.weight"), once.layers) == (1.0, {"1.weight": 2.0})
    assert twice.layers == {"1.weight": 0.5}
    assert twice.layers_over(once) == {"1.weight": 0.25}
    assert START.layers_over(twice) == {"1.weight": 2.0}
    assert once.layers_over(once) == {}
    assert changed(**{"density.1.weight": Change(0)}) is None
    assert START.restore(json.loads(json.dumps(twice.to_json()))) == twice


def test_settings_come_back_from_json() -> None:
    """Equal, with the same types of parameters, to the last bit of a number."""
    odd = START.apply_changes({"learning_rate": Change(1 / 3), "shake.noise": Change(0.1 + 0.2)})
    assert odd is not None

    restored = START.restore(json.loads(json.dumps(odd.to_json())))

    assert restored == odd
    assert isinstance(restored.defences["shake"], ShakeParams)


def test_with_rule_changes_nothing_else() -> None:
    """The strategy that updates the topology from here on."""
    assert START.with_rule(0).to_json() == {**START.to_json(), "rule": 0}
