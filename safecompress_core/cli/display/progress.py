"""Progress of a run, derived from its events."""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from safecompress_core.api import component_id
from safecompress_core.report.formatting import duration, format_number
from safecompress_core.specfile.models.audit_spec import AuditSpec
from safecompress_core.specfile.models.components import attacker_of
from safecompress_core.specfile.models.run_spec import RunSpec

__all__ = ["Outline", "Progress"]

Event = Mapping[str, Any]

UNCOMPRESSED = "training the uncompressed model"
AUDITING = "attacking the model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """Facts of a run that its spec states in advance.

    Attributes:
        rounds: how many there are; None for a method without rounds.
        candidates: models that each round tests at most; None where only the
            method knows.
        audit: ids of the attacks at the end.
        is_careful: whether an attack counts with the upper end of its interval.
        fields: by round of a race, whether it tests lineages as they are; empty without a race.
        counts_auc: whether an attack on membership counts with 2·AUC − 1.
    """

    rounds: int | None
    candidates: tuple[int, ...] | None
    audit: tuple[str, ...]
    is_careful: bool = False
    fields: tuple[bool, ...] = ()
    counts_auc: bool = False

    @classmethod
    def of(cls, spec: RunSpec | AuditSpec) -> "Outline":
        """The outline of a valid spec."""
        audit = tuple(component_id(params) for params in spec.audit.attackers)
        if isinstance(spec, AuditSpec):
            # An audit has no rounds and no candidates.
            return cls(rounds=None, candidates=None, audit=audit)
        # Lazy: an audit needs neither.
        from safecompress_core.methods.lineages.params import LineageParams
        from safecompress_core.methods.search.params import SearchParams
        from safecompress_core.methods.test_driven.params import TestDrivenParams

        candidates = rounds = None
        is_careful = counts_auc = False
        fields: tuple[bool, ...] = ()
        if isinstance(spec.method, TestDrivenParams):
            rounds = spec.method.rounds
            timetable = spec.method.timetable(spec.training.epochs)
            candidates = tuple(round_.tested for round_ in timetable)
            if timetable[0].lineages > 1:
                fields = tuple(not round_.derives for round_ in timetable)
        if isinstance(spec.method, SearchParams):
            # Its rounds are reports of trials, which the end of the search has together.
            fields = tuple(True for _ in spec.method.report_epochs(spec.training.epochs))
        if isinstance(spec.method, LineageParams):
            is_careful = spec.method.bound == "careful"
            games = {attacker_of(params).game for params in spec.attackers}
            counts_auc = spec.method.statistic == "auc" and "membership" in games
        return cls(
            rounds=rounds,
            candidates=candidates,
            audit=audit,
            is_careful=is_careful,
            fields=fields,
            counts_auc=counts_auc,
        )


class Progress:
    """The state of a run; ``take`` every event in turn.

    Attributes:
        outline: what was known in advance.
        name: of the run.
        path: the run directory.
        metric: what ``performance`` is.
        attackers: ids of the attacks that select.
        done: finished units of work.
        total: all units of work.
        rounds_done: finished rounds, those of an earlier, interrupted run included.
        activity: what is being done now.
        candidate: the one that was last heard of: ``candidate``, ``strategy`` and, by attack, its
            advantage so far.
        tested: how many candidates of this round are tested.
        last_round: the last finished round's whole record.
        front: objectives of the non-dominated models, best performance first, by id.
        audited: advantages found in the audit, by model and attack.
        training: the last event about what trains now; None while nothing does.
    """

    def __init__(self, outline: Outline, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.outline = outline
        self._clock = clock
        self._start = clock()
        self._resumed_at = 0
        self.name = self.path = ""
        self.metric = "performance"
        self.attackers: tuple[str, ...] = ()
        self.done = self.total = self.rounds_done = self.tested = 0
        self.activity = "loading data, checking the spec"
        self.candidate: dict[str, Any] = {}
        self.last_round: Event | None = None
        self.front: dict[str, Mapping[str, float]] = {}
        self.audited: dict[str, dict[str, float]] = {}
        self.training: Event | None = None
        self._objectives: dict[str, Mapping[str, float]] = {}
        self._lineages: dict[str, int] = {}
        self._left: Mapping[str, Any] | None = None
        self._heard = self._start

    @property
    def running_seconds(self) -> float:
        """Seconds since this process took up the run."""
        return self._clock() - self._start

    @property
    def left(self) -> float | None:
        """Seconds to go; None while that cannot be said.

        The run's own estimate; if its method states no epochs, all units count alike.
        """
        if self._left is not None:
            # Counted down between events, and never below 0.
            return max(float(self._left["seconds"]) - (self._clock() - self._heard), 0.0)
        # Units of earlier, interrupted work took no time in this process.
        worked = self.done - self._resumed_at
        if worked <= 0 or self.done >= self.total:
            return None
        return self.running_seconds / worked * (self.total - self.done)

    @property
    def time_left(self) -> str:
        """The same in words; empty while it cannot be said."""
        if self.left is None:
            return ""
        if self._left is not None and not self._left["counts_attacks"]:
            return f"about {duration(self.left)} of training left, and the attacks"
        return f"about {duration(self.left)} left"

    @property
    def status(self) -> str:
        """Return the current unit of work, with epoch and loss while a model trains."""
        event = self.training
        if event is None:
            return self.activity
        step = f", step {event['step']:,} of {event['steps']:,}"
        return (
            f"training {_shorten(event['what'])}: epoch {event['epoch']} of {event['until']}"
            f"{step if event['step'] < event['steps'] else ''}, loss {format_number(event['loss'])}"
        )

    @property
    def candidates(self) -> int | None:
        """Return the largest number of models that this round tests."""
        if self.outline.candidates is None:
            return None
        # After the last round the display still asks.
        return self.outline.candidates[min(self.rounds_done, len(self.outline.candidates) - 1)]

    @property
    def tests_field(self) -> bool:
        """Return whether this round tests lineages as they are."""
        fields = self.outline.fields
        return self.rounds_done < len(fields) and fields[self.rounds_done]

    def was_field(self, round_: Event) -> bool:
        """Return whether a finished round tested lineages as they are."""
        fields = self.outline.fields
        number: int = round_["round"]
        return number <= len(fields) and fields[number - 1]

    @property
    def candidate_name(self) -> str:
        """Return the strategy of the current candidate; of a lineage its number if it is known."""
        strategy = str(self.candidate["strategy"])
        if self.tests_field and strategy in self._lineages:
            return f"lineage {self._lineages[strategy]}"
        return strategy

    @property
    def is_auditing(self) -> bool:
        """Return whether no round is left."""
        return bool(self.audited) or self.rounds_done == self.outline.rounds

    def take(self, event: Event) -> None:
        """Take in what happened."""
        self.done, self.total = event["done"], event["total"]
        self._left, self._heard = event.get("left"), self._clock()
        # Any other event ends the training that was shown.
        self.training = None
        match event["event"], event.get("phase"):
            case "run_started", _:
                self._on_run_started(event)
            case "training_progressed", _:
                self._on_training(event)
            case "attack_finished", "select":
                self._on_attack(event)
            case "attack_finished", "audit":
                self._on_audit_attack(event)
            case "candidate_tested", _:
                self._on_candidate(event)
            case "round_finished", _:
                self._on_round(event)
            case "reference_trained", _:
                self.activity = "training reference models"
            case "run_finished", _:
                self.activity = "done"

    def _on_run_started(self, event: Event) -> None:
        self.name, self.path, self.metric = event["name"], event["path"], event["metric"]
        self.attackers = tuple(event["attackers"])
        self.activity = AUDITING if event["method"] is None else UNCOMPRESSED
        # A resumed run has its rounds in the log, not in new events.
        for earlier in _read_finished_rounds(Path(self.path)):
            self._on_round(earlier)
            self._resumed_at = earlier["done"]
            self.activity = f"going on after round {self.rounds_done}"

    def _on_training(self, event: Event) -> None:
        is_over = (event["epoch"], event["step"]) == (event["until"], event["steps"])
        self.training = None if is_over else event
        what = _shorten(event["what"])
        self.activity = f"{'finished ' if is_over else ''}training {what}"

    def _on_attack(self, event: Event) -> None:
        # The first attack on a candidate announces it.
        if self.candidate.get("candidate") != event["candidate"]:
            self.candidate = {
                "candidate": event["candidate"],
                "strategy": event["strategy"],
                "advantages": {},
            }
        self.candidate["advantages"][event["attacker"]] = event["advantage"]
        self.activity = f"attacking {event['candidate']}{_next(event['attacker'], self.attackers)}"

    def _on_candidate(self, event: Event) -> None:
        # Without attackers its first event is this one.
        if self.candidate.get("candidate") != event["candidate"]:  # a run without attackers
            self.candidate = {"candidate": event["candidate"], "advantages": {}}
        self.candidate |= {"strategy": event["strategy"], "performance": event["performance"]}
        self.tested += 1
        is_last = self.tested == self.candidates
        noun = "lineage" if self.tests_field else "candidate"
        self.activity = "choosing" if is_last else f"training the next {noun}"

    def _on_round(self, event: Event) -> None:
        self.last_round = event
        # The first round shows the settings of each lineage, the next ones its number.
        if event["round"] == 1 and self.was_field(event):
            self._lineages = {one["strategy"]: one["lineage"] for one in event["candidates"]}
        self.rounds_done, self.tested, self.candidate = event["round"], 0, {}
        self._objectives |= {
            candidate["id"]: candidate["objectives"] for candidate in event["candidates"]
        }
        known = {name: self._objectives.get(name) for name in event["front"]}
        # Models of rounds before a lost log have no known objectives.
        front = {name: objectives for name, objectives in known.items() if objectives}
        # Sorted by performance, as the front is read.
        self.front = dict(sorted(front.items(), key=lambda pair: -pair[1]["performance"]))
        self.activity = "auditing" if self.is_auditing else "training for this round"

    def _on_audit_attack(self, event: Event) -> None:
        self.candidate = {}
        advantages = self.audited.setdefault(event["model"], {})
        advantages[event["attacker"]] = event["advantage"]
        which = _next(event["attacker"], self.outline.audit)
        self.activity = f"auditing {event['model']}{which}" if which else "auditing"


def _shorten(what: str) -> str:
    """Return what trains; of a lineage without its settings, which are too long for a line."""
    return re.sub(r"((?:lineage|trial) \d+) \(.*\)", r"\1", what)


def _next(finished: str, attacks: tuple[str, ...]) -> str:
    """Return the attack after a finished one; empty after the last."""
    following = dict(pairwise(attacks)).get(finished)
    return f" with {following}" if following else ""


def _read_finished_rounds(directory: Path) -> Iterator[Event]:
    """The finished rounds of earlier, interrupted work in a run directory."""
    try:
        lines = (directory / "events.jsonl").read_text(encoding="utf-8").splitlines()
    # No log yet: the run is new.
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:  # a killed run may leave half a line
            continue
        if event["event"] == "round_finished":
            yield event
