"""The static parts of a spec, and the model for a registry."""

import re
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from safecompress_core.api import component_id
from safecompress_core.field_docs import field_docs
from safecompress_core.host import Registry
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.run_spec import (
    Gate,
    Pools,
    RunSpec,
    Training,
    build_spec_model,
)


def test_every_field_says_what_it_is_for() -> None:
    """The descriptions are what an editor shows."""
    for model in (RunSpec, Pools, Training, Gate):
        assert field_docs(model).keys() >= model.model_fields.keys()


@pytest.mark.parametrize("members", [0.5, 1, 900, 0.001])
def test_members_are_a_share_or_a_count(members: float) -> None:
    """The type tells which: 1 is one sample."""
    assert Pools(members=members).members == members
    assert type(Pools(members=members).members) is type(members)


@pytest.mark.parametrize("members", [0, 0.0, 1.0, 1.5, -3])
def test_what_is_neither_share_nor_count_is_refused(members: float) -> None:
    """1.0 would be everybody, and leave no non-members."""
    with pytest.raises(ValidationError, match="a share between 0 and 1, a whole number"):
        Pools(members=members)


@pytest.mark.parametrize("bounds", [{}, {"at_least": 1.0, "at_most": 2.0}])
def test_a_gate_has_exactly_one_bound(bounds: dict[str, float]) -> None:
    """None would always pass, two are two gates."""
    with pytest.raises(ValidationError, match="write one of 'at_least', 'at_most' or"):
        Gate(measure="accuracy", **bounds)


def short_spec(name: str) -> str:
    """The shortest good spec, of that name."""
    task = "{data: {type: letters}, model: {type: mlp}}"
    return f"version: 1\nname: {name}\ntask: {task}\nmethod: {{type: loop, density: 0.5}}\n"


@pytest.mark.parametrize(
    ("name", "offer"), [("Multi Attack", "multi-attack"), ("a_b", "a-b"), ("--", "my-run")]
)
def test_a_run_is_named_in_lower_case_with_hyphens(
    problems: Callable[..., list[str]], name: str, offer: str
) -> None:
    """It becomes the name of a folder; the message offers one that is near."""
    (problem,) = problems(text=short_spec(name))

    assert re.search(f"name: '{name}' is no name for a run, .*; write '{offer}', say$", problem)


def test_the_shortest_spec_is_whole(loaded: Callable[..., LoadedSpec]) -> None:
    """Everything but version, name, task and method has a default that is right."""
    spec = loaded(text=short_spec("short")).spec

    assert (spec.seed, spec.device, spec.training.epochs) == (0, "auto", 200)
    assert [component_id(metric) for metric in spec.metrics] == ["accuracy", "file-bytes"]
    assert component_id(spec.choose) == "pareto"
    assert spec.pools == type(spec.pools)()


def test_one_registry_has_one_model(registry: Registry) -> None:
    """Validating many specs builds it once."""
    assert build_spec_model(registry) is build_spec_model(registry)
    assert build_spec_model(registry) is not build_spec_model(Registry([]))


def test_a_component_is_called_by_its_id_or_its_type(loaded: Callable[..., LoadedSpec]) -> None:
    """What results, gates and strategies use."""
    spec = loaded().spec
    own = loaded("attackers=[{type: threshold, id: mine}]", text=short_spec("x")).spec

    assert [component_id(one) for one in spec.audit.attackers] == ["entropy", "probe"]
    assert component_id(own.attackers[0]) == "mine"
