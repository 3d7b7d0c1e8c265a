"""Checks of a run that need the data, the model or this machine.

All of it is looked at before the first epoch, since an hour later is too late.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from safecompress_core.api import AttributeMark, LayerMark, Need, references_of
from safecompress_core.attacks.gradients import layer_parameters
from safecompress_core.attacks.public_features import encoding_of
from safecompress_core.attacks.reference_answers import fold_count
from safecompress_core.context.reference_context import build_reference_context, count_references
from safecompress_core.context.run_context import RunContext
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.data.labels import describe_one_sided_labels
from safecompress_core.errors import (
    DataError,
    ModelError,
    PoolError,
    RepresentationError,
    SpecError,
    TopologyError,
)
from safecompress_core.methods.finisher import Finisher
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.attack_checks import (
    check_attacks,
    each_attack,
    nothing_to_infer,
)
from safecompress_core.preflight.component_trial import trial
from safecompress_core.preflight.data_checks import check_data
from safecompress_core.preflight.defence_checks import check_defences, check_input_changes
from safecompress_core.preflight.metric_checks import check_metrics, check_performance
from safecompress_core.preflight.training_checks import (
    check_augmentation,
    check_compiler,
    check_data_parallel,
)
from safecompress_core.problems import Problem
from safecompress_core.results.earlier_results import check_earlier_results
from safecompress_core.results.environment import is_available
from safecompress_core.specfile.checks.spec_checks import AnySpec
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.placing import locating_components
from safecompress_core.specfile.problems import SpecPath

__all__ = [
    "SAMPLES_AND_ATTACKS",
    "check_layers",
    "check_reference_counts",
    "require_buildable",
    "require_feasible",
    "require_pools",
    "run_checks",
]

FEWEST_TO_FIND = 11  # as many pairs distinguished by chance: 1 in 2,048, the control's own error
FEWEST_NON_MEMBERS = 4  # two halves of two, or a null control has no interval


def require_feasible(run_context: RunContext) -> None:
    """Check a spec against everything that it names.

    Raises:
        SpecError: at the place of what cannot work. Later checks rely on earlier ones, so they are
            left out once something was found.
    """
    run_checks((partial(check, run_context) for check in CHECKS), run_context.loaded)


def require_buildable(run_context: RunContext) -> None:
    """Check what the network of a spec is built from: the data and the model.

    Raises:
        SpecError: at the place of what cannot be had, or does not fit.
    """
    checks = (_device, _loading, _model)
    run_checks((partial(check, run_context) for check in checks), run_context.loaded)


def require_pools(context: SpecContext) -> None:
    """Check what the pools of a spec are cut from.

    Raises:
        SpecError: at the place of what cannot be had, or does not suffice.
    """
    run_checks((partial(check, context) for check in (_loading, _data, _pools)), context.loaded)


@locating_components
def run_checks(checks: Iterable[Callable[[], Iterator[Problem]]], loaded: LoadedSpec[Any]) -> None:
    """Make checks one after the other, until one of them finds something.

    Raises:
        SpecError: with everything that it found.
    """
    for check in checks:
        # All problems of one check at once, but no further check: later ones rely on earlier ones.
        if flaws := list(check()):
            raise SpecError([loaded.root.locate(problem) for problem in flaws])


def _device(prepared: SpecContext) -> Iterator[Problem]:
    wanted = prepared.spec.device
    if not is_available(wanted):
        message = f"this machine has no {wanted} device that torch can use"
        yield Problem(("device",), message, "write auto, or cpu")


def _loading(prepared: SpecContext) -> Iterator[Problem]:
    try:
        # Assigned to nothing: the property loads the data, and its error is all that is wanted.
        _ = prepared.original
    except DataError as error:
        yield Problem(("task", "data", *error.field), error.message, error.hint)
        return
    except ModelError as error:  # a model that reads texts makes tokens of them
        yield Problem(("task", "model", *error.field), error.message, error.hint)


def _data(prepared: SpecContext) -> Iterator[Problem]:
    for message in check_data(prepared.original):
        yield Problem(("task", "data"), message, "correct the data, or what loads them")


def _attributes(prepared: SpecContext) -> Iterator[Problem]:
    known = prepared.dataset.attributes
    for path, name in find_marked(prepared.spec, AttributeMark):
        # ``task.data`` defines attributes, everywhere else they are only named.
        if path[:2] != ("task", "data") and name not in known:
            hint = f"use one of: {', '.join(sorted(known)) or 'none'}"
            yield Problem(path, f"the data has no attribute {name!r}", hint)


def _values(prepared: SpecContext) -> Iterator[Problem]:
    """Require the attribute in the model's input for attackers that query its values."""
    for path, attack in each_attack(prepared):
        if Need.ENCODING not in attack.needs or attack.attribute is None:
            continue
        if encoding_of(prepared.dataset.attributes[attack.attribute]) is None:
            message = (
                f"{attack.id!r} asks the model about other values of {attack.attribute!r}, which "
                "is not a part of its input"
            )
            hint = "make the attribute an input, or take another attacker"
            yield Problem((*path, "attribute"), message, hint)


