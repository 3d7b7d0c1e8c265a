"""Bounds on measures: the careful end counts, and of several attackers the worst."""

from typing import Any

import pytest

from safecompress_core.results.gates import gate_verdicts
from safecompress_core.results.schema import (
    EarlierFigureRecord,
    GateOutcomeRecord,
    GateRecord,
    ModelAuditRecord,
)
from safecompress_core.specfile.models.run_spec import Gate
from tests.core.fixtures.records import attack_record, estimate, model_record, with_interval

PART = ModelAuditRecord(
    model=model_record(0.1, model_density=0.7, file_bytes=5000),
    metrics={"accuracy": estimate(0.6), "file-bytes": estimate(5000.0, 0.0)},
    audit={
        "sure": attack_record("membership", 0.30, 0.02),
        "unsure": attack_record("membership", 0.20, advantage_interval=(0.05, 0.40)),
        "probe": attack_record("attribute", 0.5, **with_interval("lift", 0.3, 0.2, 0.4)),
        "age": attack_record("attribute", 0.1, **with_interval("mae", 9.0, 8.5, 9.5)),
    },
)


def verdict(measure: str, **bound: Any) -> GateRecord:
    """Return the outcome of one gate."""
    [found] = gate_verdicts([Gate(measure=measure, **bound)], compressed=PART, baseline=PART)
    return found


@pytest.mark.parametrize(
    ("measure", "bound", "held", "value", "passes"),
    [
        ("accuracy", {"at_least": 0.55}, 0.55, 0.6, True),
        ("accuracy", {"at_least": 0.56}, 0.55, 0.6, False),
        ("accuracy", {"at_least": 0.56, "against": "estimate"}, 0.6, 0.6, True),
        ("accuracy", {"at_most": 0.64}, 0.65, 0.6, False),
        ("file-bytes", {"at_most": 5000}, 5000, 5000, True),
        ("model.density", {"at_most": 0.7}, 0.7, 0.7, True),
        ("model.density", {"at_most": 0.1}, 0.7, 0.7, False),
        ("model.file_bytes", {"at_most": 4999}, 5000, 5000, False),
        ("probe.lift", {"at_most": 0.4}, 0.4, 0.3, True),
        ("attribute.advantage", {"at_most": 0.55}, 0.6, 0.5, False),
        ("attribute.mae", {"at_least": 8.6}, 8.5, 9.0, False),
        ("age.mae", {"at_least": 8.6, "against": "estimate"}, 9.0, 9.0, True),
        ("sure.advantage", {"at_most": 0.32}, 0.32, 0.30, True),
    ],
)
def test_a_bound_is_held_against_the_end_nearer_to_failing(
    measure: str, bound: dict[str, Any], held: float, value: float, passes: bool
) -> None:
    """The low end for a floor, the high end for a ceiling; the estimate only on request."""
    found = verdict(measure, **bound)

    assert (found.held, found.value, found.passed) == (held, value, passes)


def test_the_worst_attacker_of_a_game_counts_by_what_is_held() -> None:
    """By interval it is the unsure one, by estimate the sure one, though its interval is lower."""
    careful = verdict("membership.advantage", at_most=0.35)
    plain = verdict("membership.advantage", at_most=0.25, against="estimate")
    floor = verdict("membership.advantage", at_least=0.1)

    assert (careful.held, careful.value, careful.passed) == (0.40, 0.20, False)
    assert (plain.held, plain.value, plain.passed) == (0.30, 0.30, False)
    assert (floor.held, floor.value, floor.passed) == (0.05, 0.20, False)


def test_an_inverted_attack_counts_in_both_directions() -> None:
    """Members and non-members exchanged: the attack itself has no advantage, and would pass."""
    other = with_interval("advantage", 0.5, 0.4, 0.6) | with_interval("auc", 0.8, 0.7, 0.9)
    auc = with_interval("auc", 0.2, 0.1, 0.3)
    inverted = attack_record("membership", 0.0, 0.0, reversed=other, **auc)
    part = PART.model_copy(update={"audit": {"loss": inverted}})
    gates = [
        Gate(measure="membership.advantage", at_most=0.2),
        Gate(measure="loss.auc", at_most=0.6, against="estimate"),
        Gate(measure="loss.auc", at_least=0.1),
    ]

    found = gate_verdicts(gates, compressed=part, baseline=None)

    assert [(one.value, one.held, one.passed) for one in found] == [
        (0.5, 0.6, False),
        (0.8, 0.8, False),
        (0.2, 0.1, True),
    ]


def test_a_verdict_says_what_the_uncompressed_model_would_have_got() -> None:
    """Under the same bound."""
    dense = PART.model_copy(update={"model": model_record(1.0, file_bytes=90_000)})
    gate = Gate(measure="model.file_bytes", at_most=6000)

    [found] = gate_verdicts([gate], compressed=PART, baseline=dense)

    assert found == GateRecord(
        measure="model.file_bytes",
        at_least=None,
        at_most=6000.0,
        against="interval",
        value=5000.0,
        held=5000.0,
        passed=True,
        baseline=GateOutcomeRecord(value=90_000.0, held=90_000.0, passed=False),
    )


@pytest.mark.parametrize(
    ("against", "margin", "held", "passes"),
    [
        ("interval", 0.05, 0.07, False),
        ("interval", 0.07, 0.07, True),
        ("estimate", 0.02, 0.02, True),
        ("estimate", 0.0, 0.02, False),
    ],
)
def test_a_relative_gate_holds_the_high_end_of_worsening_against_its_margin(
    against: str, margin: float, held: float, *, passes: bool
) -> None:
    """Not to be known worse is not enough: the whole interval has to be within the margin."""
    earlier = EarlierFigureRecord(
        name="old",
        sha256="0" * 64,
        value=0.28,
        interval=(0.25, 0.31),
        attacks=("sure", "sure"),
        worse_by=0.02,
        worse_by_interval=(-0.03, 0.07),
        paired=True,
    )
    gate = Gate.model_validate(
        {
            "measure": "membership.advantage",
            "no_worse_than": "old.json",
            "margin": margin,
            "against": against,
        }
    )

    [found] = gate_verdicts([gate], compressed=PART, baseline=PART, earlier={0: earlier})

    assert (found.value, found.held, found.passed) == (0.30, held, passes)
    assert (found.at_least, found.at_most, found.baseline) == (None, None, None)
    assert (found.no_worse_than, found.margin, found.earlier) == ("old.json", margin, earlier)
