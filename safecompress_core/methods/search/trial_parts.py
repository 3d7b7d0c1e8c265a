"""Trials of a search as parts of its work, trained and tested by other processes."""

import time
from collections.abc import Callable, Iterator, Sequence

from safecompress_core.methods.lineages.lineage_training import LineageTraining
from safecompress_core.methods.method import MethodContext, MethodPart
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.methods.search.study import OpenTrial, TrialStudy
from safecompress_core.methods.search.trial_work import TrialWork
from safecompress_core.methods.search.trials import load_trials, save_trial, trial_name
from safecompress_core.training.settings import Settings

__all__ = ["do_trial_part", "train_trials_elsewhere"]


def train_trials_elsewhere(
    context: MethodContext,
    pending: Sequence[OpenTrial],
    *,
    ended: int,
    epochs: int,
    do_parts: Callable[[Sequence[MethodPart]], Iterator[MethodPart]],
) -> None:
    """Have other processes train and test trials, each to its checkpoint.

    Args:
        context: of the method.
        pending: the trials, as they were proposed; what is done already is not done again.
        ended: trials before them.
        epochs: of a whole trial, its swap twin included.
        do_parts: does them.
    """
    parts = [
        _part(trial, number)
        for number, trial in enumerate(pending, ended + 1)
        if context.checkpoints.load(trial_name(number)) is None
    ]
    began = time.perf_counter()
    for _ in do_parts(parts):
        # Per trial as it ends, so that the estimate follows the pace of all workers.
        now = time.perf_counter()
        context.events.add_epochs(epochs=epochs, seconds=now - began)
        began = now


def _part(trial: OpenTrial, number: int) -> MethodPart:
    return MethodPart(
        checkpoint=trial_name(number),
        label=f"trial {number} ({trial.drawn.name})",
        facts={"trial": number},
        # Its proposal is made again there, from the trials before it.
        reads=tuple(f"{trial_name(before)}/*" for before in range(1, number)),
    )


def do_trial_part(
    params: SearchParams,
    training: LineageTraining,
    study: TrialStudy,
    part: MethodPart,
    *,
    written: Settings,
) -> None:
    """Train and test one trial, and keep it.

    Args:
        params: of the method.
        training: of lineages.
        study: proposes the trial again, and judges it.
        part: which trial.
        written: settings of the spec; they lend the types of their parameters.
    """
    number: int = part.facts["trial"]
    ended = load_trials(training.context, written)[: params.proposed_after(number)]
    pending: list[OpenTrial] = []
    for _ in range(len(ended), number):
        proposed = study.propose(ended, pending)
        assert proposed is not None  # it was proposed before
        pending.append(proposed)
    work = TrialWork(params, training, study, ended, number=number, units_left=0)
    trial, state, _tested = work.run(pending[-1])
    save_trial(training.context, trial, state)
