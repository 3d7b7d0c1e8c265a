"""What only the data, the model or this machine can tell is wrong with a spec.

All of it is looked at before the first epoch, since an hour later is too late.
"""

import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from safecompress_core.api import AttributeMark, LayerMark
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
from safecompress_core.metric import SampleMetric
from safecompress_core.networks.classifier import Classifier
from safecompress_core.preflight.attack_checks import (
    attack_flaws,
    each_attack,
    nothing_to_infer,
)
from safecompress_core.preflight.component_trial import trial
from safecompress_core.preflight.data_checks import data_flaws
from safecompress_core.preflight.defence_checks import defence_flaws, movable_flaws
from safecompress_core.results.environment import is_available
from safecompress_core.specfile.checks.spec_checks import AnySpec
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.placing import locating_components
from safecompress_core.specfile.problems import SpecPath
from safecompress_core.specfile.translate import Finding

__all__ = [
    "SAMPLES_AND_ATTACKS",
    "layer_flaws",
    "require_buildable",
    "require_feasible",
    "run_checks",
]

FEWEST_TO_FIND = 11  # as many pairs told apart by chance: 1 in 2,048, the control's own error
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


@locating_components
def run_checks(checks: Iterable[Callable[[], Iterator[Finding]]], loaded: LoadedSpec[Any]) -> None:
    """Make checks one after the other, until one of them finds something.

    Raises:
        SpecError: with everything that it found.
    """
    for check in checks:
        if found := list(check()):
            raise SpecError([loaded.problem(one.path, one.message, one.mend) for one in found])


def _device(prepared: SpecContext) -> Iterator[Finding]:
    wanted = prepared.spec.device
    if not is_available(wanted):
        message = f"this machine has no {wanted} device that torch can use"
        yield Finding(("device",), message, "write auto, or cpu")


def _compiler(run_context: RunContext) -> Iterator[Finding]:
    """Torch generates C++ for a processor, and would say so only in the first step."""
    wanted = run_context.spec.training.compile and run_context.device.type == "cpu"
    if wanted and not any(map(shutil.which, (os.environ.get("CXX") or "g++", "g++", "clang++"))):
        message = "torch compiles with a C++ compiler here, and there is none"
        yield Finding(("training", "compile"), message, "install g++, or write false")


def _loading(prepared: SpecContext) -> Iterator[Finding]:
    try:
        _ = prepared.original
    except DataError as error:
        yield Finding(("task", "data", *error.field), error.message, error.mend)
        return
    except ModelError as error:  # a model that reads texts makes tokens of them
        yield Finding(("task", "model", *error.field), error.message, error.mend)


def _data(prepared: SpecContext) -> Iterator[Finding]:
    for message in data_flaws(prepared.original):
        yield Finding(("task", "data"), message, "mend the data, or what loads them")


def _attributes(prepared: SpecContext) -> Iterator[Finding]:
    known = prepared.dataset.attributes
    for path, name in find_marked(prepared.spec, AttributeMark):
        if path[:2] != ("task", "data") and name not in known:
            mend = f"use one of: {', '.join(sorted(known)) or 'none'}"
            yield Finding(path, f"the data has no attribute {name!r}", mend)


def _values(prepared: SpecContext) -> Iterator[Finding]:
    """Who asks about other values of an attribute needs it in the model's input."""
    for path, attack in each_attack(prepared):
        if not attack.definition.writes_attribute or attack.attribute is None:
            continue
        if encoding_of(prepared.dataset.attributes[attack.attribute]) is None:
            message = (
                f"{attack.id!r} asks the model about other values of {attack.attribute!r}, which "
                "is not a part of its input"
            )
            mend = "make the attribute an input, or take another attacker"
            yield Finding((*path, "attribute"), message, mend)


def _gates(prepared: SpecContext) -> Iterator[Finding]:
    """What a gate asks of a numeric attribute is asked of one."""
    numeric: set[str] = set()
    needs_number: set[str] = set()
    for attack in prepared.audit_attacks:
        owners = (attack.id, attack.game.name)
        measures = [one.name for one in attack.game.definition.measures if one.is_numeric]
        needs_number |= {f"{owner}.{name}" for owner in owners for name in measures}
        if attack.attribute and prepared.dataset.attributes[attack.attribute].numbers is not None:
            numeric |= {f"{owner}.{name}" for owner in owners for name in measures}
    for index, gate in enumerate(prepared.spec.gate):
        if gate.measure not in needs_number - numeric:
            continue
        message = f"{gate.measure!r} needs an attack on a numeric attribute"
        yield Finding(("gate", index, "measure"), message, "ask for lift or advantage")


def _metrics(prepared: SpecContext) -> Iterator[Finding]:
    if not any(isinstance(metric, SampleMetric) for metric in prepared.metrics.values()):
        message = "no metric is a mean over samples, so there is no performance to choose by"
        yield Finding(("metrics",), message, "add {type: accuracy}")