def _gates(prepared: SpecContext) -> Iterator[Problem]:
    """Require a numeric attribute for gates on measures of one, and earlier results."""
    yield from check_earlier_results(prepared.spec.gate)
    numeric: set[str] = set()
    needs_number: set[str] = set()
    for attack in prepared.audit_attacks:
        owners = (attack.id, attack.game.name)
        measures = [
            measure.name for measure in attack.game.definition.measures if measure.is_numeric
        ]
        needs_number |= {f"{owner}.{name}" for owner in owners for name in measures}
        # Both keys, since a gate may name the attack or its game.
        if attack.attribute and prepared.dataset.attributes[attack.attribute].numbers is not None:
            numeric |= {f"{owner}.{name}" for owner in owners for name in measures}
    for index, gate in enumerate(prepared.spec.gate):
        if gate.measure not in needs_number - numeric:
            continue
        message = f"{gate.measure!r} needs an attack on a numeric attribute"
        yield Problem(("gate", index, "measure"), message, "ask for lift or advantage")


def _measurable(run_context: RunContext) -> Iterator[Problem]:
    yield from check_metrics(run_context, run_context.create_network())


def _pools(prepared: SpecContext) -> Iterator[Problem]:
    try:
        pools = prepared.pools
    except PoolError as error:
        yield _pool_problem(error)
        return
    # The sizes below are demands of the controls, which other games do not have.
    if not any(attack.game.has_controls for attack in prepared.audit_attacks):
        return
    for pool in (pools.attack_train, pools.audit):
        if len(pool.non_members) < FEWEST_NON_MEMBERS:
            message = (
                f"pool {pool.name!r} has {len(pool.non_members)} non-members, and the audit's null "
                f"control needs {FEWEST_NON_MEMBERS}"
            )
            yield Problem(("pools",), message, "use more data, or fewer members")
    fewest = min(len(pools.audit.members), len(pools.audit.non_members))
    if fewest < FEWEST_TO_FIND:
        message = (
            f"pool 'audit' has {len(pools.audit.members)} members and "
            f"{len(pools.audit.non_members)} non-members, and the audit's planted-leak control "
            f"needs {FEWEST_TO_FIND} of either to be sure of anything"
        )
        yield Problem(("pools",), message, "give it a larger share, or use more data")


def _one_sided(prepared: SpecContext) -> Iterator[Problem]:
    if not any(attack.game.has_controls for attack in prepared.audit_attacks):
        return
    for message in describe_one_sided_labels(prepared.original, prepared.pools):
        hint = "write labels of members and non-members alike, or leave out samples of these labels"
        yield Problem(("task", "data"), message, hint)


def _twins(run_context: RunContext) -> Iterator[Problem]:
    """Require a pool of which a swap twin can exchange enough."""
    if not run_context.has_twins:
        return
    try:
        _ = run_context.twin_samples.exchanged
    except PoolError as error:
        message, _, hint = str(error).partition("; ")
        yield Problem(("pools", "select"), message, hint)


def _pool_problem(error: PoolError, *, prefix: str = "") -> Problem:
    """With the error's own hint, where it has one."""
    # Messages of pools have the form "rule; hint".
    message, _, hint = str(error).partition("; ")
    return Problem(("pools",), prefix + message, hint or "change the shares, or use more data")


