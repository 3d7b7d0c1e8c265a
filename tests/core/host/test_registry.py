"""The registry: by kind, role and name; from parameters to an implementation."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import pytest

from safecompress_core.api import (
    BLACK_BOX,
    AttackerDef,
    AttackerParams,
    CombinedAttackerDef,
    CombinedAttackerParams,
    Definition,
    Kind,
    MetricDef,
    Params,
    Role,
    StrategyDef,
)
from safecompress_core.errors import MissingExtraError, PluginError, TopologyError
from safecompress_core.host import Origin, Registry

Install = Callable[..., None]

ORIGIN = Origin(plugin="attacks", distribution="acme", version="1.0")


class ProbeParams(AttackerParams):
    """Parameters of the attacker that the registry's tests use."""

    depth: int = 1


class SeveralParams(CombinedAttackerParams):
    """Parameters of an ensemble of attackers."""


BUILT = """
from safecompress_core.toolkit import Attacker


class Built(Attacker):
    def __init__(self, *given):
        self.given = given

    def fit(self, known, *, generator): ...

    def score(self, evidence): ...
"""


class SpareParams(Params):
    """Parameters that several definitions share."""


def definition(name: str = "probe", target: str = "builtins:repr") -> AttackerDef:
    """An attacker's definition; its target is called with the parameters."""
    return AttackerDef(
        name=name,
        params=ProbeParams,
        target=target,
        summary="An attack.",
        game="membership",
        needs=BLACK_BOX,
    )


def strategy(name: str, role: Role) -> StrategyDef:
    """A strategy's definition."""
    return StrategyDef(
        name=name, role=role, params=SpareParams, target="builtins:repr", summary="A part."
    )


def registry_of(*definitions: Definition) -> Registry:
    """A registry in which all is from one plugin."""
    return Registry((one, ORIGIN) for one in definitions)


def test_definitions_come_by_name_and_role() -> None:
    """One name may serve in two roles; listings are in name order."""
    grow, prune = strategy("random", Role.GROW), strategy("random", Role.PRUNE)
    registry = registry_of(definition("zeta"), grow, prune, definition("alpha"))

    assert list(registry.definitions(Kind.ATTACKER)) == ["alpha", "zeta"]
    assert registry.definitions(Kind.STRATEGY, Role.GROW) == {"random": grow}
    assert registry.get(Kind.STRATEGY, "random", Role.PRUNE) is prune
    assert [one.name for one in registry] == ["random", "random", "alpha", "zeta"]


def test_two_plugins_of_one_distribution_cannot_be_told_apart_by_blocking() -> None:
    """The hint therefore is to rename one of them."""
    other = Origin(plugin="more", distribution="Acme", version="1.0")

    with pytest.raises(
        PluginError, match=r"already defined by acme:attacks 1\.0; rename one of them$"
    ):
        Registry([(definition(), ORIGIN), (definition(), other)])


def test_a_strategy_is_asked_for_with_its_role() -> None:
    """Without it, the answer would depend on which of two came last."""
    registry = registry_of(strategy("random", Role.GROW))

    with pytest.raises(ValueError, match="a strategy needs a role"):
        registry.definitions(Kind.STRATEGY)
    with pytest.raises(ValueError, match="a metric has no role"):
        registry.definitions(Kind.METRIC, Role.GROW)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """The message is what a user needs to correct a typing mistake."""
    registry = registry_of(definition("neural-whitebox"), definition("loss"))

    with pytest.raises(LookupError) as caught:
        registry.get(Kind.ATTACKER, "neural-whitbox")

    assert caught.value.args == (
        "there is no attacker 'neural-whitbox'; did you mean 'neural-whitebox'?",
    )


def test_the_origin_of_a_stranger_is_an_error() -> None:
    """A definition that only resembles a registered one is not from its plugin."""
    registry = registry_of(definition())

    with pytest.raises(LookupError, match="'probe' is not registered"):
        registry.origin(definition(target="elsewhere:Attack"))


