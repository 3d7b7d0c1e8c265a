"""Asks an attacker of the evasion game, holds it to the rules, and judges what it did."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.api import EvasionAttackerParams
from safecompress_core.engine.sight import Bout
from safecompress_core.privacy.attacker import Evidence
from safecompress_core.privacy.evader import Ball
from safecompress_core.privacy.evasion_game import judge_evasion
from safecompress_core.privacy.judgement import Judgement

__all__ = ["evaded"]


def evaded(bout: Bout) -> Judgement:
    """What an attack makes of the non-members of a pool, beside what noise makes of them.

    Raises:
        ValueError: if it moved a sample farther than it may; which is the attacker's fault.
    """
    assert isinstance(bout.params, EvasionAttackerParams)  # the manifest's conformance says so
    low, high = bout.bounds
    ball = Ball(norm=bout.params.norm, epsilon=bout.params.epsilon, low=low, high=high)
    unseen = bout.asked.unseen
    evidence = Evidence(
        seen=unseen.restricted(bout.definition.access), truth=None, values=unseen.classes
    )
    generator = bout.seed.child("perturb").torch()
    moved = bout.attacker.perturb(evidence, ball, generator=generator).detach().cpu()
    ball.check(moved, unseen.inputs)
    noisy = ball.noise(unseen.inputs, generator=bout.seed.child("noise").torch())

    def right(predictions: Tensor) -> NDArray[np.bool_]:
        is_right: NDArray[np.bool_] = (predictions == unseen.labels).numpy()
        return is_right

    return judge_evasion(
        right(unseen.predictions),
        right(unseen.predict(moved)),
        right(unseen.predict(noisy)),
        is_member=bout.asked.pool.is_member.numpy(),
        facts={
            "norm": ball.norm,
            "epsilon": ball.epsilon,
            "range": [float(low.amin()), float(high.amax())],
        },
    )
