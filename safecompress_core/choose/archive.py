"""The non-dominated models of a whole run, and which of many are worth carrying on."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.front import greedy_by_hypervolume, is_nondominated, losses, normalise
from safecompress_core.choose.manifest import ParetoParams
from safecompress_core.choose.pareto import Pareto

__all__ = ["Archive", "ArchiveEntry", "Preference", "keep_by_hypervolume"]

Preference = Literal["safety", "performance", "balanced"]

# A attacks


@dataclass(frozen=True, slots=True)
class ArchiveEntry:
    """A model of the archive.

    Attributes:
        id: what the run calls it.
        performance: the task metric, in [0, 1].
        advantage: each attack's advantage, in [0, 1].
        attack_accuracy: each attack's accuracy, in [0, 1]; empty for an entry that is only ordered.
        costs: by device measure that is an objective, the figure over that of the uncompressed
            model; the same measures for all entries.
    """

    id: str
    performance: float
    advantage: tuple[float, ...]
    attack_accuracy: tuple[float, ...] = ()
    # Entries are compared and put into sets; a mapping has no hash.
    costs: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Models of which none beats another in everything; immutable.

    Attributes:
        weights: each attack's weight, A of them; one of weight 0 has no part in dominance.
        entries: the front, in the order in which it was found.
    """

    weights: tuple[float, ...]
    entries: tuple[ArchiveEntry, ...] = ()

    def add(self, *added: ArchiveEntry) -> "Archive":
        """Return the archive with those of these models that nothing dominates.

        Of models with equal objectives the first stays alone.

        Raises:
            ValueError: if a model lacks an attack, or two different models share an id.
        """
        entries: dict[str, ArchiveEntry] = {entry.id: entry for entry in self.entries}
        for entry in added:
            if len(entry.advantage) != len(self.weights):
                found_of = f"{len(entry.advantage)} advantages for {len(self.weights)} attacks"
                raise ValueError(f"{entry.id} has {found_of}")
            if entries.setdefault(entry.id, entry) != entry:
                raise ValueError(f"two models are called {entry.id}")
        candidates = tuple(entries.values())
        if not candidates:
            return self
        points = losses(replace(self, entries=candidates).objectives())
        # np.unique gives the first of equal points, so an older model is never replaced.
        _, first = np.unique(points, axis=0, return_index=True)
        stays = is_nondominated(points) & np.isin(np.arange(len(points)), first)
        front = tuple(entry for entry, is_kept in zip(candidates, stays, strict=True) if is_kept)
        return replace(self, entries=front)

    def objectives(
        self, *, attackers: tuple[str, ...] = (), games: tuple[str, ...] = ()
    ) -> Objectives:
        """Return the objectives of all models, in their order.

        Args:
            attackers: the id of each attack; empty where nothing asks for it.
            games: the game of each attack, likewise.
        """
        shape = (len(self.entries), len(self.weights))
        # Neither dominance nor the knee reads accuracies, and an entry need not have them.
        accuracies = [entry.attack_accuracy or (0.0,) * shape[1] for entry in self.entries]
        return Objectives(
            performance=np.array([entry.performance for entry in self.entries]),
            advantage=np.array([entry.advantage for entry in self.entries]).reshape(shape),
            attack_accuracy=np.array(accuracies).reshape(shape),
            weights=np.array(self.weights),
            attackers=attackers,
            games=games,
            costs={
                name: np.array([entry.costs[name] for entry in self.entries])
                for name in (self.entries[0].costs if self.entries else ())
            },
        )

    @property
    def ends(self) -> tuple[ArchiveEntry, ArchiveEntry]:
        """The model that performs best and the safest one; they may be the same."""
        return self.pick("performance"), self.pick("safety")

    def pick(self, preference: Preference) -> ArchiveEntry:
        """The model to take.

        Args:
            preference: ``performance``: the best at the task. ``safety``: the one whose worst
                attack, by weighted advantage, succeeds least, then whose mean does. ``balanced``:
                the knee of the front.

        Raises:
            ValueError: if the archive is empty.
        """
        if not self.entries:
            raise ValueError("the archive is empty")
        if preference == "performance":
            return max(self.entries, key=lambda entry: (entry.performance, -self._leak(entry)[1]))
        if preference == "safety":
            # Worst attack, then sum, then performance: ties are decided by the next criterion.
            return min(self.entries, key=lambda entry: (*self._leak(entry), -entry.performance))
        knee = Pareto(ParetoParams(pick="knee"))
        utilities = knee.utilities(self.objectives())
        return self.entries[int(np.argmax(utilities))]

    def _leak(self, entry: ArchiveEntry) -> tuple[float, float]:
        """The largest and the summed weighted advantage."""
        weighed = [w * a for w, a in zip(self.weights, entry.advantage, strict=True)]
        # ``default``: without attacks nothing leaks.
        return max(weighed, default=0.0), sum(weighed)


def keep_by_hypervolume(objectives: Objectives, count: int) -> tuple[int, ...]:
    """Indices of the ``count`` candidates that together cover most, best first.

    Each is the one that adds most to the hypervolume of those before it. When a front is used up,
    the front behind it follows; a candidate equal to one that is kept counts as behind it. Ties go
    to the first. With ``count`` beyond the number of candidates, all are kept.

    Raises:
        ValueError: if ``count`` is less than 1.
    """
    if count < 1:
        raise ValueError(f"at least one candidate is kept, not {count}")
    points = losses(objectives)
    chosen_indices: list[int] = []
    rest = np.arange(len(points))
    while len(chosen_indices) < count and len(rest):
        _, first = np.unique(points[rest], axis=0, return_index=True)
        on_front = is_nondominated(points[rest]) & np.isin(np.arange(len(rest)), first)
        front = normalise(points[rest], on_front)[on_front]
        members = rest[on_front]
        chosen_indices += [
            int(members[i]) for i in greedy_by_hypervolume(front, count - len(chosen_indices))
        ]
        rest = rest[~on_front]
    return tuple(chosen_indices)