def test_parameters_lead_to_their_definition() -> None:
    """Through what the spec layer put on their class, or because no other has this class."""
    first, second = (
        definition("first"),
        MetricDef(name="second", params=SpareParams, target="builtins:repr", summary="A measure."),
    )

    class RuntimeParams(ProbeParams):
        definition: ClassVar[AttackerDef] = first

    registry = registry_of(first, second)

    assert registry.definition_of(RuntimeParams()) is first
    assert registry.definition_of(SpareParams()) is second


def test_parameters_that_fit_no_definition_or_several_are_refused() -> None:
    """A wrong choice between two would run another attack than the requested one."""
    registry = registry_of(definition("first"), definition("second"))

    with pytest.raises(LookupError, match="several definitions .* ProbeParams"):
        registry.definition_of(ProbeParams())
    with pytest.raises(LookupError, match="no definition .* SpareParams"):
        registry.definition_of(SpareParams())


def test_create_calls_the_target_with_the_parameters(install: Install, tmp_path: Path) -> None:
    """The target is imported only now."""
    del install
    pytest.importorskip("torch", reason="classes of the interface need torch")
    (tmp_path / "acme_built.py").write_text(BUILT)

    built = registry_of(definition(target="acme_built:Built")).create(ProbeParams(depth=3))

    assert built.given == (ProbeParams(depth=3),)


def test_a_target_of_another_kind_is_refused() -> None:
    """A class that does not inherit from the interface would fail at its first use."""
    with pytest.raises(PluginError, match="is a str, which inherits from no class of .*toolkit"):
        registry_of(definition(target="builtins:repr")).create(ProbeParams())


def test_create_hands_an_attacker_the_parts_that_it_is_made_of(
    install: Install, tmp_path: Path
) -> None:
    """Built, with what each may see; an error of a part names the plugin that it comes from."""
    del install
    pytest.importorskip("torch", reason="classes of the interface need torch")
    (tmp_path / "acme_several.py").write_text(BUILT)
    several = CombinedAttackerDef(
        name="several", params=SeveralParams, target="acme_several:Built", summary="Several."
    )
    part = definition(target="acme_several:Built")
    params = SeveralParams(attackers=[ProbeParams(depth=1), ProbeParams(depth=2)])

    given, parts = registry_of(part, several).create(params).given

    assert given is params
    assert [one.attacker.given for one in parts] == [(ProbeParams(depth=n),) for n in (1, 2)]
    assert all(one.definition is part for one in parts)
    with pytest.raises(PluginError, match="cannot build the attacker 'probe' from math:sqrt"):
        registry_of(definition(target="math:sqrt"), several).create(params)


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("acme_nowhere:Attack", "ModuleNotFoundError: No module named 'acme_nowhere'"),
        ("math:Attack", "AttributeError: module 'math' has no attribute 'Attack'"),
        ("math:sqrt", "TypeError: must be real number, not ProbeParams"),
    ],
)
def test_an_implementation_that_fails_is_told_with_its_plugin(target: str, reason: str) -> None:
    """Import, lookup or construction: the message has plugin, target and reason."""
    with pytest.raises(PluginError) as caught:
        registry_of(definition(target=target)).create(ProbeParams())

    assert str(caught.value) == (
        f"acme 1.0: attacks: cannot build the attacker 'probe' from {target}: {reason}"
    )
    assert caught.value.__cause__ is not None


def test_a_missing_package_of_an_extra_names_the_extra(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the base install, the hint is the extra to install, not the missing torch."""
    del install
    (tmp_path / "acme_deep.py").write_text("import torch.nn")
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(MissingExtraError, match=r"pip install '.*\[run\]'"):
        registry_of(definition(target="acme_deep:Attack")).create(ProbeParams())


def test_an_implementations_own_errors_pass_through(install: Install, tmp_path: Path) -> None:
    """SafeCompress errors are meant for the user and are not wrapped."""
    del install
    (tmp_path / "acme_strict.py").write_text(
        "from safecompress_core.errors import TopologyError\n"
        "def attack(params): raise TopologyError('too thin')"
    )

    with pytest.raises(TopologyError, match="^too thin$"):
        registry_of(definition(target="acme_strict:attack")).create(ProbeParams())
