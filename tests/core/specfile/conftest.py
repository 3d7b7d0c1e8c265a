"""A registry of a few components, and specs that name them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from safecompress_core.api import (
    BLACK_BOX,
    AggregatorDef,
    AttackerDef,
    AttackerParams,
    AttributeAttackerParams,
    AttributeName,
    DataCard,
    DataDef,
    DefenceDef,
    DefenceParams,
    Definition,
    Density,
    DensityParams,
    Kind,
    MethodDef,
    MetricDef,
    ModelDef,
    Params,
    Role,
    Slot,
    StrategyDef,
)
from safecompress_core.errors import SpecError
from safecompress_core.games.manifest import DEFINITIONS as GAMES
from safecompress_core.host import Origin, Registry
from safecompress_core.specfile.load import LoadedSpec, load_spec
from safecompress_core.specfile.models.changes import Changes

GOOD = """\
version: 1
name: trial
task:
  data: {type: letters}
  model: {type: mlp, hidden: [8]}
method:
  type: loop
  density: 0.1
  defences:
    - {type: smooth, target: 0.3}
  steps:
    - grow: {type: gradient}
      set: {smooth.target: [0.1, 0.3]}
attackers:
  - {type: threshold}
audit:
  attackers:
    - {type: entropy}
    - {type: probe, attribute: session}
gate:
  - {measure: accuracy, at_least: 0.6}
  - {measure: membership.advantage, at_most: 0.1}
"""


class Letters(Params):
    """A data set whose size is known beforehand."""

    count: Annotated[int, Field(ge=1)] = 100
    """How many letters."""


class Mlp(Params):
    """An architecture."""

    hidden: list[Annotated[int, Field(ge=1)]] = [8]
    """Units of each hidden layer."""


class Smooth(DefenceParams):
    """A defence with numbers, and one with words."""

    target: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Where the loss should stay."""
    rounds: int = 2
    """How often."""
    mode: str = "soft"
    """How."""


class Probe(AttributeAttackerParams):
    """An attack on one attribute, and perhaps others."""

    attribute: AttributeName
    """What it looks for."""
    others: list[AttributeName] = []
    """What it looks for besides."""


class Threshold(AttackerParams):
    """An attack with one parameter."""

    level: float = 0.5
    """Where it cuts."""


class Step(Params):
    """A model that is no component and holds one."""

    grow: Annotated[Params, Slot(Kind.STRATEGY, Role.GROW)]
    """How it grows."""
    set: Changes = {}
    """What it changes."""


class Loop(DensityParams):
    """A method with everything that a method may have."""

    density: Density
    """Fraction kept."""
    update_fraction: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share replaced."""
    steps: list[Step] = []
    """What it does."""


class Blend(Params):
    """An aggregator of aggregators."""

    parts: list[Annotated[Params, Slot(Kind.AGGREGATOR)]] = []
    """What it blends."""


def a_registry(definitions: Iterable[Definition]) -> Registry:
    """A registry of definitions that all come from one distribution."""
    origin = Origin(plugin="trial", distribution="trial-plugins", version="1.0")
    return Registry((definition, origin) for definition in definitions)


@pytest.fixture(scope="session")
def definitions() -> tuple[Definition, ...]:
    """One definition a kind at least."""

    def card(params: Letters) -> DataCard:
        return DataCard(samples=params.count, classes=26, attributes={"session": 14, "digit": 10})

    where = {"target": "trial:Trial"}
    attack = {**where, "needs": BLACK_BOX}
    return (
        *GAMES,
        DataDef(name="letters", params=Letters, summary="Letters.", card=card, **where),
        DataDef(name="unknown", params=Params, summary="No card.", **where),
        ModelDef(name="mlp", params=Mlp, summary="Layers.", **where),
        StrategyDef(name="gradient", params=Params, summary="Steepest.", role=Role.GROW, **where),
        StrategyDef(name="random", params=Params, summary="Any.", role=Role.GROW, **where),
        AttackerDef(
            name="threshold", params=Threshold, summary="Cuts.", game="membership", **attack
        ),
        AttackerDef(
            name="entropy", params=AttackerParams, summary="Sure.", game="membership", **attack
        ),
        AttackerDef(name="probe", params=Probe, summary="Reads.", game="attribute", **attack),
        DefenceDef(
            name="smooth", params=Smooth, summary="Smooths the loss.", cites="Chen 2022", **where
        ),
        DefenceDef(name="plain", params=DefenceParams, summary="Nothing.", **where),
        MetricDef(name="accuracy", params=Params, summary="Share right.", **where),
        MetricDef(name="file-bytes", params=Params, summary="Bytes.", **where),
        AggregatorDef(name="pareto", params=Params, summary="The front.", **where),
        AggregatorDef(name="blend", params=Blend, summary="Several.", **where),
        MethodDef(name="loop", params=Loop, summary="The loop.", **where),
    )


@pytest.fixture(scope="session")
def registry(definitions: tuple[Definition, ...]) -> Registry:
    """What the tests' specs may name."""
    return a_registry(definitions)


@pytest.fixture
def loaded(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., LoadedSpec]:
    """Loads a text as ``trial.yaml`` of the current directory."""
    monkeypatch.chdir(tmp_path)

    def load(*overrides: str, text: str = GOOD, skipped: tuple[object, ...] = ()) -> LoadedSpec:
        Path("trial.yaml").write_text(text)
        return load_spec(
            Path("trial.yaml"), overrides=overrides, registry=registry, skipped=skipped
        )

    return load


@pytest.fixture
def problems(loaded: Callable[..., LoadedSpec]) -> Callable[..., list[str]]:
    """The problems of a text and overrides, as a user reads them; none if it is good."""

    def find(*overrides: str, text: str = GOOD, skipped: tuple[object, ...] = ()) -> list[str]:
        try:
            loaded(*overrides, text=text, skipped=skipped)
        except SpecError as error:
            return [str(problem) for problem in error.problems]
        return []

    return find


@pytest.fixture
def changed() -> Callable[..., str]:
    """The good spec with a part of its text replaced, which must occur once."""

    def change(before: str, after: str) -> str:
        assert GOOD.count(before) == 1
        return GOOD.replace(before, after)

    return change
