"""The hooks that a plugin may implement.

One hook a kind registers *named things*; the engine then dispatches by name, because a spec picks
any number of them, each with its own parameters. The lifecycle hooks are for observers: they are
notified and cannot change anything.

A plugin is a module (or object) whose functions are marked with
:data:`safecompress_core.api.hookimpl`, named by an entry point of the group ``safecompress``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pluggy

from safecompress_core.api import (
    PROJECT,
    AggregatorDef,
    AttackerDef,
    CombinedAttackerDef,
    DataDef,
    DefenceDef,
    ExporterDef,
    FinisherDef,
    GameDef,
    Kind,
    MethodDef,
    MetricDef,
    ModelDef,
    StrategyDef,
)

__all__ = [
    "HOOKS",
    "LIFECYCLE",
    "safecompress_aggregators",
    "safecompress_attack_finished",
    "safecompress_attackers",
    "safecompress_candidate_tested",
    "safecompress_data",
    "safecompress_defences",
    "safecompress_exporters",
    "safecompress_finishers",
    "safecompress_games",
    "safecompress_methods",
    "safecompress_metrics",
    "safecompress_models",
    "safecompress_reference_trained",
    "safecompress_round_finished",
    "safecompress_run_finished",
    "safecompress_run_started",
    "safecompress_strategies",
    "safecompress_training_progressed",
]

HOOKS: Mapping[Kind, str] = {
    # In the order of a spec, in which hooks are called and components listed.
    Kind.DATA: "safecompress_data",
    Kind.MODEL: "safecompress_models",
    Kind.STRATEGY: "safecompress_strategies",
    Kind.GAME: "safecompress_games",
    Kind.ATTACKER: "safecompress_attackers",
    Kind.DEFENCE: "safecompress_defences",
    Kind.METRIC: "safecompress_metrics",
    Kind.AGGREGATOR: "safecompress_aggregators",
    Kind.METHOD: "safecompress_methods",
    Kind.FINISHER: "safecompress_finishers",
    Kind.EXPORTER: "safecompress_exporters",
}
"""The hook that registers each kind."""

LIFECYCLE: Mapping[str, str] = {
    # Other events are recorded in events.jsonl without a hook.
    "run_started": "safecompress_run_started",
    "round_finished": "safecompress_round_finished",
    "candidate_tested": "safecompress_candidate_tested",
    "attack_finished": "safecompress_attack_finished",
    "reference_trained": "safecompress_reference_trained",
    "training_progressed": "safecompress_training_progressed",
    "run_finished": "safecompress_run_finished",
}
"""The hook that is called for each event, by the event's name."""

# The same project name as `hookimpl`, by which pluggy matches both.
hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def safecompress_data() -> Iterable[DataDef]:
    """Register sources of samples.

    >>> from safecompress_core.api import DataCard, DataDef, Params, hookimpl
    >>> class PagesParams(Params):
    ...     samples: int = 100
    >>> @hookimpl
    ... def safecompress_data():
    ...     yield DataDef(
    ...         name="pages",
    ...         params=PagesParams,
    ...         target="acme.pages:Pages",
    ...         summary="Scanned pages and who wrote them.",
    ...         card=lambda p: DataCard(samples=p.samples, classes=2, attributes={"age": 3}),
    ...     )
    >>> [definition] = safecompress_data()
    >>> definition.card(PagesParams(samples=7)).samples
    7
    """
    return ()


@hookspec
def safecompress_models() -> Iterable[ModelDef]:
    """Register architectures.

    >>> from safecompress_core.api import ModelDef, Params, hookimpl
    >>> class TwoLayersParams(Params):
    ...     width: int = 64
    >>> @hookimpl
    ... def safecompress_models():
    ...     yield ModelDef(
    ...         name="two-layers",
    ...         params=TwoLayersParams,
    ...         target="acme.two_layers:TwoLayers",
    ...         summary="Two linear layers.",
    ...     )
    >>> [definition.name for definition in safecompress_models()]
    ['two-layers']
    """
    return ()


@hookspec
def safecompress_strategies() -> Iterable[StrategyDef]:
    """Register initial topologies, prune rules and grow rules; one name may serve in each role.

    >>> from safecompress_core.api import Params, Role, StrategyDef, hookimpl
    >>> class OldestParams(Params):
    ...     pass
    >>> @hookimpl
    ... def safecompress_strategies():
    ...     yield StrategyDef(
    ...         name="oldest",
    ...         role=Role.PRUNE,
    ...         params=OldestParams,
    ...         target="acme.oldest:Oldest",
    ...         summary="Drop the weights that have been active longest.",
    ...     )
    >>> [definition.role.value for definition in safecompress_strategies()]
    ['prune']
    """
    return ()


