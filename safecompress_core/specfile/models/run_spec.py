"""The parts of a spec that are the same whatever is installed, and the whole of it for a registry.

The docstrings of fields become their descriptions in the JSON Schema.
"""

import re
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from safecompress_core.api import (
    AttackerParams,
    DataPath,
    Kind,
    MethodParams,
    Params,
    Seed,
    Slot,
)
from safecompress_core.specfile.models.components import MOST, Components, Definitions

__all__ = [
    "GIVEN",
    "MOST_ENTRIES",
    "Audit",
    "AuditReferences",
    "Baseline",
    "EpsilonBound",
    "Gate",
    "Members",
    "Pools",
    "RateSchedule",
    "RunSpec",
    "Share",
    "Slug",
    "Sparsify",
    "Task",
    "Training",
    "build_spec_model",
    "components_of",
]

Share = Annotated[float, Field(gt=0, lt=1)]
MOST_ENTRIES = 100
"""The most attackers, metrics or gates that a list may have."""
MOST_RETRAINED = 20
"""The most uncompressed models that are trained again."""
GIVEN = "given"
"""What ``pools.members`` says where the data decide."""
RateSchedule = Literal["constant", "cosine", "linear"]
SLUG = "[a-z0-9]+(-[a-z0-9]+)*"


def _slug(name: str) -> str:
    # At most 64 characters, since names become folders.
    if re.fullmatch(SLUG, name) and len(name) <= 64:
        return name
    # A suggestion made of the letters that are allowed.
    words = "-".join(re.findall("[a-z0-9]+", name.lower()))[:64].strip("-")
    message = f"{name!r} is no name for a run, which is lower case with hyphens"
    raise ValueError(f"{message}; write {words or 'my-run'!r}, say")


def _members(members: int | float | str) -> int | float | str:
    # 1.0 is neither a share nor a number of samples.
    if members == GIVEN or (isinstance(members, float) and 0 < members < 1):
        return members
    if isinstance(members, int) and 1 <= members <= MOST:
        return members
    raise ValueError(
        f"{members!r} is neither a share of the samples nor a number of them; "
        "write a share between 0 and 1, a whole number from 1, or 'given'"
    )


Slug = Annotated[
    str,
    AfterValidator(_slug),
    WithJsonSchema({"type": "string", "pattern": f"^{SLUG}$", "maxLength": 64}),
]
Members = Annotated[
    Annotated[int, Field(le=2**63 - 1)] | float | str,
    AfterValidator(_members),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
                {"type": "integer", "minimum": 1, "maximum": MOST},
                {"const": GIVEN},
            ]
        }
    ),
]


class Sparsify(Params):
    """Weights that may be sparse; biases and normalisation never are."""

    layers: Annotated[list[Literal["linear", "convolution", "embedding"]], Field(min_length=1)] = [
        "linear",
        "convolution",
    ]
    """Kinds of layers; the projections of attention are linear."""
    include: Annotated[list[str], Field(min_length=1)] = ["*"]
    """Shell patterns of weights' names, of which one has to fit."""
    exclude: list[str] = []
    """Patterns of those that stay dense all the same."""


Device = Literal["auto", "cpu", "cuda", "mps"] | Annotated[str, Field(pattern="^cuda:[0-9]{1,3}$")]
"""A device as torch names it, or ``auto``."""


class Task(Params):
    """Task of the network: data, private attributes and architecture."""

    data: Annotated[Params, Slot(Kind.DATA)]
    """The samples, their task label and their private attributes."""
    model: Annotated[Params, Slot(Kind.MODEL)]
    """The architecture."""
    representation: str | None = None
    """The module whose output is the representation; by default it is the input of the last linear
    layer. ``safecompress inspect SPEC`` lists them."""
    sparsify: Sparsify = Sparsify()
    """Which weights may be sparse."""


