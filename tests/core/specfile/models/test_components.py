"""Runtime models of components."""

from typing import Annotated, Any

import pytest
from pydantic import Field, ValidationError

from safecompress_core.api import (
    AggregatorDef,
    Definition,
    Kind,
    MetricDef,
    Params,
    Role,
    Slot,
    StrategyDef,
)
from safecompress_core.host import Origin, Registry
from safecompress_core.specfile.models.components import TAG, Components, definition_of

GROW = Slot(Kind.STRATEGY, Role.GROW)


class Leaf(Params):
    """No parameters that matter."""

    size: Annotated[int, Field(ge=1)] = 1


class Branch(Params):
    """Holds components of its own kind."""

    parts: list[Annotated[Params, Slot(Kind.AGGREGATOR)]] = []
    by_name: dict[str, Annotated[Params, Slot(Kind.AGGREGATOR)]] = {}
    maybe: Annotated[Params, Slot(Kind.AGGREGATOR)] | None = None


class Twig(Params):
    """A model that is no component, and holds itself and a component."""

    leaf: Annotated[Params, GROW] = Leaf(size=7)
    twigs: "list[Twig]" = []
    share: float = 0.5
    is_on: bool = False
    count: int | list[int] = 1


class Tree(Params):
    """Holds a model that holds a component; its defaults are given in every way."""

    twig: Twig = Twig(share=0.25)
    leaf: Annotated[Params, GROW] = Field(default={"type": "leaf", "size": 3})  # type: ignore[assignment]
    made: Annotated[Params, GROW] = Field(default_factory=lambda: Leaf(size=4))


class Crown(Params):
    """A metric slot, of which there may be none or one."""

    metric: Annotated[Params, Slot(Kind.METRIC)]


def registry(*definitions: Definition) -> Registry:
    """Some definitions, as a plugin would register them."""
    origin = Origin(plugin="trial", distribution="trial", version="1")
    return Registry((one, origin) for one in definitions)


def components(*definitions: Definition) -> Components:
    """The models of some definitions."""
    return Components(registry(*definitions))


LEAF = StrategyDef(name="leaf", params=Leaf, target="t:T", summary="A leaf.", role=Role.GROW)
AGGREGATORS = (
    AggregatorDef(name="branch", params=Branch, target="t:T", summary="Holds."),
    AggregatorDef(name="leaf", params=Leaf, target="t:T", summary="A leaf.", cites="Acme 2024"),
)


def test_a_component_may_hold_its_own_kind_in_lists_mappings_and_alone() -> None:
    """To any depth; what comes out are instances of the plugins' own parameters."""
    model = components(*AGGREGATORS).models(Slot(Kind.AGGREGATOR))["branch"]
    leaf = {"type": "leaf", "size": 2}
    written = {
        "type": "branch",
        "parts": [{"type": "branch", "parts": [leaf]}],
        "by_name": {"a": leaf},
        "maybe": leaf,
    }

    value: Any = model.model_validate(written)

    assert isinstance(value, Branch)
    innermost = value.parts[0].parts[0]  # type: ignore[attr-defined]
    assert isinstance(innermost, Leaf)
    assert innermost.size == 2
    assert isinstance(value.by_name["a"], Leaf)
    assert model.model_validate(value.model_dump()) == value


def test_a_component_knows_its_definition() -> None:
    """Also where several definitions share one class of parameters."""
    models = components(
        LEAF, *AGGREGATORS, StrategyDef(**(_fields(LEAF) | {"name": "other"}))
    ).models(GROW)

    assert list(models) == ["leaf", "other"]
    assert definition_of(models["leaf"].model_validate({"type": "leaf"})) is LEAF
    assert definition_of(models["other"].model_validate({"type": "other"})).name == "other"


def _fields(definition: StrategyDef) -> dict[str, Any]:
    return {name: getattr(definition, name) for name in ("params", "target", "summary", "role")}


