"""Checks of an audit's spec: its parts must fit each other."""

import math
from collections.abc import Callable, Collection, Iterator

from safecompress_core.api import Need, component_id
from safecompress_core.problems import Problem
from safecompress_core.specfile.checks.attacker_checks import (
    check_combined,
    each_base_attacker,
    refuse_twins,
)
from safecompress_core.specfile.checks.spec_checks import (
    check_against_card,
    check_gate,
    check_names,
    reserved_names,
)
from safecompress_core.specfile.models.audit_spec import AuditSpec
from safecompress_core.specfile.models.components import attacker_of
from safecompress_core.specfile.outside import check_paths

__all__ = ["check_audit"]


def check_audit(spec: AuditSpec, games: Collection[str]) -> Iterator[Problem]:
    """Everything in the spec of an audit that does not fit the rest of it, or the data's card.

    Args:
        spec: of an audit.
        games: the names of all that are registered.
    """
    for check in _CHECKS:
        yield from check(spec)
    yield from check_gate(spec, games)
    yield from check_paths(spec)
    yield from check_against_card(spec)


def _check_pools(spec: AuditSpec) -> Iterator[Problem]:
    total = spec.pools.attack_train + spec.pools.audit
    # Decimal fractions need not sum to exactly 1.
    if not math.isclose(total, 1, abs_tol=1e-9):
        message = f"attack_train and audit sum to {total:g}"
        yield Problem(("pools",), message, "write shares that sum to 1; the defaults are .5 .5")


def _check_ids(spec: AuditSpec) -> Iterator[Problem]:
    # One set for all lists, since results and gates share one namespace.
    taken = reserved_names(spec.audit.attackers)
    yield from check_names(("audit", "attackers"), spec.audit.attackers, taken)
    yield from check_names(("metrics",), spec.metrics, taken)


def _check_labels(spec: AuditSpec) -> Iterator[Problem]:
    names = spec.task.labels
    for index, name in enumerate(names):
        # Only names before this one, so that a pair is reported once, at its second place.
        if name in names[:index]:
            message = f"two outputs of the model are called {name!r}"
            yield Problem(("task", "labels", index), message, "name each of them once")


def _check_combined(spec: AuditSpec) -> Iterator[Problem]:
    yield from check_combined(spec.audit.attackers, ("audit", "attackers"))
    yield from refuse_twins(spec.audit.attackers, ("audit", "attackers"))


def _check_references(spec: AuditSpec) -> Iterator[Problem]:
    """A reference model is trained as the attacked one was, which the spec has to say how."""
    if spec.audit.train is not None and spec.audit.references is not None:
        message = "reference models are either trained or there already"
        hint = "take 'train' or 'references' out"
        yield Problem(("audit", "references"), message, hint)
    if spec.audit.train is not None or spec.audit.references is not None:
        return
    for path, attacker in each_base_attacker(spec.audit.attackers, ("audit", "attackers")):
        # The recipe of an existing model is unknown, so no reference model could be trained like
        # it.
        if Need.REFERENCES in attacker_of(attacker).needs:
            name = component_id(attacker)
            message = (
                f"{name!r} compares with reference models, which are trained as the attacked model "
                "was; how an existing model was trained is not known"
            )
            hint = "take it out, or say how by audit.train, or name some as audit.references"
            yield Problem((*path, "type"), message, hint)


_CHECKS: tuple[Callable[[AuditSpec], Iterator[Problem]], ...] = (
    _check_pools,
    _check_ids,
    _check_labels,
    _check_combined,
    _check_references,
)
