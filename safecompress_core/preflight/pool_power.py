"""Power of a spec's audit: its pools, cut from the data, before anything runs."""

from typing import Any

from safecompress_core.audit.power_plan import PowerPlan, plan_power
from safecompress_core.context.audit_context import build_samples_context
from safecompress_core.context.run_context import build_run_context
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.host import Registry
from safecompress_core.preflight.run_checks import require_pools
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.audit_spec import AuditSpec

__all__ = ["plan_pools"]


def plan_pools(loaded: LoadedSpec[Any], registry: Registry) -> PowerPlan:
    """Load the data of a spec, cut its pools, and plan what the audit can resolve with them.

    Args:
        loaded: the spec of a run or an audit.
        registry: what its components are made of.

    Raises:
        SpecError: at the place of data that cannot be loaded, or do not suffice.
    """
    context: SpecContext
    if isinstance(loaded.spec, AuditSpec):
        context = build_samples_context(loaded, registry)
    else:
        context = build_run_context(loaded, registry)
    require_pools(context)
    pool = context.pools.audit
    return plan_power(
        loaded.spec.gate,
        loaded.spec.audit.attackers,
        loaded.spec.metrics,
        members=len(pool.members),
        non_members=len(pool.non_members),
        samples=len(context.original),
    )
