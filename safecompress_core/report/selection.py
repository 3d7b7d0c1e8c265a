"""Evidence behind the choices of rounds, in sentences."""

from collections import Counter
from collections.abc import Iterator

from safecompress_core.report.formatting import and_list, or_list
from safecompress_core.report.objectives import objective_name
from safecompress_core.report.race.history import (
    departures,
    is_race,
    lineages,
    noun_of_lineages,
    noun_of_models,
    rounds_with_choice,
)
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.results.schema import Results

__all__ = ["selection_findings"]


def selection_findings(results: Results) -> tuple[VerdictFinding, ...]:
    """Return the evidence behind the rounds' choices; empty if a method chose nothing."""
    return tuple(_selection(results)) if results.rounds else ()


def _selection(results: Results) -> Iterator[VerdictFinding]:
    yield from _describe_departures(results)
    yield from _describe_resolution(results)
    yield from _describe_unchanged_rounds(results)
    yield from _outdone(results)


def _describe_departures(results: Results) -> Iterator[VerdictFinding]:
    """Count what decided against the lineages that left a race."""
    left = departures(results)
    if not left:
        return
    dominated = sum(departure.reason == "dominated" for departure in left)
    ways = {
        "utility": "utility",
        "performance": f"{results.selection.performance} alone",
        "cost": "the number of weights",
        "index": "the order of the field",
        "field": "the comparisons with the whole field",
    }
    counts = Counter[str](
        departure.decided_by for departure in left if departure.reason == "outranked"
    )
    parts = [f"{counts[key]} by {way}" for key, way in ways.items() if counts[key]]
    parts = [f"outranked: {and_list(parts)}"] if parts else []
    parts += [f"dominated: {dominated}"] if dominated else []
    pruned = sum(departure.reason == "pruned" for departure in left)
    parts += [f"pruned: {pruned}"] if pruned else []
    count = len(lineages(results))
    yield VerdictFinding(
        f"Of {count} {noun_of_lineages(results)} {len(left)} left; {'; '.join(parts)}."
    )


def _describe_resolution(results: Results) -> Iterator[VerdictFinding]:
    rounds, noun = rounds_with_choice(results), noun_of_models(results)
    if not rounds:
        return
    distinguished = {
        objective: sum(round_.spread[objective].tells_apart for round_ in rounds)
        for objective in rounds[0].spread
    }
    never = [objective_name(results, name) for name, count in distinguished.items() if not count]
    if never and len(never) == len(distinguished):
        yield VerdictFinding(
            f"No round could distinguish its {noun}: they differ by less than the test's noise. "
            "What was chosen among them is chance; ask for larger pools or bolder strategies.",
            is_good=False,
        )
    elif never:
        text = "they differ by less than the test's noise there"
        yield VerdictFinding(f"No round could distinguish {noun} by {or_list(never)}: {text}.")
    elif all(count == len(rounds) for count in distinguished.values()):
        yield VerdictFinding(
            f"Every round could distinguish its {noun} by everything.", is_good=True
        )


def _describe_unchanged_rounds(results: Results) -> Iterator[VerdictFinding]:
    """Count the rounds that kept their model; of several carried ones none does."""
    rounds = results.rounds
    where = ""
    if is_race(results):
        # Lineages are equals: only candidates of a single one have an incumbent.
        rounds = tuple(record for record in rounds_with_choice(results) if record.lineages == 1)
        where = " of candidates"
    several = any(sum(candidate.chosen for candidate in round_.candidates) > 1 for round_ in rounds)
    if several or not rounds:
        return
    unchanged = sum(round_.candidates[0].chosen for round_ in rounds)
    name = rounds[0].candidates[0].strategy
    if unchanged:
        text = f"nothing was significantly better than '{name}', so the run kept what it had"
        when = f"{unchanged} of {len(rounds)} rounds" if unchanged < len(rounds) else "every round"
        yield VerdictFinding(f"In {when}{where} {text}.")
    else:
        text = f"a candidate was significantly better than '{name}'."
        yield VerdictFinding(f"In every round{where} {text}", is_good=True)


def _outdone(results: Results) -> Iterator[VerdictFinding]:
    """Attackers that were significantly weaker than an attack which needs no training."""
    candidates = [candidate for round_ in results.rounds for candidate in round_.candidates]
    for name in candidates[0].attacks:
        # A race spares trained attackers in its first rounds; such a test has no figure of theirs.
        tests = [
            attack
            for attack in (candidate.attacks[name] for candidate in candidates)
            if attack.outdone_by is None or attack.own_advantage is not None
        ]
        spared = len(candidates) - len(tests)
        outdone_by = [attack.outdone_by for attack in tests]
        stronger = sorted({attacker for attacker in outdone_by if attacker})
        if stronger:
            count = sum(attacker is not None for attacker in outdone_by)
            text = f"{name} was significantly weaker than {or_list(stronger)}"
            yield VerdictFinding(
                f"In {count} of {len(tests)} tests {text}, which counted in its place."
            )
        if spared:
            text = f"{name} was not trained, and an attack without training counted in its place"
            yield VerdictFinding(f"In {spared} of {len(candidates)} tests {text}.")
