"""Dense training: the model that compression starts from, and is compared with."""

from safecompress_core.methods.manifest import UncompressedParams
from safecompress_core.methods.method import Method, MethodContext, MethodOutcome

__all__ = ["Uncompressed"]

CHECKPOINT = "uncompressed"


class Uncompressed(Method):
    """Trains every weight for the recipe's epochs."""

    def __init__(self, params: UncompressedParams) -> None:
        self._params = params

    def units(self) -> int:
        """One model."""
        return 1

    def run(self, context: MethodContext) -> MethodOutcome:
        """Train, or take what an earlier run has trained."""
        settings = context.settings(self._params.defences)
        epochs = context.recipe.epochs
        checkpoint = context.checkpoints.load(CHECKPOINT)
        # Saved at the end only: training that was stopped begins anew.
        if checkpoint:
            state = context.restore_state(checkpoint[1][0], settings, epoch=epochs)
            context.events.skip(epochs=epochs)
        else:
            state = context.new_state(context.create_network(), None, settings)
            context.trainer.train(state, until=epochs, topology_schedule=None, what=CHECKPOINT)
            context.checkpoints.save(CHECKPOINT, {}, [state.tensors()])
        # Also for a model that was loaded, since the total counts it.
        context.events.advance()
        return MethodOutcome(chosen=state)
