"""Removal of dead channels after training: a smaller network of exactly the same function."""

from collections.abc import Iterator

import torch
import torch_pruning  # noqa: F401  named here, so that a missing package is reported before the work

from safecompress_core.toolkit import (
    Classifier,
    Finish,
    FinishContext,
    Finisher,
    LayerShapes,
    ModelError,
    Problem,
    SmallerNetwork,
    require_resizable,
    without_dead_channels,
)
from safecompress_plugins.finishers.manifest import RemoveDeadChannelsParams

__all__ = ["RemoveDeadChannels"]


class RemoveDeadChannels(Finisher):
    """Removes what no answer depends on; outputs stay equal but for the order of sums.

    A channel is dead if nothing reads it, or if it is constant and the layers that read it have a
    bias that can take the constant. Unstructured methods leave such channels at low densities.
    """

    def __init__(self, params: RemoveDeadChannelsParams) -> None:
        del params  # no parameters

    def check(self, network: Classifier) -> Iterator[Problem]:
        """Report a model with layers whose channels cannot be removed."""
        try:
            require_resizable(network.module)
        except ModelError as error:
            yield Problem(("type",), error.message, error.hint)

    def finish(self, context: FinishContext) -> Finish:
        """Return the smaller network; facts are the channels that were removed, by layer."""
        network, sample = context.network, context.calibration[:1]
        if network.layer_shapes.factorised:
            raise ModelError(
                "dead channels of factorised layers cannot be removed",
                hint="take remove-dead-channels out of finish",
            )
        # Tracing follows gradients.
        with torch.enable_grad():
            smaller, removed = without_dead_channels(network.module, sample, adds_biases=False)
        with torch.no_grad():
            inputs = context.calibration
            difference = float((smaller(inputs) - network.module(inputs)).abs().max())
        facts = {"removed": removed, "largest_difference": difference}
        if not removed:
            return Finish(facts=facts)
        shapes = LayerShapes.between(network.module, smaller)
        return Finish(
            smaller=SmallerNetwork(layer_shapes=shapes, state=smaller.state_dict()), facts=facts
        )
