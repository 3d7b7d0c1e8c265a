"""Which value of an attribute makes a sample look most like a member."""

from collections.abc import Callable
from dataclasses import replace
from math import log
from statistics import NormalDist, fmean, pstdev

import pytest
import torch

from safecompress_core.api import AttackerDef
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import AdversaryKnowledge, PoolError
from safecompress_plugins.attackers.attribute.attribute_by_membership import AttributeByMembership
from safecompress_plugins.attackers.attribute.manifest import (
    DEFINITIONS,
    AttributeByMembershipParams,
)

[BY_MEMBERSHIP] = [one for one in DEFINITIONS if one.name == "attribute-by-membership"]

MakeEvidence = Callable[..., AdversaryKnowledge]


class TestByMembership(AttackerConformance):
    definition: AttackerDef = BY_MEMBERSHIP
    params = {"attribute": "group"}


class TestByMembershipWithAPriorOfFeatures(AttackerConformance):
    definition: AttackerDef = BY_MEMBERSHIP
    params = {"attribute": "group", "prior": "features"}


def phi(posterior: float) -> float:
    """Log-odds."""
    return log(posterior / (1 - posterior))


def test_members_say_how_sure_the_model_is_of_them(table: MakeEvidence) -> None:
    """Worked out with Python's statistics: prior times the part of members less sure.

    Known are the members A with value 0 (posterior of its label 0.9), C with 1 (0.4) and D with 1
    (0.8), and a non-member that counts for the prior alone.
    """
    attacker = AttributeByMembership(AttributeByMembershipParams(attribute="sex"))
    known = table("ACDC", [1, 1, 0, 0], [0, 1, 1, 1], members=[1, 1, 1, 0])
    attacker.fit(known, generator=torch.Generator())
    members = [phi(0.9), phi(0.4), phi(0.8)]
    sure = NormalDist(fmean(members), pstdev(members))

    found = attacker.score(table("ABC", [1, 1, 1]))

    worked_out = []  # values 0 and 1 are known once and thrice, one more of each: 1/3 and 2/3
    for posteriors in ((0.9, 0.3), (0.6, 0.8), (0.1, 0.4)):
        first, second = (sure.cdf(phi(one)) for one in posteriors)
        both = first + 2 * second
        worked_out.append([first / both, 2 * second / both])
    torch.testing.assert_close(found.float(), torch.tensor(worked_out), rtol=1e-4, atol=0)


def test_members_have_to_be_known(table: MakeEvidence) -> None:
    """Without one there is no oracle to ask."""
    known = table("AB", [1, 1], [0, 1], members=[0, 0])
    attacker = AttributeByMembership(AttributeByMembershipParams(attribute="sex"))

    for knowledge in (known, replace(known, is_member=None)):
        with pytest.raises(PoolError, match="needs members in attack-train"):
            attacker.fit(knowledge, generator=torch.Generator())
