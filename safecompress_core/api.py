"""Interface of manifests: the hook marker, definitions, parameter models and enums.

Nothing here imports torch or numpy, so that a spec is validated where neither is installed. A
definition names its implementation as ``"package.module:Class"``; only a run imports it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, get_args

import pluggy
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from safecompress_core.field_docs import field_docs

__all__ = [
    "ADVANTAGE",
    "BLACK_BOX",
    "GRAY_BOX",
    "LABEL_ONLY",
    "UNDECLARED",
    "WHITE_BOX",
    "Access",
    "AggregatorDef",
    "AnyDefinition",
    "AttackNamesMark",
    "AttackerDef",
    "AttackerParams",
    "AttributeAttackerParams",
    "AttributeName",
    "Baseline",
    "CodeMark",
    "CombinedAttackerDef",
    "CombinedAttackerParams",
    "DataCard",
    "DataDef",
    "DataPath",
    "DefenceDef",
    "DefenceParams",
    "Definition",
    "Density",
    "DensityParams",
    "EvasionAttackerParams",
    "ExporterDef",
    "ExporterParams",
    "ExtractionAttackerParams",
    "FinisherDef",
    "GameDef",
    "GradientAttackerParams",
    "HeldOut",
    "InitialParams",
    "Kind",
    "LayerMark",
    "LayerName",
    "Measure",
    "MeasureNamesMark",
    "MeasureWeights",
    "MembershipMark",
    "MethodDef",
    "MethodParams",
    "MetricDef",
    "ModelDef",
    "NamedParams",
    "Need",
    "Params",
    "Part",
    "PathMark",
    "ReferenceAttackerParams",
    "Role",
    "Seed",
    "Slot",
    "SparseTrainingParams",
    "Start",
    "StrategyDef",
    "VersionsAttackerParams",
    "Workload",
    "attribute_of",
    "component_id",
    "hookimpl",
    "references_of",
    "role_of",
    "versions_of",
]

# Raised when a change of the interface breaks plugins; a definition states its own.
API_VERSION = 1
PROJECT = "safecompress"

ADVANTAGE = "advantage"
"""The measure that every game has: gain over the baseline, where 0 is nothing and 1 everything."""

# One marker for all plugins: pluggy finds implementations by the project name in it.
hookimpl = pluggy.HookimplMarker(PROJECT)


class Kind(StrEnum):
    """Kind of a component; each has a hook, and all but games and exporters a place in the spec."""

    DATA = "data"
    MODEL = "model"
    STRATEGY = "strategy"
    GAME = "game"
    ATTACKER = "attacker"
    DEFENCE = "defence"
    METRIC = "metric"
    AGGREGATOR = "aggregator"
    METHOD = "method"
    FINISHER = "finisher"
    EXPORTER = "exporter"


class Role(StrEnum):
    """The three parts that a strategy component can play."""

    INITIAL = "initial"
    PRUNE = "prune"
    GROW = "grow"


class Need(StrEnum):
    """A thing that a component cannot do without; a definition names all of them.

    - ``labels``: the labels that the model answers, also to inputs of the adversary's own making;
    - ``posteriors``: its posteriors for the samples of a pool;
    - ``queries``: its posteriors for inputs of the adversary's own making;
    - ``parameters``: its parameters, and so its activations and gradients;
    - ``gradients``: the gradient of the loss on single samples, as a participant of federated
      learning sends it;
    - ``references``: reference models, which an audit trains;
    - ``uncompressed``: the uncompressed model that compression started from;
    - ``versions``: other compressed versions of the model;
    - ``twin``: the model's swap twin, trained with members and others of the pool exchanged, which
      only the owner of the data can train;
    - ``encoding``: an attribute that is a part of the model's input, to write other values there;
    - ``continuous-inputs``: inputs that can change a little, unlike token ids and codes;
    - ``reference-data``: samples that are no members (``pools.reference``);
    - ``code``: permission to import code that the spec names (``--allow-code``).
    """

    LABELS = "labels"
    POSTERIORS = "posteriors"
    QUERIES = "queries"
    PARAMETERS = "parameters"
    GRADIENTS = "gradients"
    REFERENCES = "references"
    UNCOMPRESSED = "uncompressed"
    VERSIONS = "versions"
    TWIN = "twin"
    ENCODING = "encoding"
    CONTINUOUS_INPUTS = "continuous-inputs"
    REFERENCE_DATA = "reference-data"
    CODE = "code"


LABEL_ONLY = frozenset({Need.LABELS})
"""An adversary that gets labels."""
BLACK_BOX = LABEL_ONLY | {Need.POSTERIORS}
"""An adversary that also gets posteriors of the samples in question."""
GRAY_BOX = BLACK_BOX | {Need.QUERIES}
"""An adversary that also gets posteriors of inputs of its own making."""
WHITE_BOX = GRAY_BOX | {Need.PARAMETERS}
"""An adversary that holds the model."""


class Access(StrEnum):
    """Level of access to a model, weakest first: a name for a set of needs."""

    LABEL_ONLY = "label-only"
    BLACK_BOX = "black-box"
    GRAY_BOX = "gray-box"
    WHITE_BOX = "white-box"

    @property
    def needs(self) -> frozenset[Need]:
        """What it gives."""
        return _NEEDS_BY_ACCESS[self]

    def covers(self, other: "Access") -> bool:
        """Return whether this access includes the other."""
        # Inclusion of sets: levels are nested, so this is their order.
        return self.needs >= other.needs


_NEEDS_BY_ACCESS = {
    Access.LABEL_ONLY: LABEL_ONLY,
    Access.BLACK_BOX: BLACK_BOX,
    Access.GRAY_BOX: GRAY_BOX,
    Access.WHITE_BOX: WHITE_BOX,
}


class Params(BaseModel):
    """Parameters of a component, as a spec writes them: immutable, no unknown fields, no NaN.

    A class is built when it is first used. The docstrings of its fields are their descriptions in
    its JSON Schema.

    Attributes:
        definition: what the parameters of a spec are for; None for those that no spec has made.
    """

    definition: ClassVar["Definition | None"] = None

    model_config = ConfigDict(
        # A misspelt parameter must fail instead of being ignored.
        frozen=True,
        # NaN passes any comparison with a limit, since all are False.
        extra="forbid",
        # Validators are built on first use: a process uses few of the components.
        allow_inf_nan=False,
        defer_build=True,
        # Defaults may be given as they are written in a spec, and become components.
        validate_default=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler(schema)
        properties = handler.resolve_ref_schema(written).get("properties", {})
        # From the source, since docstrings of fields do not exist at run time.
        for name, text in field_docs(cls).items():
            shown = properties.get(cls.model_fields[name].alias or name)
            if shown is not None:
                # A description that the field states itself wins.
                shown.setdefault("description", text)
        return written


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


@dataclass(frozen=True, slots=True)
class AttackNamesMark:
    """Marks a mapping by attack; each key is a game or an attacker's id, checked with the spec."""


