"""The spec of an audit: a model that exists already, attacked and compared with gates.

It begins with ``kind: audit``, which distinguishes it from the spec of a run: nothing is trained,
so there is no method, and nothing is chosen, so there is no pool to choose on.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from safecompress_core.api import (
    AttackerParams,
    CodeMark,
    DataPath,
    Kind,
    Params,
    Seed,
    Slot,
)
from safecompress_core.specfile.models.components import Definitions
from safecompress_core.specfile.models.run_spec import (
    GIVEN,
    MOST_ENTRIES,
    Device,
    EpsilonBound,
    Gate,
    Members,
    Share,
    Slug,
    components_of,
)

__all__ = [
    "AuditPools",
    "AuditSpec",
    "AuditTask",
    "Judges",
    "ReadyReferences",
    "TrainFunction",
    "build_audit_model",
]


class AuditTask(Params):
    """Task of the model: its data, private attributes and architecture."""

    data: Annotated[Params, Slot(Kind.DATA)]
    """The samples, as the model takes them, their task label and their private attributes."""
    model: Annotated[Params, Slot(Kind.MODEL)] | None = None
    """The architecture, for a file that holds weights alone; a file of SafeCompress and a folder of
    Hugging Face say it themselves."""
    representation: str | None = None
    """The module whose output is the representation; by default it is the input of the last linear
    layer."""
    answers: Literal["logits", "probabilities", "auto"] = "logits"
    """What the model answers with. Of one that answers with probabilities the logits, and so the
    gradients of its last layer, are not known: it gives black-box access only. ``auto``, for models
    of black-box access: probabilities where every answer is a distribution."""
    output: str | int | None = None
    """Which of several outputs of a model holds its answers: its name, or of a tuple its number,
    from 0; by default the one called ``logits`` or ``probabilities``."""
    labels: list[str] = []
    """Names of the model's labels, in the order of its outputs; by default those of the data in
    their order, or what the model's own file says."""


class AuditPools(Params):
    """Disjoint pools: both sides are split in two."""

    members: Members = GIVEN
    """Who trained the model: ``given`` leaves it to the data; a share or a number is drawn by the
    seed, as the run of the same seed has drawn it that made the model."""
    attack_train: Share = 0.5
    """Share of either side that the simulated adversary knows."""
    audit: Share = 0.5
    """Share of either side that is asked about."""
    duplicates: Literal["remove", "keep"] = "remove"
    """What becomes of samples with the input and the label of another one: ``remove`` leaves one of
    them, and refuses data that have one among members and among non-members; ``keep`` does not look
    for any."""


class TrainFunction(Params):
    """A Python function that trains a model as the audited one was trained."""

    type: Literal["python"]
    """How reference models are trained: by a function of the user; only with --allow-code."""
    function: Annotated[str, CodeMark()]
    """``module:function``. It is called with ``indices``, the positions of samples in the data,
    and ``seed``, and returns a model, or an answer to every sample of the data."""
    folder: DataPath | None = None
    """A folder to import from, in addition to installed packages."""
    arguments: dict[str, Any] = {}
    """Further keyword arguments of the function."""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Processor threads of torch and BLAS while it trains, whatever process trains it. Rounding may
    depend on them, and so results do not depend on ``--workers``."""


class ReadyReferences(Params):
    """Reference models that are trained already."""

    type: Literal["folder", "in-memory"]
    """Where reference models come from: a folder of files of predictions; ``in-memory`` is what a
    call from Python was given."""
    path: DataPath | None = None
    """The folder. Each file has a row for each sample of the data, in their order, and says which
    of them its model was trained on; its form is that of the data set ``predictions``."""

    fingerprint: str | None = None
    """Of ``in-memory``, the SHA-256 of the models, or of the function that trains them."""

    @model_validator(mode="after")
    def _has_place(self) -> "ReadyReferences":
        if (self.type == "folder") != (self.path is not None):
            raise ValueError("'path' is the folder of 'type: folder', which needs one")
        return self


class Judges(Params):
    """Attackers of the audit."""

    attackers: Annotated[
        list[Annotated[AttackerParams, Slot(Kind.ATTACKER)]],
        Field(min_length=1, max_length=MOST_ENTRIES),
    ]
    """The attackers. One that compares with reference models needs ``train`` or ``references``."""
    train: TrainFunction | None = None
    """Trains reference models, and a swap twin."""
    references: ReadyReferences | None = None
    """Reference models that are trained already, instead of ``train``."""
    swap_test: bool = True
    """Whether ``train`` also trains the model with members and non-members of the audit pool
    exchanged, which the results compare with it: for the owner's eyes, since no adversary can."""
    prior: Share = 0.1
    """Share of members among those an adversary asks about, at which precision is stated."""
    epsilon: EpsilonBound = EpsilonBound()
    """Terms of the lower bound on ε."""
    accept_shift: bool = False
    """Whether the verdict stands although members differ from non-members without the model."""
    min_risk: Share = 0.9
    """Risk from which a member counts as exposed: the probability that a record with its score is a
    member, if half of all records are. A gate on ``<attack>.exposed_members`` refers to it."""


class AuditSpec(Params):
    """Attacks on an existing model, and the gates that it has to meet."""

    version: Literal[1]
    """Version of the spec's format."""
    kind: Literal["audit"]
    """That this is the spec of ``safecompress audit``, and not of a run."""
    name: Slug
    """What the audit is called; lower case, with hyphens."""
    seed: Seed = 0
    """Every random choice follows from it."""
    device: Device = "auto"
    """Where a model of weights is asked; one of any other format is asked on the processor."""
    task: AuditTask
    """Data, and what is known of the model."""
    pools: AuditPools = AuditPools()
    """Who knows which sample."""
    audit: Judges
    """The attacks."""
    metrics: Annotated[
        list[Annotated[Params, Slot(Kind.METRIC)]], Field(max_length=MOST_ENTRIES)
    ] = Field(default=[{"type": "accuracy"}, {"type": "file-bytes"}])  # type: ignore[list-item]
    """Metrics of the model other than attacks."""
    gate: Annotated[list[Gate], Field(max_length=MOST_ENTRIES)] = []
    """Bounds that the model must keep."""


@lru_cache(maxsize=4)
def build_audit_model(registry: Definitions) -> type[AuditSpec]:
    """The model of an audit's spec for what is registered."""
    return components_of(registry).expand(AuditSpec)