class Pools(Params):
    """Disjoint pools of members, which are trained on, and non-members."""

    members: Members = 0.5
    """The samples that the network is trained on: a share of all, or how many; ``given`` leaves it
    to the data, if they contain it."""
    attack_train: Share = 0.4
    """Share of either side that the simulated adversary knows."""
    select: Share = 0.3
    """Share of either side on which candidates are tested during the run."""
    audit: Share = 0.3
    """Share of either side that is touched once, at the end."""
    reference: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of attack-train's non-members that a defence learns from, and no attack knows."""
    canaries: Annotated[int, Field(ge=0)] = 0
    """Members that are trained on with a wrong label, and reported apart."""
    duplicates: Literal["remove", "keep"] = "remove"
    """What becomes of samples with the input and the label of another one: ``remove`` leaves one of
    them, so that no member is among the non-members as well; ``keep`` does not look for any."""


class Augmentation(Params):
    """Random changes of training images."""

    crop: Annotated[int, Field(ge=0)] = 0
    """Pixels of padding with 0 on each side of an image, from which a window of the image's own
    size is cut; 4 is usual for images of 32 × 32."""
    flip: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Probability that an image is mirrored left to right; 0.5 is usual."""

    @property
    def is_random(self) -> bool:
        """Return whether anything is changed."""
        return bool(self.crop or self.flip)


class Training(Params):
    """Training of the networks."""

    epochs: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Passes over the members, in the whole run."""
    batch_size: Annotated[int, Field(ge=1, le=1_000_000)] = 64
    """Samples in a batch."""
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    """Adam, Adam with decoupled weight decay, or stochastic gradient descent with momentum."""
    learning_rate: Annotated[float, Field(gt=0)] = 0.001
    """Step size; a strategy may change it, and ``schedule`` and ``warmup`` scale what it is."""
    schedule: RateSchedule = "constant"
    """How the step size falls to 0 until the last epoch, or whether it stays."""
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of training in which the step size first rises from 0; with ``schedule: linear``: one
    cycle (Smith & Topin 2018, "Super-Convergence")."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Momentum of ``sgd``; the others do not use it."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Strength of the optimizer's own pull of weights to zero."""
    clip_norm: Annotated[float, Field(ge=0)] = 0.0
    """Largest norm of a step's gradient, over all weights together; 0 for no limit."""
    augmentation: Augmentation = Augmentation()
    """Random crops and flips of images, in the training of every network; a model is tested and
    attacked on images as they are."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """Arithmetic of the layers in training; ``auto``: bfloat16 for convolutions and tokens on
    devices made for it, else float32. Models are observed in float32, whatever this says."""
    channels_last: Literal["auto"] | bool = "auto"
    """Whether images lie in memory pixel by pixel; ``auto``: where training is in bfloat16 too."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Processor threads of all computation; by default one for a small network, else as many as
    torch has. Another number may round otherwise, so a run that is to be the same elsewhere, or
    next to others, states it."""
    compile: bool = False
    """Whether torch compiles the network for training: minutes at first, bytes of its own."""


class AuditReferences(Params):
    """Reference models of the audit; attackers say how many they compare with."""

    method: Literal["replay", "rerun"] = "replay"
    """Training of those of the compressed model: ``replay`` has the settings of the chosen model,
    round by round; ``rerun`` has a selection of its own."""


class EpsilonBound(Params):
    """Lower bound on the ε of differential privacy, from an attack's guesses."""

    delta: Annotated[float, Field(ge=0, lt=1)] = 1e-5
    """δ of the bound."""
    guesses: Annotated[
        list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1, max_length=MOST_ENTRIES)
    ] = [0.1, 0.25, 0.5]
    """Shares of the pairs that are guessed; the best one counts, and the confidence allows for the
    choice."""


class Audit(Params):
    """The attacks at the end, on data that nothing was chosen with."""

    attackers: Annotated[
        list[Annotated[AttackerParams, Slot(Kind.ATTACKER)]], Field(max_length=MOST_ENTRIES)
    ] = []
    """Attackers that did not select."""
    allow_selectors: bool = False
    """Whether an attacker may audit what it selected; its figures then read too low."""
    prior: Share = 0.1
    """Share of members among those an adversary asks about, at which precision is stated."""
    epsilon: EpsilonBound = EpsilonBound()
    """Terms of the lower bound on ε."""
    accept_shift: bool = False
    """Whether the verdict stands although members differ from non-members without the model."""
    min_risk: Share = 0.9
    """Risk from which a member counts as exposed: the probability that a record with its score is a
    member, if half of all records are. A gate on ``<attack>.exposed_members`` refers to it."""
    front: Literal["chosen", "ends", "all"] = "chosen"
    """Which models are audited: the chosen one, the two ends of the front as well, or all."""
    references: AuditReferences = AuditReferences()
    """How reference models of the compressed model are trained: ``replay`` repeats the training of
    the chosen model, ``rerun`` the whole method with its selection."""


