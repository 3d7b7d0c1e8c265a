"""What a plugin's manifest needs: the hook marker, the definitions, parameter models and enums.

Nothing here imports torch or numpy, so that a spec is validated where neither is installed. A
definition names its implementation as ``"package.module:Class"``; only a run imports it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

import pluggy
from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "Access",
    "AggregatorDef",
    "AnyDefinition",
    "AttackerDef",
    "AttackerParams",
    "AttributeAttackerParams",
    "AttributeName",
    "DataCard",
    "DataDef",
    "DefenceDef",
    "DefenceParams",
    "Definition",
    "Density",
    "Game",
    "InitialParams",
    "Kind",
    "LayerMark",
    "LayerName",
    "MethodDef",
    "MethodParams",
    "MetricDef",
    "ModelDef",
    "Params",
    "ReferenceAttackerParams",
    "Role",
    "Slot",
    "StrategyDef",
    "component_id",
    "hookimpl",
]

API_VERSION = 1
PROJECT = "safecompress"

hookimpl = pluggy.HookimplMarker(PROJECT)


class Kind(StrEnum):
    """What a component is; each kind has a hook and a place in the spec."""

    DATA = "data"
    MODEL = "model"
    STRATEGY = "strategy"
    ATTACKER = "attacker"
    DEFENCE = "defence"
    METRIC = "metric"
    AGGREGATOR = "aggregator"
    METHOD = "method"


class Role(StrEnum):
    """The three parts that a strategy component can play."""

    INITIAL = "initial"
    PRUNE = "prune"
    GROW = "grow"


class Game(StrEnum):
    """What an adversary tries to find out; it fixes ground truth, baseline and measures."""

    MEMBERSHIP = "membership"
    ATTRIBUTE = "attribute"


class Access(StrEnum):
    """What an adversary may see of a model, weakest first; each level includes those before it."""

    LABEL_ONLY = "label-only"
    BLACK_BOX = "black-box"
    GRAY_BOX = "gray-box"
    WHITE_BOX = "white-box"

    def covers(self, other: "Access") -> bool:
        """Whether an adversary with this access also has the other one."""
        levels = list(Access)
        return levels.index(self) >= levels.index(other)


class Params(BaseModel):
    """Parameters of a component, as a spec writes them: immutable, no unknown fields, no NaN."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=True,
    )


@dataclass(frozen=True, slots=True)
class Slot:
    """Marks a field that holds a component: ``Annotated[Params, Slot(Kind.DEFENCE)]``.

    The spec layer replaces such a field by a union, discriminated on ``type``, of all that is
    registered for the kind (and role).
    """

    kind: Kind
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class AttributeMark:
    """Marks a field that names an attribute of the data; checked before anything trains."""


@dataclass(frozen=True, slots=True)
class LayerMark:
    """Marks a field that names a parameter or a module of the model; checked like an attribute."""


AttributeName = Annotated[str, AttributeMark()]
LayerName = Annotated[str, LayerMark()]
Density = Annotated[float, Field(gt=0, le=1)]


def component_id(params: Params) -> str:
    """What results and other parts of the spec call a component: its ``id``, or else its type."""
    return str(getattr(params, "id", None) or getattr(params, "type", type(params).__name__))


class AttackerParams(Params):
    """Parameters that every attacker has."""

    id: str | None = None
    """What results call this attacker; by default its type."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """How much it counts when objectives are aggregated."""


class ReferenceAttackerParams(AttackerParams):
    """Parameters that every attacker with reference models has."""

    references: Annotated[int, Field(ge=4)] = 16
    """How many reference models it compares with. They are shared: a run trains as many as the
    attacker that asks for most, and each costs as much as the model that is attacked."""


class AttributeAttackerParams(AttackerParams):
    """Parameters that every attacker of the attribute game has."""

    attribute: AttributeName
    """The private attribute that it infers."""


class DefenceParams(Params):
    """Parameters that every defence has."""

    id: str | None = None
    """What a strategy's ``set`` calls this defence; by default its type."""


class InitialParams(Params):
    """Parameters that every initial topology has."""

    weights: Literal["random", "inherit"] = "random"
    """``random``: fresh weights at random positions. ``inherit``: the uncompressed model's weights,
    the largest of each layer."""


class MethodParams(Params):
    """Parameters that every method has."""

    defences: list[Annotated[Params, Slot(Kind.DEFENCE)]] = []
    """Changes of training, in the order in which they are applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCard:
    """What is known of a data set before it is loaded.

    Attributes:
        samples: number of samples.
        classes: number of task labels.
        attributes: private attributes and how many values each has.
    """

    samples: int
    classes: int
    attributes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A named, installable part: what a spec may write as ``type:`` and where its code lies.

    Attributes:
        name: what a spec writes as ``type:``, lower case with hyphens.
        params: the model of its parameters.
        target: ``"package.module:Class"``, imported only by a run and called with the parameters.
        summary: one line, for ``safecompress plugins list``.
        cites: paper, year, section or equation; empty where there is nothing to cite.
        api: version of this interface that the plugin was written for.
    """

    kind: ClassVar[Kind]

    name: str
    params: type[Params]
    target: str
    summary: str
    cites: str = ""
    api: int = API_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDef(Definition):
    """A source of samples; its target is a :class:`safecompress_core.toolkit.DataSource`.

    ``card`` tells, from the parameters alone, what will be loaded; leave it out where that needs
    the data itself.
    """

    kind: ClassVar[Kind] = Kind.DATA
    card: Callable[[Any], DataCard] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDef(Definition):
    """An architecture; its target is a :class:`safecompress_core.toolkit.ModelFactory`."""

    kind: ClassVar[Kind] = Kind.MODEL


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyDef(Definition):
    """A part of a strategy: its target is an ``Initial``, ``Prune`` or ``Grow`` of the toolkit."""

    kind: ClassVar[Kind] = Kind.STRATEGY
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackerDef(Definition):
    """A simulated attack; its target is a :class:`safecompress_core.toolkit.Attacker`.

    ``references`` says that it compares with reference models; its parameters are then a subclass
    of ``ReferenceAttackerParams``, and only an audit may name it. ``pairs_with_uncompressed`` says
    that it also sees the uncompressed model; only an audit may name such an attacker either.
    """

    kind: ClassVar[Kind] = Kind.ATTACKER
    game: Game
    access: Access
    references: bool = False
    pairs_with_uncompressed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DefenceDef(Definition):
    """A change of training; its target is a :class:`safecompress_core.toolkit.Defence`."""

    kind: ClassVar[Kind] = Kind.DEFENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDef(Definition):
    """A measure of the model that is no attack; its target is a toolkit ``Metric``.

    ``higher_is_better`` tells on which side a gate takes the interval's careful end.
    """

    kind: ClassVar[Kind] = Kind.METRIC
    higher_is_better: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatorDef(Definition):
    """A rule that chooses among candidates; its target is a toolkit ``Aggregator``."""

    kind: ClassVar[Kind] = Kind.AGGREGATOR


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodDef(Definition):
    """A way to a compressed model; its target is a toolkit ``Method``."""

    kind: ClassVar[Kind] = Kind.METHOD


AnyDefinition = (
    DataDef
    | ModelDef
    | StrategyDef
    | AttackerDef
    | DefenceDef
    | MetricDef
    | AggregatorDef
    | MethodDef
)
