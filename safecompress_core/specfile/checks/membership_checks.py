"""Membership that a spec names and does not use, since it also gives a share of members."""

from safecompress_core.api import MembershipMark
from safecompress_core.specfile.checks.spec_checks import AnySpec
from safecompress_core.specfile.fields import find_marked
from safecompress_core.specfile.models.run_spec import GIVEN

__all__ = ["warn_of_unused_membership"]


def warn_of_unused_membership(spec: AnySpec) -> str:
    """Return a warning if data name the members and ``pools.members`` is a number, else nothing."""
    fields = [str(path[-1]) for path, _ in find_marked(spec.task.data, MembershipMark)]
    # With `given` the marked fields are in use.
    if spec.pools.members == GIVEN or not fields:
        return ""
    named = " and ".join(f"task.data.{field}" for field in fields)
    return (
        f"{named} names the members, but pools.members is {spec.pools.members}, so the seed draws "
        "them from all samples; write 'pools: {members: given}' if the data decide"
    )
