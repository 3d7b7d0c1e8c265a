"""What the best guess without the model is called, and how good it is, in words."""

from collections.abc import Mapping
from typing import Any

from safecompress_core.report.formatting import and_list, number
from safecompress_core.report.verdict import Finding

__all__ = ["guess_name", "guess_sentence", "guesses"]

COIN = "tossing a coin over balanced pools"
NAMES = {
    "majority": "the most frequent value",
    "majority-per-label": "the most frequent value of the task label",
    "logistic": "logistic regression on public features",
    "boosting": "gradient boosting on public features",
    "median": "the median",
    "median-per-label": "the median of the task label",
    "ridge": "ridge regression on public features",
}
"""By a rule's name in results; those on public features know the task label too."""

SENTENCES = {
    "evasion": "Without the model, random noise of the same size leaves a share of {} wrong",
    "inversion": "Without the model, the population's mean has an error of {}",
    "extraction": "Without the model, a clone trained on true labels agrees on a share of {}",
}
"""By game, where what is held against an attack is no guess."""


def guess_name(judged: Mapping[str, Any]) -> str:
    """What the guess is that a judged attack is held against; empty where it is a coin.

    >>> guess_name({"baseline_rule": "boosting"}), guess_name({"baseline": 0.5})
    ('gradient boosting on public features', '')
    """
    rule = judged.get("mae_rule") or judged.get("baseline_rule")
    return NAMES.get(rule, str(rule)) if rule else ""


def guess_sentence(judged: Mapping[str, Any]) -> str:
    """How good it is.

    >>> guess_sentence({"baseline": 0.5})
    'Without the model, tossing a coin over balanced pools is right with 0.500'
    """
    sentence = SENTENCES.get(judged.get("game", ""))
    if sentence:
        return sentence.format(number(judged["baseline"]))
    name = guess_name(judged) or COIN
    if "baseline_mae" in judged:
        return f"Without the model, {name} is off by {number(judged['baseline_mae'])} on average"
    return f"Without the model, {name} is right with {number(judged['baseline'])}"


def guesses(results: Mapping[str, Any]) -> tuple[Finding, ...]:
    """What the audit's attacks on attributes are held against, a sentence for each guess."""
    held: dict[str, list[str]] = {}
    for attack, judged in results["audit"].items():
        if guess_name(judged):
            good = f"right with {number(judged['baseline'])}"
            if "baseline_mae" in judged:
                good = f"off by {number(judged['baseline_mae'])} on average"
            held.setdefault(f"{guess_name(judged)} ({good})", []).append(attack)
    return tuple(
        Finding(f"Best guess without the model, for {and_list(attacks)}: {guess}.")
        for guess, attacks in held.items()
    )
