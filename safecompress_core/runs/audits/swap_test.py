"""Swap test of an audited model: the model compared with its swap twin, for the owner's eyes.

The twin is trained like the model, with members of the audit pool left out and as many of its
non-members taken in. No adversary can train it, since it takes the knowledge of who is a member.
"""

from dataclasses import replace
from typing import Final

import torch
from torch import Tensor, nn

from safecompress_core.api import AttackerParams, Kind
from safecompress_core.attacks.observations import observe
from safecompress_core.attacks.observed_pool import observe_pool
from safecompress_core.audit.auditor import Auditor
from safecompress_core.context.audit_context import AuditContext
from safecompress_core.data.pools import Pool
from safecompress_core.games.play import Attack
from safecompress_core.networks.classifier import BlackBoxModel, Classifier
from safecompress_core.results.schema import AnyAttackRecord, parse_attack
from safecompress_core.runs.audits.reference_source import ReferenceWork
from safecompress_core.runs.audits.trained_models import TrainedModels
from safecompress_core.saved_models.rebuild import component

__all__ = ["run_swap_test"]

ATTACKER: Final = {"type": "counterfactual"}


def run_swap_test(
    audit_context: AuditContext,
    auditor: Auditor,
    network: Classifier,
    models: TrainedModels,
    work: ReferenceWork,
) -> AnyAttackRecord:
    """Train the twin, and compare the model with it on the exchanged samples.

    Args:
        audit_context: the audit.
        auditor: of its attacks.
        network: the audited model.
        models: trains the twin.
        work: how the twin is trained, and where its answers are kept.

    Raises:
        ModelError: as `TrainedModels.logits` says.
    """
    data, pools = audit_context.dataset, audit_context.pools
    exchanged = _draw_exchanged(audit_context)
    is_in = torch.zeros(len(data), dtype=torch.bool)
    is_in[pools.members] = True
    is_in[exchanged.members] = False
    is_in[exchanged.non_members] = True
    logits = models.logits(
        audit_context, is_in, audit_context.seed.child("twin"), work, name="the swap twin"
    )
    rows = exchanged.indices
    # On these samples the identity on answers is the twin.
    twin = observe(BlackBoxModel(nn.Identity()), logits[rows], data.labels[rows])
    asked = replace(observe_pool(network, data, exchanged), twin=twin)
    params = component(audit_context.registry, Kind.ATTACKER, ATTACKER, allow_code=False)
    assert isinstance(params, AttackerParams)  # of that kind
    attack = Attack.from_params(params, audit_context.registry)
    result = auditor.attack_results([attack], asked, asked)[attack.id]
    return parse_attack(result.to_json())


def _draw_exchanged(audit_context: AuditContext) -> Pool:
    """Return as many members as non-members of the audit pool; of the smaller side all."""
    audit = audit_context.pools.audit
    count = min(len(audit.members), len(audit.non_members))
    generator = audit_context.seed.child("twin", "exchange").torch()

    def draw(side: Tensor) -> Tensor:
        return side[torch.randperm(len(side), generator=generator)[:count].sort().values]

    return Pool("exchanged", draw(audit.members), draw(audit.non_members))