@hookspec
def safecompress_games() -> Iterable[GameDef]:
    """Register games: what adversaries try to find out, and how an attack is measured.

    >>> from safecompress_core.api import Baseline, GameDef, Measure, hookimpl
    >>> @hookimpl
    ... def safecompress_games():
    ...     yield GameDef(
    ...         name="property",
    ...         target="acme.property:PropertyGame",
    ...         summary="Infer a property of the whole training set.",
    ...         question="Which property has the training set?",
    ...         advantage="the share of the guess's mistakes that are avoided",
    ...         measures=(
    ...             Measure(name="accuracy", lowest=0, highest=1, guess="baseline"),
    ...             Measure(name="advantage", lowest=0, highest=1),
    ...         ),
    ...         baselines=(Baseline(guess="a coin", achieves="is right with {baseline}"),),
    ...     )
    >>> [definition.measure("accuracy").title for definition in safecompress_games()]
    ['accuracy']
    """
    return ()


@hookspec
def safecompress_attackers() -> Iterable[AttackerDef | CombinedAttackerDef]:
    """Register simulated attacks.

    >>> from safecompress_core.api import BLACK_BOX, AttackerDef, AttackerParams, hookimpl
    >>> class MarginParams(AttackerParams):
    ...     temperature: float = 1.0
    >>> @hookimpl
    ... def safecompress_attackers():
    ...     yield AttackerDef(
    ...         name="margin",
    ...         params=MarginParams,
    ...         target="acme.margin:Margin",
    ...         summary="Members have a larger gap between the two largest posteriors.",
    ...         cites="Salem et al. 2019",
    ...         game="membership",
    ...         needs=BLACK_BOX,
    ...     )
    >>> [definition.access.value for definition in safecompress_attackers()]
    ['black-box']
    """
    return ()


@hookspec
def safecompress_defences() -> Iterable[DefenceDef]:
    """Register changes of training.

    >>> from safecompress_core.api import DefenceDef, DefenceParams, hookimpl
    >>> class SmoothingParams(DefenceParams):
    ...     amount: float = 0.1
    >>> @hookimpl
    ... def safecompress_defences():
    ...     yield DefenceDef(
    ...         name="smoothing",
    ...         params=SmoothingParams,
    ...         target="acme.smoothing:Smoothing",
    ...         summary="Soft labels.",
    ...     )
    >>> [definition.params().amount for definition in safecompress_defences()]
    [0.1]
    """
    return ()


@hookspec
def safecompress_metrics() -> Iterable[MetricDef]:
    """Register measures of a model that are no attacks.

    >>> from safecompress_core.api import MetricDef, Params, hookimpl
    >>> class EnergyParams(Params):
    ...     repeats: int = 10
    >>> @hookimpl
    ... def safecompress_metrics():
    ...     yield MetricDef(
    ...         name="energy",
    ...         params=EnergyParams,
    ...         target="acme.energy:Energy",
    ...         summary="Millijoules of one sample.",
    ...         higher_is_better=False,
    ...     )
    >>> [definition.higher_is_better for definition in safecompress_metrics()]
    [False]
    """
    return ()


@hookspec
def safecompress_aggregators() -> Iterable[AggregatorDef]:
    """Register rules that choose among candidates.

    >>> from safecompress_core.api import AggregatorDef, Params, hookimpl
    >>> class FirstParams(Params):
    ...     pass
    >>> @hookimpl
    ... def safecompress_aggregators():
    ...     yield AggregatorDef(
    ...         name="first",
    ...         params=FirstParams,
    ...         target="acme.first:First",
    ...         summary="Whatever comes first.",
    ...     )
    >>> [definition.kind.value for definition in safecompress_aggregators()]
    ['aggregator']
    """
    return ()


@hookspec
def safecompress_methods() -> Iterable[MethodDef]:
    """Register ways to a compressed model.

    >>> from safecompress_core.api import MethodDef, MethodParams, hookimpl
    >>> class HalvingParams(MethodParams):
    ...     times: int = 3
    >>> @hookimpl
    ... def safecompress_methods():
    ...     yield MethodDef(
    ...         name="halving",
    ...         params=HalvingParams,
    ...         target="acme.halving:Halving",
    ...         summary="Drop half of the weights, train, repeat.",
    ...     )
    >>> [definition.params().defences for definition in safecompress_methods()]
    [[]]
    """
    return ()