class Baseline(Params):
    """The uncompressed model that the compressed one is compared with."""

    retrained: Annotated[int, Field(ge=0, le=MOST_RETRAINED)] | bool = False
    """Uncompressed models of other seeds on the same members, which show how much training alone
    changes a behaviour: how many, or ``true`` for one. A verdict of moderate changes takes three or
    more."""

    @property
    def models(self) -> int:
        """Number of models that are trained again."""
        return int(self.retrained)


class Gate(Params):
    """A bound on a measure; a run that misses one ends with exit code 1."""

    measure: str
    """``<metric>``, ``model.density``, ``model.file_bytes``, ``<game>.<measure>`` (the worst of the
    audit's attackers) or ``<audit attacker>.<measure>``."""
    at_least: float | None = None
    """The measure must reach this."""
    at_most: float | None = None
    """The measure must not exceed this."""
    no_worse_than: DataPath | None = None
    """Results of an earlier run or audit, a ``results.json`` or the directory of a run, whose
    figure bounds the measure: a relative gate."""
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse than the earlier figure the measure may be, in its unit."""
    against: Literal["interval", "estimate"] = "interval"
    """Compared with the bound: the careful end of the interval, or the estimate."""

    # After the fields, since it is a rule about several of them.
    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        names = ("at_least", "at_most", "no_worse_than")
        bounds = [name for name in names if getattr(self, name) is not None]
        if len(bounds) != 1:
            count = f"{len(bounds)} bounds" if bounds else "no bound"
            one_of = "'at_least', 'at_most' or 'no_worse_than'"
            raise ValueError(f"the gate has {count}; write one of {one_of}")
        if self.margin and self.no_worse_than is None:
            message = "a margin is for 'no_worse_than', and the gate has a bound of its own"
            raise ValueError(f"{message}; take 'margin' out")
        return self


class RunSpec(Params):
    """Model to compress, attacks to test it with, and gates that it has to meet."""

    version: Literal[1]
    """Version of the spec's format."""
    name: Slug
    """What the run is called; lower case, with hyphens."""
    seed: Seed = 0
    """Every random choice follows from it."""
    device: Device = "auto"
    """Where tensors live; ``auto`` takes the first accelerator there is."""
    task: Task
    """Data and model."""
    pools: Pools = Pools()
    """Who knows which sample."""
    training: Training = Training()
    """How networks are trained."""
    method: Annotated[MethodParams, Slot(Kind.METHOD)]
    """How the compressed model comes about."""
    baseline: Baseline = Baseline()
    """What the compressed model is compared with."""
    attackers: Annotated[
        list[Annotated[AttackerParams, Slot(Kind.ATTACKER)]], Field(max_length=MOST_ENTRIES)
    ] = []
    """Attackers that test candidates during the run."""
    metrics: Annotated[
        list[Annotated[Params, Slot(Kind.METRIC)]], Field(max_length=MOST_ENTRIES)
    ] = Field(default=[{"type": "accuracy"}, {"type": "file-bytes"}])  # type: ignore[list-item]
    """Metrics of a model other than attacks."""
    choose: Annotated[Params, Slot(Kind.AGGREGATOR)] = Field(
        default={"type": "pareto"}  # type: ignore[assignment]
    )
    """The rule that chooses among candidates."""
    audit: Audit = Audit()
    """The attacks at the end."""
    gate: Annotated[list[Gate], Field(max_length=MOST_ENTRIES)] = []
    """Bounds that the chosen model must keep."""


# Small: a process has one registry, tests a few.
@lru_cache(maxsize=4)
def components_of(registry: Definitions) -> Components:
    """The runtime models of what is registered, which all kinds of specs share."""
    return Components(registry)


@lru_cache(maxsize=4)
def build_spec_model(registry: Definitions) -> type[RunSpec]:
    """The spec's model for what is registered: every component field a union on ``type``."""
    return components_of(registry).expand(RunSpec)
