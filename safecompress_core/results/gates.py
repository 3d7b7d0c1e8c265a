"""Holds results against the bounds that a spec sets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from safecompress_core.specfile.models.run_spec import Gate

__all__ = ["passed", "verdicts"]

MODEL_KEYS = {"density": "model_density", "file_bytes": "file_bytes"}
"""Sizes of a model by the name that a gate gives them: its density is that of the whole model."""

Part = Mapping[str, Any]
"""One model's part of the results: its ``model``, ``metrics`` and ``audit``."""


def verdicts(
    gates: Sequence[Gate], *, compressed: Part, baseline: Part | None
) -> list[dict[str, Any]]:
    """One verdict a gate, JSON-ready, beside what the uncompressed model would have got.

    Beside an audited model there is none: ``baseline`` is None then.
    """
    return [
        {
            "measure": gate.measure,
            "at_least": gate.at_least,
            "at_most": gate.at_most,
            "against": gate.against,
            **_outcome(gate, compressed),
            "baseline": None if baseline is None else _outcome(gate, baseline),
        }
        for gate in gates
    ]


def passed(outcomes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every gate is met."""
    return all(outcome["passed"] for outcome in outcomes)


def _outcome(gate: Gate, part: Part) -> dict[str, Any]:
    """The end of the interval that a bound is held against, and whether it is kept.

    The careful end is the one nearer to failing; of several attackers the worst counts, by what
    is held against the bound.
    """
    by_estimate = gate.against == "estimate"
    readings = list(_readings(gate.measure, part))
    if gate.at_least is not None:
        held, value = min((value if by_estimate else low, value) for value, low, _ in readings)
        return {"value": value, "held": held, "passed": held >= gate.at_least}
    assert gate.at_most is not None  # the spec has exactly one bound
    held, value = max((value if by_estimate else high, value) for value, _, high in readings)
    return {"value": value, "held": held, "passed": held <= gate.at_most}


def _readings(measure: str, part: Part) -> Iterator[tuple[float, float, float]]:
    """Value, low and high end of everything that a gate's measure names.

    An inverted attack counts in both directions: an adversary can turn it.
    """
    if measure in part["metrics"]:
        found = part["metrics"][measure]
        yield found["value"], *found["interval"]
        return
    owner, _, name = measure.rpartition(".")
    if owner == "model":
        yield (float(part["model"][MODEL_KEYS[name]]),) * 3
        return
    for attacker, judged in part["audit"].items():
        if owner in (attacker, judged["game"]):
            for one in (judged, judged.get("reversed") or {}):
                if one.get(name) is not None:
                    yield one[name], *one[f"{name}_interval"]
