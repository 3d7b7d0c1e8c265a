"""Checks of attackers that need the data or the machine."""

from collections.abc import Iterator, Sequence
from importlib.util import find_spec

import torch
from torch import Tensor

from safecompress_core.api import (
    AttackerParams,
    ExtractionAttackerParams,
    GradientAttackerParams,
    Need,
)
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import MissingExtraError
from safecompress_core.games.game import ScoredGame
from safecompress_core.games.inversion import is_image
from safecompress_core.games.play import Attack
from safecompress_core.problems import Problem
from safecompress_core.specfile.checks.attacker_checks import each_base_attacker
from safecompress_core.specfile.problems import SpecPath

__all__ = ["check_attacks", "each_attack", "has_continuous_inputs", "nothing_to_infer"]


def check_attacks(prepared: SpecContext) -> Iterator[Problem]:
    """Attackers that cannot be set on these data.

    Raises:
        MissingExtraError: if an attacker needs a package that is not installed.
    """
    for path, attack in each_attack(prepared):
        # The place in the spec decides the pool: selection or audit.
        pool = prepared.pools.select if path[0] == "attackers" else prepared.pools.audit
        assert pool is not None  # a spec with attackers that select has a pool for them
        if Need.CONTINUOUS_INPUTS in attack.needs:
            # Created only to find out whether its package is installed.
            prepared.registry.create(attack.params)
            yield from _check_attack(prepared, attack, path, members=len(pool.members))


def nothing_to_infer(prepared: SpecContext) -> Iterator[Problem]:
    """Attacks on an attribute that is the same for all samples of a pool that they need."""
    for path, attack in each_attack(prepared):
        if not isinstance(attack.game, ScoredGame) or attack.attribute is None:
            continue
        asked = prepared.pools.select if path[0] == "attackers" else prepared.pools.audit
        assert asked is not None  # a spec with attackers that select has a pool for them
        # Both pools: nothing can be learned from one value, nor measured on one.
        for pool in (prepared.pools.attack_train, asked):
            values, _ = attack.game.truth(prepared.dataset, pool, attack.params)
            if len(values.unique()) < 2:
                message = (
                    f"all {len(values)} samples of pool {pool.name!r} have the same "
                    f"{attack.attribute!r}, so there is nothing to infer"
                )
                hint = "take the attacker out, give the pool a larger share, or use more data"
                yield Problem((*path, "attribute"), message, hint)


def each_attack(prepared: SpecContext) -> Iterator[tuple[SpecPath, Attack]]:
    """Every attacker that is made of nothing, with its place: also those within others."""
    lists: tuple[tuple[SpecPath, Sequence[AttackerParams]], ...] = (
        (("attackers",), [attack.params for attack in prepared.attacks]),
        (("audit", "attackers"), prepared.spec.audit.attackers),
    )
    for path, attackers in lists:
        for place, params in each_base_attacker(attackers, path):
            yield place, Attack.from_params(params, prepared.registry)


def _check_attack(
    prepared: SpecContext, attack: Attack, path: SpecPath, *, members: int
) -> Iterator[Problem]:
    inputs, held = prepared.dataset.inputs, len(prepared.pools.attack_train.non_members)
    if not has_continuous_inputs(prepared.dataset):
        message = f"{attack.id!r} needs continuous inputs; these are token ids or categorical codes"
        yield Problem((*path, "type"), message, "take it out, or use data of images or columns")
        return
    params = attack.params
    if isinstance(params, GradientAttackerParams):
        if params.samples > members:
            message = (
                f"{attack.id!r} is to show {params.samples} members, and the pool has {members}"
            )
            yield Problem((*path, "samples"), message, f"write at most {members}")
        # Checked by name, so that scikit-image is not imported for runs that stop here.
        if is_image(torch.Size(inputs.shape[1:])) and find_spec("skimage") is None:
            raise MissingExtraError("skimage", extra="attacks")
    budget = params.budget if isinstance(params, ExtractionAttackerParams) else None
    if budget is not None and budget > held:
        message = f"{attack.id!r} is to query {budget} samples, and the adversary has {held}"
        yield Problem((*path, "budget"), message, f"write at most {held}, or leave it out")


def has_continuous_inputs(dataset: Dataset) -> bool:
    """Return whether inputs are continuous, not token ids or categorical codes."""
    inputs = dataset.inputs
    # Lazy inputs are float32 by contract.
    is_numeric = not isinstance(inputs, Tensor) or inputs.is_floating_point()
    return is_numeric and not dataset.texts