@dataclass(frozen=True, slots=True)
class MeasureNamesMark:
    """Marks the weights of device measures in a choice; each key is the id of a metric of the spec.

    The metric's definition has to state ``is_exact``, which is checked with the spec.
    """


@dataclass(frozen=True, slots=True)
class MembershipMark:
    """Marks a field of data by which a spec says which samples are members.

    ``pools.members`` has to be ``given`` for it to count; a spec that says otherwise is warned of.
    """


@dataclass(frozen=True, slots=True)
class PathMark:
    """Marks a field that names a file or folder, from where the command was started.

    ``${env:NAME}`` in it is an environment variable, ``${env:NAME:-value}`` one with a value for
    where it is not set; else that it is set is checked with the spec.
    """


@dataclass(frozen=True, slots=True)
class CodeMark:
    """Marks a field that names code which a spec imports, outside of any component."""


AttributeName = Annotated[str, AttributeMark()]
DataPath = Annotated[str, PathMark()]
MeasureWeights = Annotated[dict[str, Annotated[float, Field(gt=0)]], MeasureNamesMark()]
LayerName = Annotated[str, LayerMark()]
# 0 is excluded: an empty network computes nothing.
Density = Annotated[float, Field(gt=0, le=1)]
Start = Literal["random", "inherit", "pretrained"]
"""Origin of the weights that sparse training starts from."""


