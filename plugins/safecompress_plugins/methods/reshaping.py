"""What methods have in common that reshape a dense network: two phases, and one budget."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from math import ceil
from typing import Any

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Flaw,
    Learner,
    Method,
    ModelError,
    Outcome,
    Phases,
    Recipe,
    SafeCompressError,
    Workshop,
)
from safecompress_plugins.methods.dense_first import Done, train_change_finetune
from safecompress_plugins.methods.reshaping_manifest import ReshapingParams

__all__ = ["DenseThenReshaped", "weights_of"]


class DenseThenReshaped(Method):
    """Dense training, a network of fewer weights that does nearly the same, fine-tuning.

    Each phase has a learning-rate schedule of its own.
    """

    phase: str
    """What results call the second phase."""

    def __init__(self, params: ReshapingParams) -> None:
        self._params = params

    @abstractmethod
    def reshaped(
        self, network: Classifier, architecture: Architecture, most: int
    ) -> tuple[Classifier, Mapping[str, Any]]:
        """The network that takes another's place.

        Args:
            network: a dense one; it is left as it is.
            architecture: makes networks of other shapes.
            most: how many sparsifiable weights it may have; there is such a network.

        Returns:
            The network with its weights, and what should be known of how it came about.

        Raises:
            ModelError: if the model cannot be reshaped like that.
        """

    @abstractmethod
    def smallest(self, network: Classifier, architecture: Architecture) -> Classifier:
        """The network with the fewest weights that could take another's place, untrained.

        Raises:
            ModelError: if the model cannot be reshaped at all.
        """

    def units(self) -> int:
        """Its phases."""
        return 2

    def flaws(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Flaw]:
        """Each phase needs an epoch; the smallest network has to work, and to be small enough."""
        if recipe.epochs < self.units():
            message = f"training.epochs is {recipe.epochs}, and the method's phases need 2"
            yield Flaw(field="type", message=message, mend="write training.epochs: 2, or more")
        most, total = self._most(network), weights_of(network)
        try:
            least = weights_of(self.smallest(network, architecture))
        except ModelError as error:
            yield Flaw(field="type", message=error.message, mend=error.mend)
        except (SafeCompressError, RuntimeError, AttributeError, TypeError, ValueError) as error:
            message = f"the model does not work with layers of other shapes: {error}"
            yield Flaw(field="type", message=message, mend="use 'prune', or another model")
        else:
            if least > most:
                message = f"the smallest network has {least} of the {total} weights, and density "
                enough = ceil(1000 * least / total) / 1000  # the least of three digits
                mend = f"write at least {enough:g}"
                yield Flaw(field="density", message=f"{message}allows {most}", mend=mend)

    def run(self, workshop: Workshop) -> Outcome:
        """Both phases, from the last one that was kept."""
        phases = Phases.of_dense(workshop, self._params.defences, count=self.units())

        def reshape(learner: Learner) -> Done:
            dense = learner.network
            network, facts = self.reshaped(dense, workshop.architecture, self._most(dense))
            density = weights_of(network) / weights_of(dense)
            return workshop.moved(learner, network), {"density": density, **facts}

        train_change_finetune(
            workshop,
            phases,
            reshape,
            pretrain=self._params.pretrain,
            name=self.phase,
            what="the small network",
        )
        return phases.outcome()

    def _most(self, network: Classifier) -> int:
        """How many weights may be left of a dense network's."""
        return round(self._params.density * weights_of(network))


def weights_of(network: Classifier) -> int:
    """How many weights of it a topology could thin out."""
    return sum(weight.numel() for weight in network.sparse_parameters().values())
