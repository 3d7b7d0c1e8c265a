"""Verdict, gates, controls and selection in sentences."""

from typing import Any

import pytest

from safecompress_core.report.verdict import (
    VerdictFinding,
    controls,
    defences,
    find_failed_controls,
    gaps,
    gates,
    is_good,
    selectors,
    verdict,
)
from tests.core.fixtures.records import typed

Results = dict[str, Any]


def miss(results: Results, index: int) -> None:
    """Have the compressed model miss a gate."""
    results["gate"][index] |= {"passed": False}


def test_a_gate_is_told_with_the_end_that_counts_and_the_uncompressed_model(
    results: Results,
) -> None:
    """A floor is compared with the low end, a ceiling with the high end, of the worst attack."""
    accuracy, advantage = gates(typed(results))

    assert accuracy == VerdictFinding(
        "Test accuracy must be at least 0.300. It is 0.400; the low end of its interval, 0.350, "
        "counts: met. The uncompressed model: 0.450, met too.",
        is_good=True,
    )
    assert advantage == VerdictFinding(
        "Membership advantage (worst attack: loss) must be at most 0.350. It is 0.200; the high "
        "end of its interval, 0.300, counts: met. The uncompressed model: 0.400, missed.",
        is_good=True,
    )


def test_a_missed_gate_says_so(results: Results) -> None:
    """Also where the uncompressed model would have met it."""
    miss(results, 0)

    finding = gates(typed(results))[0]

    assert finding.is_good is False
    assert "counts: missed. The uncompressed model: 0.450, met." in finding.text


def test_a_relative_gate_names_both_figures_and_how_they_are_compared(results: Results) -> None:
    """The end of the difference that counts, and the earlier attack if it is another one."""
    gate = results["gate"][1] | {
        "at_most": None,
        "no_worse_than": "baseline.json",
        "margin": 0.05,
        "held": 0.12,
        "passed": False,
        "baseline": None,
        "earlier": {
            "name": "old",
            "sha256": "0" * 64,
            "value": 0.16,
            "interval": [0.1, 0.22],
            "attacks": ["loss", "entropy"],
            "worse_by": 0.04,
            "worse_by_interval": [-0.04, 0.12],
            "paired": True,
        },
    }
    results["gate"] = [gate]

    [finding] = gates(typed(results))

    assert finding == VerdictFinding(
        "Membership advantage (worst attack: loss) must not be more than 0.050 worse than in "
        "baseline.json. It is 0.200, and was 0.160 there (entropy); the high end of the "
        "difference's interval (paired by sample), 0.120, counts: missed.",
        is_good=False,
    )


def test_a_gate_against_the_estimate_has_no_interval_to_tell(results: Results) -> None:
    """The compared value is the estimate."""
    results["gate"][0]["held"] = 0.4

    assert "It is 0.400: met." in gates(typed(results))[0].text


def test_a_near_miss_gets_the_decimals_that_show_it(results: Results) -> None:
    """0.350 must not seem to exceed 0.350."""
    results["gate"][1] |= {"value": 0.35004, "held": 0.35004, "passed": False}

    assert "must be at most 0.350. It is 0.35004: missed." in gates(typed(results))[1].text


@pytest.mark.parametrize(
    ("measure", "name"),
    [
        ("probe.lift", "probe lift over the guess"),
        ("loss.auc", "loss AUC"),
        ("model.density", "Density of the whole model"),
        ("model.file_bytes", "Model file size in bytes"),
    ],
)
def test_a_measure_is_called_by_what_owns_it(results: Results, measure: str, name: str) -> None:
    """An attacker keeps the id that the spec gave it."""
    results["gate"][1] |= {"measure": measure}

    assert gates(typed(results))[1].text.startswith(f"{name} must be at most")


def test_a_gate_on_density_names_the_whole_model_and_what_may_be_sparse(results: Results) -> None:
    """Both if under half of the parameters may be sparse; otherwise the one that counts."""
    results["gate"][1] |= {"measure": "model.density", "value": 0.704, "held": 0.704}
    results["gate"][1] |= {"at_most": 0.1, "passed": False}
    results["model"] |= {"density": 0.1, "model_density": 0.704}
    plain = gates(typed(results))[1].text

    results["model"]["sparsifiable"] = 0.329
    both = gates(typed(results))[1].text

    start = "Density of the whole model must be at most 0.100. It is 0.704"
    assert plain.startswith(f"{start}: missed.")
    assert both.startswith(f"{start}, and 0.100 of the layers that may be sparse: missed.")


def test_the_verdict_counts_gates(results: Results) -> None:
    """One sentence for the whole run."""
    assert verdict(typed(results)) == VerdictFinding(
        "PASSED: the compressed model meets both gates.", is_good=True
    )

    miss(results, 0)
    assert verdict(typed(results)) == VerdictFinding(
        "FAILED: the compressed model misses 1 of 2 gates.", is_good=False
    )

    miss(results, 1)
    assert verdict(typed(results)).text == "FAILED: the compressed model misses both gates."

    results["gate"].pop()
    assert verdict(typed(results)).text == "FAILED: the compressed model misses its gate."


