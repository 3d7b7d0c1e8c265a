"""Contents that only the page has: the run in one sentence, its tiles, its rounds' decisions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecompress_core.games.records import game_in
from safecompress_core.report.change import Direction, direction
from safecompress_core.report.densities import share_kept
from safecompress_core.report.formatting import and_list, format_interval, format_number, size
from safecompress_core.report.guesses import guess_sentence
from safecompress_core.report.race.history import (
    cost_of_rounds,
    is_field,
    is_race,
    noun_of_lineages,
)
from safecompress_core.report.verdict import is_void
from safecompress_core.report.worst_cases import WorstCaseFigure, worst_cases
from safecompress_core.results.schema import (
    AnyAttackRecord,
    CandidateRecord,
    EstimateRecord,
    ModelAuditRecord,
    Results,
    RoundRecord,
)

__all__ = [
    "AttackSummary",
    "RoundSummary",
    "Tile",
    "attackers",
    "cost_of_race",
    "headline",
    "rounds",
    "select_worst_cases",
    "tiles",
    "worst_tile",
]

LEAST = 0.005  # an advantage that rounds to nothing has no ratio
FACTS = (
    "attribute",
    "classifier",
    "inputs",
    "norm",
    "epsilon",
    "steps",
    "restarts",
    "start",
    "samples",
    "budget",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A figure of the top of the page.

    Attributes:
        label: what it is.
        after, before: of the compressed and of the uncompressed model; ``before`` is empty where
            there is none.
        change: what it comes to.
        brief: the same as a part of the headline.
        note: what else to know.
        direction: whether the change is for the better; ``same`` within the noise, ``caution``
            for a worst case that did not improve.
    """

    label: str
    after: str
    before: str
    change: str
    brief: str
    note: str
    direction: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundSummary:
    """Decision of a round.

    Attributes:
        record: as in ``results.json``.
        chosen: the candidates that went on, the best first.
        decision: why, in a few words.
        challenger: the best of those that did not go on; None if all did.
        is_field: whether it tested lineages as they are, of which none is the incumbent.
    """

    record: RoundRecord
    chosen: tuple[CandidateRecord, ...]
    decision: str
    challenger: CandidateRecord | None
    is_field: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackSummary:
    """One attack in words.

    Attributes:
        name: what results call it.
        facts: its game, its access where that is known, and what else the spec says of it.
        summary: what it does, in its plugin's own words.
        sentence: the question it answers, the baseline, and what advantage is.
    """

    name: str
    facts: tuple[str, ...]
    summary: str
    sentence: str


def headline(results: Results) -> str:
    """Compare the run with the uncompressed model; empty if the verdict is void."""
    if is_void(results):
        return ""
    first, cost, leaks = _size(results), _performance(results), _leaks(results)
    clauses = [first.brief]
    if leaks:
        games = [game_in(results.games, attack.game) for attack in results.audit.values()]
        what = "leakage" if all(game.is_leakage for game in games) else "risk"
        clauses.append(f"with {and_list([leak.brief for leak in leaks])} {what}")
    return f"{', '.join([*clauses, cost.brief])}."


def tiles(results: Results) -> tuple[Tile, ...]:
    """Size, performance, the strongest attack of each game, and two worst cases of membership."""
    return (
        _size(results),
        _performance(results),
        *_leaks(results),
        *map(worst_tile, select_worst_cases(results)),
    )


def select_worst_cases(results: Results) -> tuple[WorstCaseFigure, ...]:
    """The smallest false-positive rate that the pools resolve, and the most exposed tenth."""
    return worst_cases(results)[-2:]


def worst_tile(worst: WorstCaseFigure) -> Tile:
    """A worst case as a figure of the top of the page; amber where it did not improve."""
    change = ""
    way: Direction = "same"
    if worst.improved is not None and worst.before is not None:
        way = "better" if worst.improved else "caution"
        change = _less(worst.before, worst.after) if worst.improved else "did not improve"
    return Tile(
        label=worst.label,
        after=format_number(worst.after),
        before="" if worst.before is None else format_number(worst.before),
        change=change,
        brief="",
        note=f"{format_interval(*worst.interval)}, by {worst.attacker}; a guess: "
        f"{format_number(worst.guess)}",
        direction=way,
    )


def rounds(results: Results) -> tuple[RoundSummary, ...]:
    """Every round, with why it went on as it did."""
    raced = is_race(results)
    noun = noun_of_lineages(results)
    return tuple(_round(record, noun, is_race=raced) for record in results.rounds)


def attackers(results: Results, spec: Mapping[str, Any]) -> dict[str, tuple[AttackSummary, ...]]:
    """The attacks of the audit and those that tested candidates: game, baseline, advantage."""
    candidates = [candidate for round_ in results.rounds for candidate in round_.candidates][:1]
    judged = {
        "audit": results.audit,
        "selection": candidates[0].attacks if candidates else {},
    }
    declared = {"audit": spec["audit"]["attackers"], "selection": spec.get("attackers", ())}
    return {
        where: tuple(_attackers(results, attacks, declared[where]))
        for where, attacks in judged.items()
    }


