"""Lineages of a round as parts of a race, trained and tested by other processes."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from safecompress_core.methods.lineages.lineage_training import Lineage, LineageTraining
from safecompress_core.methods.method import MethodPart
from safecompress_core.methods.test_driven.rounds import Round
from safecompress_core.methods.test_driven.tested_models import (
    TestedModel,
    load_tested,
    part_name,
    save_tested,
)

__all__ = ["do_lineage_part", "train_and_test_elsewhere"]

COUNTED = ("time", "done", "total", "left")
"""Entries of an event that the journal of the run gives anew."""


def train_and_test_elsewhere(
    training: LineageTraining,
    lineages: Sequence[Lineage],
    times: Round,
    *,
    number: int,
    do_parts: Callable[[Sequence[MethodPart]], Iterator[MethodPart]],
) -> list[TestedModel]:
    """Have other processes train and test the lineages of a round; what is done already is not.

    Args:
        training: of lineages.
        lineages: of the round, as the round before has left them.
        times: of the round.
        number: of the round, from 1.
        do_parts: does them.

    Returns:
        The tested lineages, in their order.
    """
    events, written = training.context.events, lineages[0].state.settings
    tested: dict[int, TestedModel] = {}

    def take(lineage: Lineage) -> bool:
        """Take a lineage from its checkpoint, and report its test."""
        kept = load_tested(training, part_name(number, lineage.number), written)
        if kept is None:
            return False
        tested[lineage.number], reports = kept
        events.advance()
        for report in reports:
            events.emit(**report)
        return True

    epochs = (times.end - times.start) * training.models
    missing: list[MethodPart] = []
    for index, lineage in enumerate(lineages):
        if take(lineage):
            events.skip(epochs=epochs)
        else:
            missing.append(_part(lineage, index, training.models, number=number))
    by_checkpoint = {part_name(number, lineage.number): lineage for lineage in lineages}
    began = time.perf_counter()
    for part in do_parts(missing):
        take(by_checkpoint[part.checkpoint])
        # A lineage at a time, so that the estimate follows the pace of all workers.
        now = time.perf_counter()
        events.add_epochs(epochs=epochs, seconds=now - began)
        began = now
    return [tested[lineage.number] for lineage in lineages]


def _part(lineage: Lineage, index: int, models: int, *, number: int) -> MethodPart:
    """Return the description of a lineage's round."""
    before = f"round-{number - 1}"
    tensors = (f"{before}/{models * index + model}.safetensors" for model in range(models))
    return MethodPart(
        checkpoint=part_name(number, lineage.number),
        label=f"lineage {lineage.number} ({lineage.name}) in round {number}",
        facts={"round": number, "lineage": lineage.number, "position": index + 1},
        # An untrained lineage is made anew there.
        reads=() if number == 1 else (f"{before}/record.json", *tensors),
    )


def do_lineage_part(
    training: LineageTraining,
    part: MethodPart,
    test: Callable[[Lineage, int], TestedModel],
    lineage: Lineage,
) -> None:
    """Train and test one lineage, and keep it with the events of its test.

    Args:
        training: of lineages.
        part: which one.
        test: trains and tests a lineage at its position in the round.
        lineage: as the round before has left it.
    """
    reports: list[dict[str, Any]] = []

    def note(event: Mapping[str, Any]) -> None:
        reports.append({key: value for key, value in event.items() if key not in COUNTED})

    training.context.events.add_listener(note)
    tested = test(lineage, part.facts["position"])
    save_tested(training, part.checkpoint, tested, reports)