def _pools(prepared: SpecContext) -> Iterator[Finding]:
    try:
        pools = prepared.pools
    except PoolError as error:
        yield _pool_flaw(error)
        return
    if not any(attack.game.has_controls for attack in prepared.audit_attacks):
        return
    for pool in (pools.attack_train, pools.audit):
        if len(pool.non_members) < FEWEST_NON_MEMBERS:
            message = (
                f"pool {pool.name!r} has {len(pool.non_members)} non-members, and the audit's null "
                f"control needs {FEWEST_NON_MEMBERS}"
            )
            yield Finding(("pools",), message, "use more data, or fewer members")
    fewest = min(len(pools.audit.members), len(pools.audit.non_members))
    if fewest < FEWEST_TO_FIND:
        message = (
            f"pool 'audit' has {len(pools.audit.members)} members and "
            f"{len(pools.audit.non_members)} non-members, and the audit's planted-leak control "
            f"needs {FEWEST_TO_FIND} of either to be sure of anything"
        )
        yield Finding(("pools",), message, "give it a larger share, or use more data")


def _one_sided(prepared: SpecContext) -> Iterator[Finding]:
    if not any(attack.game.has_controls for attack in prepared.audit_attacks):
        return
    for message in describe_one_sided_labels(prepared.original, prepared.pools):
        mend = "write labels of members and non-members alike, or leave out samples of these labels"
        yield Finding(("task", "data"), message, mend)


def _pool_flaw(error: PoolError, *, prefix: str = "") -> Finding:
    """With the error's own mend, where it says one."""
    message, _, mend = str(error).partition("; ")
    return Finding(("pools",), prefix + message, mend or "change the shares, or use more data")


def _model(run_context: RunContext) -> Iterator[Finding]:
    place: SpecPath = ("task", "model")
    if 0 in run_context.original.inputs.shape[1:]:
        what = "are texts" if run_context.original.texts else "hold no values"
        mend = "use a model that reads texts, such as huggingface, or data with other inputs"
        yield Finding(place, f"the samples {what}, which this model cannot read", mend)
        return
    try:
        network = run_context.create_network()
    except ModelError as error:
        yield Finding((*place, *error.field), error.message, error.mend)
        return
    except RepresentationError as error:
        mend = "name one of them; `safecompress inspect`, without it, shows what each puts out"
        yield Finding(("task", "representation"), str(error), mend)
        return
    except TopologyError as error:
        yield Finding(place, str(error), "use a model whose last layer is linear")
        return
    try:
        network.sparse_parameters()
    except TopologyError as error:
        mend = "write a pattern that fits one, '*' for all"
        yield Finding(("task", "sparsify"), str(error), mend)
    outputs, classes = network.head.out_features, len(run_context.dataset.classes)
    if outputs != classes:
        message = f"the model has {outputs} outputs, and the data have {classes} labels"
        yield Finding(place, message, f"build it for {classes} classes")


def _layers(run_context: RunContext) -> Iterator[Finding]:
    yield from layer_flaws(run_context.spec, run_context.create_network())


def layer_flaws(spec: AnySpec, network: Classifier) -> Iterator[Finding]:
    """Layers that a spec names and a network does not have."""
    for path, name in find_marked(spec, LayerMark):
        try:
            layer_parameters(network, name)
        except TopologyError as error:
            yield Finding(path, str(error), "name one of them, or a module that holds some")


def _method(run_context: RunContext) -> Iterator[Finding]:
    flaws = run_context.method.flaws(
        run_context.create_network(),
        run_context.recipe,
        run_context.registry.create,
        run_context.architecture,
    )
    for flaw in flaws:
        yield Finding(("method", flaw.field), flaw.message, flaw.mend)


def _references(run_context: RunContext) -> Iterator[Finding]:
    """Each sample has to be in several reference models, and out of several."""
    fewest = 2 * fold_count(len(run_context.pools.members), len(run_context.dataset))
    for place, attack in each_attack(run_context):
        wanted = getattr(attack.params, "references", fewest)
        if attack.definition.references and wanted < fewest:
            message = (
                f"{attack.id!r} asks for {wanted} reference models, but with these pools it takes "
                f"{fewest} for each sample to be in 2 of them and out of 2"
            )
            yield Finding((*place, "references"), message, f"write at least {fewest}")
    if not count_references(run_context):
        return
    try:
        for index in (0, fewest // 2 - 1):  # the first hand of a deal, and the last, the smallest
            _ = build_reference_context(run_context, index).pools
    except PoolError as error:
        yield _pool_flaw(error, prefix="a reference model cannot have such pools: ")


SAMPLES_AND_ATTACKS: tuple[Callable[[SpecContext], Iterator[Finding]], ...] = (
    _device,
    _loading,
    _data,
    _pools,
    _one_sided,
    attack_flaws,
    _attributes,
    _values,
    nothing_to_infer,
    _gates,
    _metrics,
)
"""What can be told without the model, in the audit of a finished one as well."""

CHECKS: tuple[Callable[[RunContext], Iterator[Finding]], ...] = (
    _compiler,
    *SAMPLES_AND_ATTACKS,
    movable_flaws,
    _model,
    _layers,
    _method,
    defence_flaws,
    _references,
    trial,
)