def _attackers(
    results: Results, judged: Mapping[str, AnyAttackRecord], declared: Sequence[Mapping[str, Any]]
) -> Iterator[AttackSummary]:
    selecting, summaries = results.selection.attackers, results.attacks
    params = {attacker.get("id") or attacker["type"]: attacker for attacker in declared}
    for name, attack in judged.items():
        game = game_in(results.games, attack.game)
        attacker_params = params.get(name, {})
        facts = [game.name, *([selecting[name].access] if name in selecting else [])]
        facts += [attacker_params["type"]] if attacker_params.get("type", name) != name else []
        facts += [f"{key}: {attacker_params[key]}" for key in FACTS if key in attacker_params]
        yield AttackSummary(
            name=name,
            facts=tuple(facts),
            summary=summaries.get(attacker_params.get("type", name), ""),
            sentence=f"{game.question} {guess_sentence(game, attack)}; advantage is "
            f"{game.advantage}, so 0 is nothing and 1 is everything.",
        )


def _uncompressed(results: Results) -> ModelAuditRecord:
    """Return the uncompressed model, which the results of a run have."""
    assert results.baseline is not None
    return results.baseline


def _size(results: Results) -> Tile:
    before, after = _uncompressed(results).model, results.model
    assert before.file_bytes is not None  # a run has written both
    assert after.file_bytes is not None
    ratio = before.file_bytes / after.file_bytes
    brief = "Same size"
    way: Direction = "same"
    if ratio >= 1.05:
        brief, way = f"{ratio:.1f}× smaller", "better"
    elif ratio <= 0.95:
        brief, way = f"{1 / ratio:.1f}× larger", "worse"
    return Tile(
        label="model file",
        after=size(after.file_bytes),
        before=size(before.file_bytes),
        change=brief,
        brief=brief,
        note=share_kept(after),
        direction=way,
    )


def _performance(results: Results) -> Tile:
    name = results.selection.performance
    before, after = _uncompressed(results).metrics[name], results.metrics[name]
    way = direction(before, after, higher_is_better=True)
    points = round((after.value - before.value) * 100, 1)
    count = f"{abs(points):.1f} points"
    within = ", within the noise" if way == "same" else ""
    change, brief = f"{count} less{within}", f"for {count} of {name}{within}"
    if not points:
        change, brief = "no change", f"at the same {name}"
    elif points > 0:
        change, brief = f"{count} more{within}", f"and {count} more {name}{within}"
    return Tile(
        label=f"test {name}",
        after=format_number(after.value),
        before=format_number(before.value),
        change=change,
        brief=brief,
        note=f"95 % interval {format_interval(*after.interval)}",
        direction=way,
    )


def _leaks(results: Results) -> tuple[Tile, ...]:
    games = dict.fromkeys(attack.game for attack in results.audit.values())
    return tuple(_leak(results, game) for game in games)


def _leak(results: Results, game: str) -> Tile:
    """The attack that gains most, of each model its own: no adversary is chosen."""
    (_, before), (name, after) = (
        max(
            ((name, attack) for name, attack in part.audit.items() if attack.game == game),
            key=lambda pair: pair[1].advantage,
        )
        for part in (_uncompressed(results), results)
    )
    way = direction(_advantage(before), _advantage(after), higher_is_better=False)
    old, new = before.advantage, after.advantage
    if way == "same":
        change, brief = "no measurable change", f"no measurable change in {game}"
    elif old < LEAST:
        change, brief = "none before", f"{format_number(new)} of new {game}"
    else:
        change = _less(old, new)
        brief = f"{change} {game}"
    return Tile(
        label=f"{game} advantage",
        after=format_number(new),
        before=format_number(old),
        change=change,
        brief=brief,
        note=f"{format_interval(*after.advantage_interval)}, by {name}",
        direction=way,
    )


def _advantage(attack: AnyAttackRecord) -> EstimateRecord:
    return EstimateRecord(value=attack.advantage, interval=attack.advantage_interval)


def _less(old: float, new: float) -> str:
    if old < LEAST:
        return "no change" if new < LEAST else f"{format_number(new)} more"
    return f"{abs(1 - new / old) * 100:.0f} % {'less' if new < old else 'more'}"


def cost_of_race(results: Results, spec: Mapping[str, Any]) -> str:
    """Return the cost of a race's rounds or a search's trials; empty for a run of one lineage."""
    if not is_race(results):
        return ""
    half = ", half of it for swap twins" if spec["method"].get("twins") else ""
    work = "trials" if noun_of_lineages(results) == "trials" else "rounds"
    return f"The {work} cost {cost_of_rounds(results):.3g} plain trainings{half}."


def _round(record: RoundRecord, noun: str, *, is_race: bool) -> RoundSummary:
    best_first = sorted(record.candidates, key=lambda candidate: -candidate.utility)
    chosen = tuple(candidate for candidate in best_first if candidate.chosen)
    others = [candidate for candidate in best_first if not candidate.chosen]
    if any(candidate.left is not None for candidate in others):
        goes = "goes" if len(chosen) == 1 else "go"
        decision = f"{len(chosen)} of {record.lineages} {noun} {goes} on"
        if not is_field(record):
            decision = f"{len(chosen)} of {len(record.candidates)} candidates {goes} on"
    elif is_field(record):
        decision = f"all {noun} go on"
    elif len(record.candidates) == 1:
        decision = "nothing to compare with"
    elif len(chosen) > 1:
        decision = f"the {len(chosen)} that cover most of the front"
    elif chosen[0].significant:
        decision = "significantly better"
    else:
        decision = "kept: nothing was significantly better"
    return RoundSummary(
        record=record,
        chosen=chosen,
        decision=decision,
        challenger=next(iter(others), None),
        # The last lineage of a race may be tested as it is.
        is_field=is_field(record) or (is_race and len(record.candidates) == 1),
    )
