"""Plan of an audit's power: gates by what they bound, rates, and samples that would be needed."""

from typing import Any

import pytest

from safecompress_core.api import Params
from safecompress_core.audit.power import PoolPower
from safecompress_core.audit.power_plan import GatePower, PowerPlan, plan_power
from safecompress_core.host import load_plugins
from safecompress_core.specfile.models.audit_spec import AuditSpec, build_audit_model
from safecompress_core.specfile.models.run_spec import Gate

ATTACKERS = [
    {"type": "loss-threshold"},
    {"type": "entropy"},
    {"type": "attribute-probe", "attribute": "sex"},
]


@pytest.fixture(scope="module")
def spec() -> AuditSpec:
    """Two attacks on membership, one on an attribute, and the default metrics."""
    model = build_audit_model(load_plugins().registry)
    return model.model_validate(
        {
            "version": 1,
            "kind": "audit",
            "name": "trial",
            "task": {"data": {"type": "handwriting"}},
            "audit": {"attackers": ATTACKERS},
        }
    )


def plan(spec: AuditSpec, *gates: dict[str, Any]) -> PowerPlan:
    """Return the plan of a pool of 200 members and 300 non-members, of 1,500 samples."""
    attackers: list[Params] = [*spec.audit.attackers]
    return plan_power(
        [Gate.model_validate(gate) for gate in gates],
        attackers,
        spec.metrics,
        members=200,
        non_members=300,
        samples=1500,
    )


def planned(spec: AuditSpec, **gate: Any) -> GatePower:
    """Return the plan of one gate."""
    [found] = plan(spec, gate).gates
    return found


def test_signals_have_figures_of_every_measure_with_intervals(spec: AuditSpec) -> None:
    """A rate that the pool cannot resolve is None."""
    none, weak, clear = plan(spec).signals

    assert list(none.figures) == [
        "accuracy", "auc", "advantage", "tpr@0.1", "tpr@0.01", "tpr@0.001",
    ]  # fmt: skip
    areas = [signal.figures["auc"] for signal in (none, weak, clear)]
    assert [round(area.value, 2) for area in areas if area] == [0.5, 0.57, 0.7]
    assert none.figures["tpr@0.1"] is not None
    assert none.figures["tpr@0.01"] is None


def test_rates_say_how_many_samples_they_take(spec: AuditSpec) -> None:
    """In the pool, and with these shares in the data."""
    rates = [(one.is_resolved, one.non_members, one.samples) for one in plan(spec).rates]

    assert rates == [(True, 100, 500), (False, 1000, 5000), (False, 10_000, 50_000)]


def test_sides_are_the_fewest_samples_for_a_half_width(spec: AuditSpec) -> None:
    """One sample fewer on either side is wider."""
    for half, count in plan(spec).sides.items():
        enough, few = (PoolPower(members=n, non_members=n) for n in (count, count - 1))

        assert enough.leak("advantage").half_width <= half + 1 / count
        assert few.leak("advantage").half_width > half - 1 / count


def test_a_gate_on_the_game_is_about_the_worst_of_its_attacks(spec: AuditSpec) -> None:
    """One on an attacker is about that one alone."""
    game = planned(spec, measure="membership.auc", at_most=0.58)
    alone = planned(spec, measure="entropy.auc", at_most=0.58)

    assert game.chance is not None
    assert alone.chance is not None
    assert game.chance == pytest.approx(alone.chance**2)
    assert alone.is_resolved is (alone.chance >= 0.8)


def test_an_accuracy_is_a_share_of_non_members(spec: AuditSpec) -> None:
    """An attribute attack's of all samples, so its gate takes less."""
    task = planned(spec, measure="accuracy", at_least=0.5)
    attribute = planned(spec, measure="attribute.accuracy", at_least=0.5)

    assert task.estimate == pytest.approx(0.56, abs=0.005)
    assert attribute.estimate == pytest.approx(0.546, abs=0.005)
    assert task.is_resolved
    assert task.chance is None


def test_exposed_members_are_a_share_of_members(spec: AuditSpec) -> None:
    """Of 200 none may be exposed for a bound of 2 %, since one in 200 ends at 2.8 %."""
    strict = planned(spec, measure="membership.exposed_members", at_most=0.02)
    impossible = planned(spec, measure="loss-threshold.exposed_members", at_most=0.01)

    assert (strict.estimate, strict.is_resolved) == (0.0, True)
    assert impossible.is_resolved is False


def test_a_margin_is_about_an_equal_model(spec: AuditSpec) -> None:
    """A wide one is kept, a narrow one is luck."""
    wide, narrow = (
        planned(spec, measure="membership.advantage", no_worse_than="old.json", margin=margin)
        for margin in (0.3, 0.01)
    )

    assert (wide.kind, wide.is_resolved, narrow.is_resolved) == ("margin", True, False)
    assert planned(spec, measure="accuracy", no_worse_than="old.json", margin=0.2).is_resolved


@pytest.mark.parametrize(
    ("gate", "note"),
    [
        ({"measure": "model.file_bytes", "at_most": 100.0}, "no sampling error"),
        ({"measure": "attribute.lift", "at_most": 0.1}, "more than the sizes of the pools"),
        ({"measure": "membership.auc", "at_least": 0.6}, "nothing to plan"),
    ],
)
def test_a_gate_of_which_nothing_can_be_said_says_why(
    spec: AuditSpec, gate: dict[str, Any], note: str
) -> None:
    """And is neither resolvable nor not."""
    found = planned(spec, **gate)

    assert note in found.note
    assert found.is_resolved is None


def test_as_json_everything_is_plain(spec: AuditSpec) -> None:
    """With the verdict on each gate."""
    document = plan(spec, {"measure": "membership.auc", "at_most": 0.6}).to_json()

    assert document["pool"] == {"members": 200, "non_members": 300, "attacks": 2}
    assert document["gates"][0]["resolved"] is True
    assert list(document["sides"]) == ["0.1", "0.05", "0.02"]
    assert set(document["leaks"]["auc"]) == {
        "half_width", "smallest_leak", "smallest_gate", "smallest_margin",
    }  # fmt: skip
