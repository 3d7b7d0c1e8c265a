"""What the top of the page claims, and what it does not."""

from typing import Any

import pytest

from safecompress_core.report.contents import headline, rounds, tiles


def a_run(
    *, accuracy: tuple[float, float], leak: tuple[float, float], size: tuple[int, int] = (100, 10)
) -> dict[str, Any]:
    """Results of one attack, before and after; every interval reaches 0.05 to either side."""

    def part(index: int) -> dict[str, Any]:
        value, gain = accuracy[index], leak[index]
        return {
            "model": {
                "file_bytes": size[index],
                "dense_bytes": size[0],
                "density": 0.1,
                "sparsifiable": 1.0,
            },
            "metrics": {"accuracy": {"value": value, "interval": [value - 0.05, value + 0.05]}},
            "audit": {
                "loss-threshold": {
                    "game": "membership",
                    "advantage": gain,
                    "advantage_interval": [gain - 0.05, gain + 0.05],
                }
            },
        }

    selection = {"performance": "accuracy", "attackers": {}}
    return {
        **part(1),
        "baseline": part(0),
        "selection": selection,
        "rounds": [],
        "controls": {"null": {"loss-threshold": {"passed": True}}},
    }


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            a_run(accuracy=(0.5, 0.4), leak=(0.4, 0.1)),
            "10.0× smaller, with 75 % less membership leakage, for 10.0 points of accuracy.",
        ),
        (
            a_run(accuracy=(0.5, 0.6), leak=(0.2, 0.3)),
            "10.0× smaller, with 50 % more membership leakage, and 10.0 points more accuracy.",
        ),
        (
            a_run(accuracy=(0.5, 0.48), leak=(0.2, 0.18)),
            "10.0× smaller, with no measurable change in membership leakage, "
            "for 2.0 points of accuracy, within the noise.",
        ),
        (
            a_run(accuracy=(0.5, 0.5), leak=(0.0, 0.1), size=(100, 200)),
            "2.0× larger, with 0.100 of new membership leakage, at the same accuracy.",
        ),
    ],
)
def test_a_headline_claims_a_change_only_beyond_the_noise(run: dict[str, Any], said: str) -> None:
    """A cost is named even within the noise, a gain in safety only beyond it."""
    assert headline(run) == said


def test_a_failed_control_leaves_no_claim() -> None:
    """However good it looks; the verdict says what failed."""
    run = a_run(accuracy=(0.5, 0.4), leak=(0.4, 0.1))
    run["controls"]["null"]["loss-threshold"]["passed"] = False

    assert headline(run) == ""


def test_the_strongest_attack_speaks_for_its_game() -> None:
    """Of two attacks on a model the one with the larger advantage counts, of each model its own."""
    run = a_run(accuracy=(0.5, 0.4), leak=(0.4, 0.1))
    stronger = {"game": "membership", "advantage": 0.3, "advantage_interval": [0.25, 0.35]}
    run["audit"]["modified-entropy"] = stronger
    run["baseline"]["audit"]["modified-entropy"] = stronger

    leak = tiles(run)[-1]

    assert (leak.before, leak.after) == ("0.400", "0.300")
    assert leak.note == "0.250–0.350, by modified-entropy"
    assert leak.direction == "better"


@pytest.mark.parametrize(
    ("chosen", "significant", "decision", "challenger"),
    [
        ([0], False, "kept: nothing was significantly better", "b"),
        ([1], True, "significantly better", "a"),
        ([0, 1], False, "the 2 that cover most of the front", None),
    ],
)
def test_a_round_says_why_it_went_on(
    chosen: list[int], significant: bool, decision: str, challenger: str | None
) -> None:
    """The best of those left behind stands beside what was chosen."""
    candidates = [
        {
            "id": name,
            "utility": float(index),
            "chosen": index in chosen,
            "significant": significant and index in chosen,
        }
        for index, name in enumerate("ab")
    ]

    [found] = rounds({"rounds": [{"round": 1, "candidates": candidates}]})

    assert found.decision == decision
    assert (found.challenger and found.challenger["id"]) == challenger
    assert [one["id"] for one in found.chosen] == [
        name for index, name in reversed(list(enumerate("ab"))) if index in chosen
    ]