@hookspec
def safecompress_finishers() -> Iterable[FinisherDef]:
    """Register stages that a chosen model goes through before it is stored and audited.

    >>> from safecompress_core.api import FinisherDef, Params, hookimpl
    >>> class TernaryParams(Params):
    ...     threshold: float = 0.7
    >>> @hookimpl
    ... def safecompress_finishers():
    ...     yield FinisherDef(
    ...         name="ternary",
    ...         params=TernaryParams,
    ...         target="acme.ternary:Ternary",
    ...         summary="Three values a layer: 0 and a number of either sign.",
    ...     )
    >>> [definition.params().threshold for definition in safecompress_finishers()]
    [0.7]
    """
    return ()


@hookspec
def safecompress_exporters() -> Iterable[ExporterDef]:
    """Register formats that a finished model is exported to.

    >>> from safecompress_core.api import ExporterDef, ExporterParams, hookimpl
    >>> @hookimpl
    ... def safecompress_exporters():
    ...     yield ExporterDef(
    ...         name="tflite",
    ...         params=ExporterParams,
    ...         target="acme.tflite:TfLite",
    ...         summary="A TensorFlow Lite file.",
    ...         file="model.tflite",
    ...         runtime="ai-edge-litert",
    ...     )
    >>> [definition.file for definition in safecompress_exporters()]
    ['model.tflite']
    """
    return ()


@hookspec
def safecompress_run_started(event: Mapping[str, Any]) -> None:
    """Called once, before anything is trained.

    ``event`` is JSON-ready and the same as a line of ``events.jsonl``; an observer gets its own
    copy.

    >>> from safecompress_core.api import hookimpl
    >>> class Greeter:
    ...     @hookimpl
    ...     def safecompress_run_started(self, event):
    ...         print("started:", event["event"])
    >>> Greeter().safecompress_run_started({"event": "run_started"})
    started: run_started
    """


@hookspec
def safecompress_round_finished(event: Mapping[str, Any]) -> None:
    """Called after each round, when its candidates are tested and one is chosen.

    >>> from safecompress_core.api import hookimpl
    >>> class Counter:
    ...     rounds = 0
    ...     @hookimpl
    ...     def safecompress_round_finished(self, event):
    ...         self.rounds += 1
    >>> counter = Counter()
    >>> counter.safecompress_round_finished({"event": "round_finished"})
    >>> counter.rounds
    1
    """


@hookspec
def safecompress_candidate_tested(event: Mapping[str, Any]) -> None:
    """Called after each candidate, when its objectives are known.

    >>> from safecompress_core.api import hookimpl
    >>> seen = []
    >>> @hookimpl
    ... def safecompress_candidate_tested(event):
    ...     seen.append(event["event"])
    >>> safecompress_candidate_tested({"event": "candidate_tested"})
    >>> seen
    ['candidate_tested']
    """


@hookspec
def safecompress_attack_finished(event: Mapping[str, Any]) -> None:
    """Called after each attack, in the loop and in the audit.

    >>> from safecompress_core.api import hookimpl
    >>> seen = []
    >>> @hookimpl
    ... def safecompress_attack_finished(event):
    ...     seen.append(event["event"])
    >>> safecompress_attack_finished({"event": "attack_finished"})
    >>> seen
    ['attack_finished']
    """


@hookspec
def safecompress_reference_trained(event: Mapping[str, Any]) -> None:
    """Called after each reference model, before the audit that compares with them.

    >>> from safecompress_core.api import hookimpl
    >>> seen = []
    >>> @hookimpl
    ... def safecompress_reference_trained(event):
    ...     seen.append(event["event"])
    >>> safecompress_reference_trained({"event": "reference_trained"})
    >>> seen
    ['reference_trained']
    """


@hookspec
def safecompress_training_progressed(event: Mapping[str, Any]) -> None:
    """Called once a second while a model trains, and at its end; not recorded in ``events.jsonl``.

    ``event`` has ``what`` is trained, the ``epoch`` (from 1) and the one that it trains ``until``,
    the ``step`` of so many ``steps`` of the epoch, and the epoch's mean ``loss`` so far.

    >>> from safecompress_core.api import hookimpl
    >>> losses = []
    >>> @hookimpl
    ... def safecompress_training_progressed(event):
    ...     losses.append(event["loss"])
    >>> safecompress_training_progressed({"event": "training_progressed", "loss": 0.5})
    >>> losses
    [0.5]
    """


@hookspec
def safecompress_run_finished(event: Mapping[str, Any]) -> None:
    """Called once, when the results are written.

    >>> from safecompress_core.api import hookimpl
    >>> seen = []
    >>> @hookimpl
    ... def safecompress_run_finished(event):
    ...     seen.append(event["event"])
    >>> safecompress_run_finished({"event": "run_finished"})
    >>> seen
    ['run_finished']
    """