def test_without_gates_nothing_is_passed(results: Results) -> None:
    """A run without gates has the verdict NO GATES."""
    results["gate"] = []

    assert verdict(typed(results)) == VerdictFinding(
        "NO GATES: the spec sets none, so there is nothing to pass or to fail."
    )
    assert is_good(typed(results))


def test_a_failed_control_voids_the_verdict(results: Results) -> None:
    """Also if all gates are met."""
    results["controls"]["null"]["entropy"] |= {
        "auc": 0.71,
        "auc_interval": [0.6, 0.8],
        "passed": False,
    }

    assert not is_good(typed(results))
    assert verdict(typed(results)) == VerdictFinding(
        "VOID: the null control failed for entropy, so the figures prove nothing.",
        is_good=False,
    )
    good, bad, _ = controls(typed(results))
    assert "loss finds nothing, as it must be (AUC 0.480; its interval covers 0.5)" in good.text
    assert "entropy finds something where there is nothing (AUC 0.710, 0.600–0.800)" in bad.text
    assert (good.is_good, bad.is_good) == (True, False)


def test_a_blind_attack_voids_the_verdict(results: Results) -> None:
    """An attack that misses a planted leak proves nothing; both controls' failures are reported."""
    results["controls"]["planted"]["loss"] |= {
        "auc": 0.49,
        "auc_interval": [0.4, 0.6],
        "passed": False,
    }
    results["controls"]["null"]["entropy"]["passed"] = False

    assert not is_good(typed(results))
    assert find_failed_controls(typed(results).controls) == {
        "null": ("entropy",),
        "planted": ("loss",),
    }
    assert verdict(typed(results)).text == (
        "VOID: the null control failed for entropy and the planted-leak control failed for loss, "
        "so the figures prove nothing."
    )
    assert [finding.is_good for finding in controls(typed(results))] == [True, False, True, False]
    assert (
        "loss misses a leak that is there (AUC 0.490, 0.400–0.600)"
        in controls(typed(results))[3].text
    )


def test_what_selection_saw_is_told_beside_what_the_audit_finds(results: Results) -> None:
    """A leak that was understated is a caution; agreement is good; overstated is neither."""
    one = results["selection_gap"]["membership"]

    assert gaps(typed(results)) == (
        VerdictFinding(
            "Membership advantage of the chosen model: 0.100 while choosing (net), 0.200 in the "
            "audit (loss): selection understated the leak by 0.100 (difference 0.030–0.170).",
            is_caution=True,
        ),
    )
    one["select"]["outdone_by"] = "modified-entropy"
    one |= {"gap": -0.01, "gap_interval": [-0.1, 0.08], "selection": "agrees"}
    [finding] = gaps(typed(results))
    assert finding.is_good
    assert "(net, outdone by modified-entropy)" in finding.text
    assert finding.text.endswith("they agree within the noise (−0.100 to 0.080).")
    one |= {"gap": -0.2, "gap_interval": [-0.3, -0.1], "selection": "overstated"}
    assert gaps(typed(results))[0].is_good is None
    assert "selection overstated the leak by 0.200" in gaps(typed(results))[0].text


def test_attackers_that_judge_what_they_selected_are_named(results: Results) -> None:
    """The spec has to allow it, and the report then has a warning."""
    assert selectors(typed(results)) == ()

    results["selection"]["also_audit"] = ["net", "reader"]

    assert selectors(typed(results)) == (
        VerdictFinding(
            "net and reader selected too (allow_selectors: true), so their figures in the audit "
            "read too low.",
            is_good=False,
        ),
    )


def test_a_run_is_good_if_all_gates_are_met(results: Results) -> None:
    """The exit code follows it."""
    assert is_good(typed(results))

    miss(results, 1)

    assert not is_good(typed(results))


def test_a_passed_control_is_told_with_its_figures(results: Results) -> None:
    """In one sentence for all attacks."""
    null, planted = controls(typed(results))

    assert null == VerdictFinding(
        "Null control, membership drawn at random: loss and entropy find nothing, as it must be "
        "(AUC 0.480 and 0.520; their intervals cover 0.5).",
        is_good=True,
    )
    assert planted == VerdictFinding(
        "Planted-leak control, membership copied into the output: loss and entropy find it, as it "
        "must be (AUC 1.000 and 0.980; their intervals are above 0.5).",
        is_good=True,
    )


def test_without_a_membership_attack_there_is_no_control(results: Results) -> None:
    """A sentence states it."""
    results["controls"] = {"null": {}, "planted": {}}

    [finding] = controls(typed(results))

    assert finding.is_good is None
    assert "there are no controls" in finding.text


def test_what_defences_tell_of_themselves_is_a_sentence_each(results: Results) -> None:
    """By id; a defence without facts, or without a text for them, has none."""
    assert defences(typed(results)) == ()
    results["defences"] = {
        "private": {"text": "ε = 3.2 at δ = 1e-05", "epsilon": 3.2},
        "silent": {"steps": 3},
    }

    assert defences(typed(results)) == (VerdictFinding("private: ε = 3.2 at δ = 1e-05."),)