def _model(run_context: RunContext) -> Iterator[Problem]:
    place: SpecPath = ("task", "model")
    # An input without values, before a network is built from such a shape.
    if 0 in run_context.original.inputs.shape[1:]:
        what = "are texts" if run_context.original.texts else "hold no values"
        hint = "use a model that reads texts, such as huggingface, or data with other inputs"
        yield Problem(place, f"the samples {what}, which this model cannot read", hint)
        return
    try:
        network = run_context.create_network()
    except ModelError as error:
        # Each kind of error belongs to another field of the spec.
        yield Problem((*place, *error.field), error.message, error.hint)
        return
    except RepresentationError as error:
        hint = "name one of them; `safecompress inspect`, without it, shows what each puts out"
        yield Problem(("task", "representation"), str(error), hint)
        return
    except TopologyError as error:
        yield Problem(place, str(error), "use a model whose last layer is linear")
        return
    try:
        network.sparse_parameters()
    except TopologyError as error:
        hint = "write a pattern that fits one, '*' for all"
        yield Problem(("task", "sparsify"), str(error), hint)
    # A factory may ignore ``classes``, so the head that it built is what counts.
    outputs, classes = network.head.out_features, len(run_context.dataset.classes)
    if outputs != classes:
        message = f"the model has {outputs} outputs, and the data have {classes} labels"
        yield Problem(place, message, f"build it for {classes} classes")


def _layers(run_context: RunContext) -> Iterator[Problem]:
    yield from check_layers(run_context.spec, run_context.create_network())


def check_layers(spec: AnySpec, network: Classifier) -> Iterator[Problem]:
    """Layers that a spec names and a network does not have."""
    for path, name in find_marked(spec, LayerMark):
        try:
            layer_parameters(network, name)
        except TopologyError as error:
            yield Problem(path, str(error), "name one of them, or a module that holds some")


def _method(run_context: RunContext) -> Iterator[Problem]:
    problems = run_context.method.check(
        run_context.create_network(),
        run_context.recipe,
        run_context.registry.create,
        run_context.architecture,
    )
    for problem in problems:
        yield problem.within("method")


def _finishers(run_context: RunContext) -> Iterator[Problem]:
    """Ask each finisher whether it can work on the network."""
    for index, params in enumerate(run_context.spec.method.finish):
        finisher: Finisher = run_context.registry.create(params)
        for problem in finisher.check(run_context.create_network()):
            yield problem.within("method", "finish", index)


def check_reference_counts(prepared: SpecContext) -> Iterator[Problem]:
    """Each sample has to be in several reference models, and out of several."""
    fewest = _fewest_references(prepared)
    for place, attack in each_attack(prepared):
        wanted = references_of(attack.params)
        if Need.REFERENCES in attack.needs and wanted < fewest:
            message = (
                f"{attack.id!r} asks for {wanted} reference models, but with these pools it takes "
                f"{fewest} for each sample to be in 2 of them and out of 2"
            )
            yield Problem((*place, "references"), message, f"write at least {fewest}")


def _fewest_references(prepared: SpecContext) -> int:
    # In two models and out of two, or no variance could be estimated.
    return 2 * fold_count(len(prepared.pools.members), len(prepared.dataset))


def _references(run_context: RunContext) -> Iterator[Problem]:
    """Reference models are enough, and each can have pools of its own."""
    yield from check_reference_counts(run_context)
    if not count_references(run_context):
        return
    try:
        for index in (
            0,
            _fewest_references(run_context) // 2 - 1,
        ):  # the first and the last, smallest fold
            _ = build_reference_context(run_context, index).pools
    except PoolError as error:
        yield _pool_problem(error, prefix="a reference model cannot have such pools: ")


SAMPLES_AND_ATTACKS: tuple[Callable[[SpecContext], Iterator[Problem]], ...] = (
    _device,
    _loading,
    _data,
    _pools,
    _one_sided,
    check_attacks,
    _attributes,
    _values,
    nothing_to_infer,
    _gates,
    check_performance,
)
"""What can be estimated without the model, in the audit of a finished one as well."""

CHECKS: tuple[Callable[[RunContext], Iterator[Problem]], ...] = (
    # Order matters: each check may use what those before it have found to be right.
    check_compiler,
    *SAMPLES_AND_ATTACKS,
    check_augmentation,
    check_data_parallel,
    _twins,
    check_input_changes,
    _model,
    _layers,
    _measurable,
    _method,
    _finishers,
    check_defences,
    _references,
    trial,
)
