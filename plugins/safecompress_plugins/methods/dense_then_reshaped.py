"""Base class of methods that reshape a dense network: two phases, one budget."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Method,
    MethodContext,
    MethodOutcome,
    ModelError,
    Phases,
    Problem,
    Recipe,
    SafeCompressError,
    TrainingState,
)
from safecompress_plugins.methods.dense_first import Done, train_change_finetune
from safecompress_plugins.methods.reshaping_manifest import ReshapingParams

__all__ = ["DenseThenReshaped", "weights_of"]


class DenseThenReshaped(Method):
    """Dense training, a smaller network of nearly the same function, fine-tuning.

    Each phase has its own learning-rate schedule.
    """

    phase: str
    """Name of the second phase, in results."""

    def __init__(self, params: ReshapingParams) -> None:
        self._params = params

    @abstractmethod
    def reshape(
        self, network: Classifier, architecture: Architecture, most: int
    ) -> tuple[Classifier, Mapping[str, Any]]:
        """Build the smaller network.

        Args:
            network: a dense one; it is not changed.
            architecture: builds networks of other shapes.
            most: maximum number of prunable weights; at least that of `smallest`.

        Returns:
            The network with its weights, and facts of its construction.

        Raises:
            ModelError: if the model does not support it.
        """

    @abstractmethod
    def smallest(self, network: Classifier, architecture: Architecture) -> Classifier:
        """Build the smallest possible network, untrained.

        Raises:
            ModelError: if the model does not support it at all.
        """

    def units(self) -> int:
        """Count the phases."""
        return 2

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report phases without an epoch, and a smallest network that fails or is too large."""
        if recipe.epochs < self.units():
            message = f"training.epochs is {recipe.epochs}; the method has 2 phases"
            yield Problem(path=("type",), message=message, hint="write training.epochs: 2, or more")
        most, total = self._most(network), weights_of(network)
        # Built for real: whether a model's code works with other shapes shows only then.
        try:
            least = weights_of(self.smallest(network, architecture))
        except ModelError as error:
            yield Problem(path=("type",), message=error.message, hint=error.hint)
        except (SafeCompressError, RuntimeError, AttributeError, TypeError, ValueError) as error:
            message = f"the model does not work with layers of other shapes: {error}"
            yield Problem(path=("type",), message=message, hint="use 'prune', or another model")
        else:
            if least > most:
                message = f"the smallest network has {least} of the {total} weights; density "
                enough = ceil(1000 * least / total) / 1000  # rounded up to three digits
                hint = f"write at least {enough:g}"
                yield Problem(path=("density",), message=f"{message}allows {most}", hint=hint)

    def run(self, context: MethodContext) -> MethodOutcome:
        """Run both phases, from the last checkpoint."""
        phases = Phases.of_dense(context, self._params.defences, count=self.units())

        def reshape(state: TrainingState) -> Done:
            dense = state.network
            network, facts = self.reshape(dense, context.architecture, self._most(dense))
            density = weights_of(network) / weights_of(dense)
            return context.move_state(state, network), {"density": density, **facts}

        train_change_finetune(
            context,
            phases,
            reshape,
            pretrain=self._params.pretrain,
            name=self.phase,
            what="the small network",
        )
        return phases.outcome()

    def _most(self, network: Classifier) -> int:
        """Return the maximum number of weights for a dense network."""
        return round(self._params.density * weights_of(network))


def weights_of(network: Classifier) -> int:
    """Count the prunable weights."""
    return sum(weight.numel() for weight in network.sparse_parameters().values())
