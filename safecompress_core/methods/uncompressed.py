"""Dense training: the model that compression starts from, and is compared with."""

from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import Method, Outcome, Workshop

__all__ = ["Uncompressed"]

CHECKPOINT = "uncompressed"


class Uncompressed(Method):
    """Trains every weight for the recipe's epochs."""

    def __init__(self, params: UncompressedParams) -> None:
        self._params = params

    def units(self) -> int:
        """One model."""
        return 1

    def run(self, workshop: Workshop) -> Outcome:
        """Train, or take what an earlier run has trained."""
        settings = workshop.settings(self._params.defences)
        epochs = workshop.recipe.epochs
        kept = workshop.checkpoints.load(CHECKPOINT)
        if kept:
            learner = workshop.relearner(kept[1][0], settings, epoch=epochs)
            workshop.journal.skip(epochs=epochs)
        else:
            learner = workshop.learner(workshop.blank(), None, settings)
            workshop.trainer.train(learner, until=epochs, evolution=None, what=CHECKPOINT)
            workshop.checkpoints.save(CHECKPOINT, {}, [learner.tensors()])
        workshop.journal.advance()
        return Outcome(chosen=learner)