def _distinct(starts: list[Start]) -> list[Start]:
    for start in starts:
        if starts.count(start) > 1:
            raise ValueError(f"{start!r} is listed more than once; write it once")
    return starts


Starts = Annotated[
    Annotated[Start, Tag("start")]
    | Annotated[list[Start], Field(min_length=1), AfterValidator(_distinct), Tag("starts")],
    # By the kind of the value: pydantic would report the errors of both branches.
    Discriminator(lambda weights: "starts" if isinstance(weights, list | tuple) else "start"),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": list(get_args(Start))},
                {
                    "type": "array",
                    "items": {"enum": list(get_args(Start))},
                    "minItems": 1,
                    "uniqueItems": True,
                },
            ]
        }
    ),
]
# 2**63 − 1: torch's generators take signed 64-bit seeds.
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]


class NamedParams(Params):
    """Parameters of a component that a spec may give a name."""

    id: str | None = None
    """What results and other parts of the spec call it; by default its type."""


def component_id(params: Params) -> str:
    """Return the name of a component in results and specs: its ``id``, or else its type."""
    if isinstance(params, NamedParams) and params.id:
        return params.id
    # Parameters built in code rather than from a spec carry no definition.
    definition = type(params).definition
    return type(params).__name__ if definition is None else definition.name


class AttackerParams(NamedParams):
    """Parameters that every attacker has."""

    id: str | None = None
    """What results call this attacker; by default its type."""
    weight: Annotated[float, Field(ge=0)] = 1.0
    """How much it counts when objectives are aggregated."""


class ReferenceAttackerParams(AttackerParams):
    """Parameters that every attacker with reference models has."""

    references: Annotated[int, Field(ge=4, le=4096)] = 16
    """How many reference models it compares with. They are shared: a run trains as many as the
    attacker that asks for most, and each costs as much as the model that is attacked."""


class VersionsAttackerParams(AttackerParams):
    """Parameters that every attacker has that also sees other compressed versions of the model."""

    versions: Annotated[int, Field(ge=2, le=1000)] = 4
    """How many compressed versions it holds at most, the one that is attacked included. The others
    are models of the archive that ``audit.front`` keeps: the ends of the front come first."""


class CombinedAttackerParams(AttackerParams):
    """Parameters that every attacker has that is made of others."""

    attackers: Annotated[list[Annotated[AttackerParams, Slot(Kind.ATTACKER)]], Field(min_length=2)]
    """What it is made of: attackers of one game, either membership or one attribute."""

    @property
    def attribute(self) -> str | None:
        """The attribute that its parts are after; None for membership."""
        # Parts attack the same target, which the spec's checks ensure.
        return attribute_of(self.attackers[0])

    @property
    def references(self) -> int:
        """As many reference models as the part that asks for most; 0 if none does."""
        return max(map(references_of, self.attackers))

    @property
    def versions(self) -> int:
        """As many compressed versions as the part that asks for most; 0 if none does."""
        return max(map(versions_of, self.attackers))


class AttributeAttackerParams(AttackerParams):
    """Parameters that every attacker of the attribute game has."""

    attribute: AttributeName
    """The private attribute that it infers."""


def attribute_of(params: AttackerParams) -> str | None:
    """Return the private attribute that an attacker is after; None if it is after none."""
    if isinstance(params, AttributeAttackerParams | CombinedAttackerParams):
        return params.attribute
    return None


def references_of(params: AttackerParams) -> int:
    """Return how many reference models an attacker asks for; 0 for none."""
    if isinstance(params, ReferenceAttackerParams | CombinedAttackerParams):
        return params.references
    return 0


def versions_of(params: AttackerParams) -> int:
    """Return how many compressed versions an attacker holds at most; 0 for none."""
    if isinstance(params, VersionsAttackerParams | CombinedAttackerParams):
        return params.versions
    return 0