def test_defaults_may_be_mappings_instances_or_made() -> None:
    """Each becomes a component as if the spec had written it."""
    tree: Any = components(LEAF).expand(Tree)()

    assert (tree.leaf.type, tree.leaf.size) == ("leaf", 3)
    assert (tree.made.type, tree.made.size) == ("leaf", 4)
    assert (tree.twig.share, tree.twig.leaf.type, tree.twig.leaf.size) == (0.25, "leaf", 7)


def test_a_model_that_is_no_component_may_hold_itself() -> None:
    """Slots are replaced in it all the way down."""
    twig: Any = components(LEAF).expand(Twig)
    value = twig.model_validate({"twigs": [{"twigs": [{"leaf": {"type": "leaf", "size": 9}}]}]})

    assert value.twigs[0].twigs[0].leaf.size == 9
    with pytest.raises(ValidationError, match="no such strategy"):
        twig.model_validate({"twigs": [{"leaf": {"type": "thorn"}}]})


@pytest.mark.parametrize(
    "fields", [{"share": "0.5"}, {"share": True}, {"is_on": 1}, {"is_on": "yes"}, {"count": "3"}]
)
def test_numbers_and_booleans_are_not_guessed(fields: dict[str, object]) -> None:
    """A text that looks like a number is a mistake, and so is a truth value for one."""
    twig = components(LEAF).expand(Twig)

    with pytest.raises(ValidationError):
        twig.model_validate(fields)


def test_a_whole_number_is_a_number() -> None:
    """``share: 1`` is fine; bounds of the plugin still hold."""
    model = components(LEAF)

    assert model.expand(Twig).model_validate({"share": 1}).share == 1.0
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        model.models(GROW)["leaf"].model_validate({"type": "leaf", "size": 0})


def test_a_union_of_one_still_asks_for_its_name() -> None:
    """The type is written out even where there is no choice yet."""
    metric = MetricDef(name="accuracy", params=Params, target="t:T", summary="Share right.")
    crown: Any = components(metric).expand(Crown)

    assert crown.model_validate({"metric": {"type": "accuracy"}}).metric.type == "accuracy"
    for wrong in ({"type": "size"}, {}, 3):
        with pytest.raises(ValidationError, match="no such metric"):
            crown.model_validate({"metric": wrong})


def test_a_kind_without_definitions_refuses_everything() -> None:
    """A spec that names one gets an answer rather than a crash."""
    crown = components().expand(Crown)

    with pytest.raises(ValidationError, match="no such metric"):
        crown.model_validate({"metric": {"type": "accuracy"}})


def test_the_plugins_own_model_is_untouched() -> None:
    """Two registries in one process do not see each other's components."""
    before = Branch.model_fields["parts"].annotation
    components(*AGGREGATORS).models(Slot(Kind.AGGREGATOR))

    assert Branch.model_fields["parts"].annotation == before
    assert "type" not in Branch.model_fields


def test_only_the_components_that_a_spec_names_are_built() -> None:
    """Building all that is registered would take most of the time of ``validate``."""
    found = components(LEAF, *AGGREGATORS)
    found.expand(Tree).model_validate({"leaf": {"type": "leaf"}})

    assert list(found.models(GROW).built) == ["leaf"]
    assert list(found.models(Slot(Kind.AGGREGATOR))) == ["branch", "leaf"]
    assert found.models(Slot(Kind.AGGREGATOR)).built == {}


@pytest.mark.parametrize("is_complete", [False, True])
def test_a_path_names_the_branch_of_each_union(is_complete: bool) -> None:
    """Errors are the same, whether a union is complete or of what is named."""
    found = Components(registry(LEAF, *AGGREGATORS), is_complete=is_complete)
    written = {"type": "branch", "parts": [{"type": "leaf", "size": 0}, {"type": "twig"}]}
    model = found.models(Slot(Kind.AGGREGATOR))["branch"]

    with pytest.raises(ValidationError) as caught:
        model.model_validate(written)

    wrong, unknown = caught.value.errors()
    assert wrong["loc"] == ("parts", 0, f"{TAG}leaf", "size")
    assert (unknown["loc"], unknown["input"]) == (("parts", 1), {"type": "twig"})
    assert unknown["ctx"] == {"kind": "aggregator", "role": "", "names": "branch\nleaf"}
