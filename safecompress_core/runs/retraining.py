"""Re-trained baselines: uncompressed models of the same members and other seeds.

What differs between them and the uncompressed model is training noise.
"""

from dataclasses import replace
from pathlib import Path

from safecompress_core.context.cache_keys import content_key
from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.uncompressed import Uncompressed
from safecompress_core.plan import PLAIN
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.directory import RunDirectory
from safecompress_core.results.events import EventLog
from safecompress_core.results.score_file import RETRAINED
from safecompress_core.training.training_state import TrainingState

__all__ = ["Retraining"]


class Retraining:
    """Trains the uncompressed model again, as often as ``baseline.retrained`` says.

    Args:
        run_context: the run.
        directory: where its models are written.
        events: receives what happens.
        shared: where several runs keep what they have in common; None for a run by itself.
    """

    def __init__(
        self,
        run_context: RunContext,
        directory: RunDirectory,
        *,
        events: EventLog,
        shared: Path | None,
    ) -> None:
        self._prepared = run_context
        self._directory = directory
        self._events = events
        self._shared = shared
        self.seconds = 0.0

    def train(self) -> tuple[TrainingState, ...]:
        """Return the models; those that an earlier attempt has finished are not trained again."""
        return tuple(map(self._train, range(self._prepared.spec.baseline.models)))

    def _train(self, index: int) -> TrainingState:
        place = self._directory.checkpoints / f"{RETRAINED}-{index}"
        if self._shared is not None:
            key = content_key(self._prepared, method=PLAIN, retrained=index)
            place = self._shared / RETRAINED / key
        # The same samples, and another branch of the seed for weights and batches.
        seed = self._prepared.seed.child(RETRAINED, index)
        context = replace(self._prepared, seed=seed).method_context(
            "baseline",
            big=None,
            checkpoints=Checkpoints(place),
            archived=self._directory.archive_path,
            events=self._events,
        )
        state = Uncompressed(UncompressedParams()).run(context).chosen
        self.seconds += context.checkpoints.seconds
        context.store(state, self._directory.path_of_retrained(index))
        return state