class EvasionAttackerParams(AttackerParams):
    """Parameters that every attacker of the evasion game has."""

    norm: Literal["linf", "l2"] = "linf"
    """How the size of a change is measured: ``linf``, the largest change of any input value;
    ``l2``, the Euclidean length of the change."""
    epsilon: Annotated[float, Field(gt=0)]
    """The largest change that is allowed, in the inputs' own unit."""


class GradientAttackerParams(AttackerParams):
    """Parameters that every attacker has that is shown gradients of single samples."""

    samples: Annotated[int, Field(ge=2)] = 8
    """How many members of the pool it has to reconstruct; drawn at random."""


class ExtractionAttackerParams(AttackerParams):
    """Parameters that every attacker of the extraction game has."""

    budget: Annotated[int, Field(ge=2)] | None = None
    """How many samples of its own the adversary may have answered; by default all non-members of
    attack-train."""


class DefenceParams(NamedParams):
    """Parameters that every defence has."""

    id: str | None = None
    """What a strategy's ``set`` calls this defence; by default its type."""


class ExporterParams(Params):
    """Parameters that every exporter has: how far the file may differ from the model."""

    tolerance: Annotated[float, Field(gt=0)] | None = 1e-3
    """The largest difference of a logit on the audit pool that is accepted; none for any."""
    agreement: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The smallest share of the audit pool's samples that must keep their most likely label.
    Samples whose two largest logits differ by less than ``tolerance`` do not count."""


class InitialParams(Params):
    """Parameters that every initial topology has."""

    weights: Starts = "random"
    """``random``: fresh weights at random positions. ``inherit``: the uncompressed model's weights,
    the largest of each layer. ``pretrained``: likewise those that the model comes with. A list, for
    a method that compares models from the first step: each of them."""

    @property
    def starts(self) -> tuple[Start, ...]:
        """Return every kind of weights that training starts from."""
        return tuple(self.weights) if isinstance(self.weights, list) else (self.weights,)


class MethodParams(Params):
    """Parameters that every method has."""

    defences: list[Annotated[Params, Slot(Kind.DEFENCE)]] = []
    """Changes of training, in the order in which they are applied."""
    finish: list[Annotated[Params, Slot(Kind.FINISHER)]] = []
    """Stages that the chosen model goes through before it is stored and audited, in their order."""


class DensityParams(MethodParams):
    """Parameters that every method has which keeps a given share of the weights."""

    density: Density
    """Fraction of the sparsifiable weights that are kept."""


class SparseTrainingParams(DensityParams):
    """Parameters that every method has which trains a sparse network from its beginning."""

    # As written in a spec: core does not import the plugin that has it.
    initial: Annotated[Params, Slot(Kind.STRATEGY, Role.INITIAL)] = Field(
        default={"type": "erdos-renyi-kernel"},
        validate_default=True,
    )
    """The first topology."""
    update_every: Annotated[int, Field(ge=0)] = 5
    """Epochs between topology updates while a model trains; 0 for none."""
    update_fraction: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of active weights that the first topology update replaces."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    """How that share falls with training."""
    update_until: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Share of training after which the topology stays as it is; RigL uses 0.75."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCard:
    """Facts about a data set that are known before it is loaded.

    Attributes:
        samples: number of samples.
        classes: number of task labels.
        attributes: private attributes and how many values each has.
        input_shape: of one sample; (0,) for texts, () if only loading reveals it.
    """

    samples: int
    classes: int
    attributes: Mapping[str, int]
    input_shape: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Work that a method does at most, known before anything is loaded.

    Attributes:
        epochs: passes over the members, of all models that it trains together.
        fits: how often every attacker is trained from scratch.
        tests: how often a model is attacked during the run.
        candidates: how many models are tested in each round; empty for a method without rounds.
        field: how many lineages each round of a race trains; empty for a method that has none.
        abreast: how many models of a round may be trained at the same time, since none depends on
            another; 0 for all.
        has_twins: whether each model has a swap twin, whose epochs count as well.
        replay_epochs: passes over the members to train the chosen model again by itself; None for a
            method without a lineage, which is run again as a whole.
    """

    epochs: int
    fits: int = 0
    tests: int = 0
    candidates: tuple[int, ...] = ()
    field: tuple[int, ...] = ()
    abreast: int = 0
    has_twins: bool = False
    replay_epochs: int | None = None

    @property
    def chooses(self) -> bool:
        """Return whether tests choose a model: they see several in a round, or without rounds."""
        return (max(self.candidates) if self.candidates else self.tests) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """Models of parts of the members, which are asked about those that they were not trained on.

    Attributes:
        models: how many are trained.
        left_out: how many of them leave each member out, in [1, models - 1].
    """

    models: int
    left_out: int


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
        needs: what it cannot do without.
    """

    kind: ClassVar[Kind]

    name: str
    params: type[Params]
    target: str
    summary: str
    cites: str = ""
    api: int = API_VERSION
    needs: frozenset[Need] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataDef(Definition):
    """A source of samples; its target is a :class:`safecompress_core.toolkit.DataSource`.

    ``card`` states, from the parameters alone, what will be loaded; leave it out where that needs
    the data itself.
    """

    kind: ClassVar[Kind] = Kind.DATA
    card: Callable[[Any], DataCard] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDef(Definition):
    """An architecture; its target is a :class:`safecompress_core.toolkit.ModelFactory`.

    ``narrowed`` states, from the parameters and a factor in (0, 1], those of the same architecture
    with its layers that much narrower, so that a small dense one can be made of it; leave it out
    where the width cannot be chosen.
    """

    kind: ClassVar[Kind] = Kind.MODEL
    narrowed: Callable[[Any, float], Params] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyDef(Definition):
    """A part of a strategy: its target is an ``Initial``, ``Prune`` or ``Grow`` of the toolkit."""

    kind: ClassVar[Kind] = Kind.STRATEGY
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure that a game computes of every attack, with an interval.

    Attributes:
        name: its key in results; a gate writes ``<attacker>.<name>`` or ``<game>.<name>``.
        label: what tables call it; by default its name.
        unit: of the figure; empty for a share or a count.
        higher: what a higher figure says of the model.
        lowest: the lower end of its range, where there is one: a gate beyond it is refused.
        highest: the upper end likewise.
        guess: the key in results of what the baseline achieves by this measure; empty for none.
        has_gates: whether a gate may name it.
        is_shown: whether the table of the audit has a row of it; a measure without one may be
            missing where an audit does not ask for details.
        is_numeric: whether only an attribute that is a number has it.
    """

    name: str
    label: str = ""
    unit: str = ""
    higher: Literal["riskier", "safer"] = "riskier"
    lowest: float = -math.inf
    highest: float = math.inf
    guess: str = ""
    has_gates: bool = True
    is_shown: bool = True
    is_numeric: bool = False

    @property
    def title(self) -> str:
        """The label with the unit, as a row of a table has it."""
        label = self.label or self.name.replace("_", " ")
        return f"{label} in {self.unit}" if self.unit else label


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Strategy of an adversary without the model, and its result, in words.

    Both are templates; ``{key}`` is what the results of an attack have under that key.

    Attributes:
        guess: a noun, as in ``random noise of the same size``.
        achieves: a verb and the figure, as in ``leaves a share of {baseline} wrong``.
    """

    guess: str
    achieves: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GameDef(Definition):
    """Game that adversaries play; its target is a toolkit ``Game``.

    The target is called with the definition. An attacker names the game that it plays. What specs,
    gates and reports say of a game comes from here; its implementation is imported by a run.

    Attributes:
        params: what the parameters of every attacker of the game are a subclass of.
        measures: in the order in which tables show them; one of them is ``advantage``.
        question: what its adversaries try to answer, as a question.
        advantage: what the advantage is, in terms of the game's other measures.
        baselines: what is achieved without the model; the first whose keys an attack has is shown.
        rules: what tables call each value of a key that names a rule for guessing.
        inverted_by: the mistakes of a user that turn the scores of an attack around.
        is_leakage: whether the game measures leakage of the data; other games are another risk.
        scores_samples: whether its attackers score every sample of a pool, so that several can be
            combined into one.
        compares_candidates: whether candidates can be tested by it, sample by sample or unit by
            unit: its results can be drawn anew (`toolkit.Resampling`).
        counts: what its figures are read on: all samples of a pool, its non-members, or units of
            the game's own.
        needs: what all of its attackers need, in addition to what each of them names.
    """

    kind: ClassVar[Kind] = Kind.GAME

    params: type[AttackerParams] = AttackerParams
    measures: tuple[Measure, ...]
    question: str
    advantage: str
    baselines: tuple[Baseline, ...]
    rules: Mapping[str, str] = field(default_factory=dict, hash=False)
    inverted_by: str = "labels or scores exchanged"
    is_leakage: bool = True
    scores_samples: bool = False
    compares_candidates: bool = True
    counts: Literal["samples", "non-members", "units"] = "samples"

    def measure(self, name: str) -> Measure | None:
        """The measure of that name; None if the game has no such measure."""
        # Few measures, so a search is as fast as a mapping.
        return next((measure for measure in self.measures if measure.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackerDef(Definition):
    """A simulated attack; its target is a :class:`safecompress_core.toolkit.Attacker`.

    ``game`` is the name of a registered game, which says what class of the toolkit the target is:
    an ``Attacker`` scores samples, an ``Evader`` moves them, an ``Inverter`` reconstructs them, an
    ``Extractor`` imitates the model.

    ``needs`` is a level of access (``LABEL_ONLY``, ``BLACK_BOX``, ``GRAY_BOX``, ``WHITE_BOX``) and
    what the attacker needs in addition. With ``Need.REFERENCES``, ``Need.VERSIONS`` or
    ``Need.GRADIENTS`` its parameters are a subclass of ``ReferenceAttackerParams``,
    ``VersionsAttackerParams`` or ``GradientAttackerParams``. Only an audit may name an attacker
    that needs reference models, the uncompressed model or other versions; only selection one that
    needs a swap twin.

    ``is_trained`` states that fitting it trains a network: a race of lineages saves such an
    attacker on membership for its last rounds.
    """

    kind: ClassVar[Kind] = Kind.ATTACKER
    game: str
    needs: frozenset[Need]
    is_trained: bool = False

    @property
    def access(self) -> Access:
        """The weakest level of access that gives what it needs of the model."""
        # Levels are defined weakest first, so the first that suffices is the weakest.
        return next(level for level in Access if self.needs & WHITE_BOX <= level.needs)


@dataclass(frozen=True, slots=True, kw_only=True)
class CombinedAttackerDef(Definition):
    """An attacker that is made of others; what it plays and sees follows from these.

    Its parameters are a subclass of ``CombinedAttackerParams``. Its target is an ``Attacker`` of
    the toolkit as well, and is called with the parameters and, as a tuple of ``Part``, with what
    it is made of. Parts are of one game, membership or one attribute, and made of nothing
    themselves; the spec is checked for that.
    """

    kind: ClassVar[Kind] = Kind.ATTACKER

    def of(self, parts: Sequence[AttackerDef]) -> AttackerDef:
        """The attacker that it is with such parts: of their game, with the needs of all."""
        return AttackerDef(
            name=self.name,
            params=self.params,
            target=self.target,
            summary=self.summary,
            cites=self.cites,
            # All parts are of one game, which the spec is checked for.
            game=parts[0].game,
            # The whole sees what any part needs; each part is restricted to its own again.
            needs=frozenset[Need]().union(*(part.needs for part in parts)),
            is_trained=any(part.is_trained for part in parts),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """An attacker that another one is made of.

    Attributes:
        definition: its type; what it may see.
        params: its parameters.
        attacker: the attacker itself, not yet fitted.
    """

    definition: AttackerDef
    params: AttackerParams
    attacker: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DefenceDef(Definition):
    """A change of training; its target is a :class:`safecompress_core.toolkit.Defence`.

    With ``Need.REFERENCE_DATA`` it learns from samples that are no members, with
    ``Need.UNCOMPRESSED`` it asks the trained uncompressed model. ``held_out`` states from its
    parameters how many more uncompressed models, of parts of the members, it has trained to be
    asked about the rest.
    """

    kind: ClassVar[Kind] = Kind.DEFENCE
    held_out: Callable[[Any], HeldOut] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDef(Definition):
    """A measure of the model that is no attack; its target is a toolkit ``Metric``.

    ``higher_is_better`` decides which end of the interval a gate uses; ``lowest`` and ``highest``
    are the ends of its range, if it has any: a gate beyond them is refused. ``needs`` is the access
    to the model that it takes, ``WHITE_BOX`` to count what its layers do; a spec that audits a
    model without such access is refused. ``is_exact`` states that the figure follows from the model
    alone, whatever the samples, the clock and the machine, and is not negative: then ``choose`` may
    count it as a cost, if lower is better.
    """

    kind: ClassVar[Kind] = Kind.METRIC
    needs: frozenset[Need] = frozenset()
    higher_is_better: bool = True
    lowest: float = -math.inf
    highest: float = math.inf
    is_exact: bool = False

    @property
    def is_cost(self) -> bool:
        """Return whether a choice may count it."""
        return self.is_exact and not self.higher_is_better and self.lowest >= 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregatorDef(Definition):
    """A rule that chooses among candidates; its target is a toolkit ``Aggregator``."""

    kind: ClassVar[Kind] = Kind.AGGREGATOR


UNDECLARED = "does not declare that its steps may be divided among processes"
"""Reason to refuse a component in data-parallel training that says nothing about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodDef(Definition):
    """A way to a compressed model; its target is a toolkit ``Method``.

    ``workload`` states, from the parameters and ``training.epochs``, what it will do; without it
    ``safecompress plan`` cannot say how long a run is, and a defence cannot rely on models being
    chosen without tests. ``refuses`` are the defences that it cannot
    host, by name, each with the reason; a spec that names one of them is refused. ``has_twins``
    states that it can train a swap twin of each model that it tests, for attackers with
    ``Need.TWIN``. ``needs_whole_batch`` states why it cannot train in several processes that divide
    each batch among them, as a part of a sentence about it; empty where it can: its own changes of
    training (``method_defences``) read gradients, weights, or means over samples.

    A parameter ``budget`` is its cost at most, in trainings of one model, swap twins included: a
    comparison sets it. ``cost_fields`` are parameters that fix the cost instead; where one of them
    is given, there is no budget to set.
    """

    kind: ClassVar[Kind] = Kind.METHOD
    workload: Callable[[Any, int], Workload] | None = None
    has_twins: bool = False
    cost_fields: frozenset[str] = frozenset()
    refuses: Mapping[str, str] = field(default_factory=dict, hash=False)
    needs_whole_batch: str = UNDECLARED


@dataclass(frozen=True, slots=True, kw_only=True)
class FinisherDef(Definition):
    """A stage after training; its target is a :class:`safecompress_core.toolkit.Finisher`.

    ``reduces`` states that it may return a smaller network, which has to come before any codes.
    """

    kind: ClassVar[Kind] = Kind.FINISHER
    reduces: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterDef(Definition):
    """A format that a finished model is exported to; its target is a toolkit ``Exporter``.

    Its name is the format, as ``safecompress export --to`` takes it.

    Attributes:
        params: its parameters, a subclass of ``ExporterParams``.
        file: name of the file that it writes; empty for an exporter that fills the directory.
        runtime: the distribution that computes the file's answers, whose version is recorded.
        packages: further distributions that take part.
        usage: Python lines from ``inputs`` to ``logits``, run in the directory, for the model card.
        holds_graph: whether a file holds what is computed, and not weights alone; if not, a model
            with an output guard or rounded inputs is refused.
    """

    kind: ClassVar[Kind] = Kind.EXPORTER
    file: str
    runtime: str
    packages: tuple[str, ...] = ()
    usage: str = ""
    holds_graph: bool = False


# A union instead of the base class, so that type checkers know all kinds.
AnyDefinition = (
    DataDef
    | ModelDef
    | StrategyDef
    | GameDef
    | AttackerDef
    | CombinedAttackerDef
    | DefenceDef
    | MetricDef
    | AggregatorDef
    | MethodDef
    | FinisherDef
    | ExporterDef
)


def role_of(definition: Definition) -> Role | None:
    """Return the role of a part of a strategy; None for every other kind."""
    return definition.role if isinstance(definition, StrategyDef) else None
