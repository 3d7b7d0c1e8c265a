"""Model extraction by a clone trained on the model's outputs."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import AdversaryKnowledge, Extractor, PoolError, global_random_state
from safecompress_plugins.attackers.extraction.manifest import KnockoffParams

__all__ = ["Knockoff"]

# N samples · C classes


class Knockoff(Extractor):
    """A multilayer perceptron trained on the model's posteriors.

    All of the adversary's samples are queried once (the paper's random strategy), and the clone
    minimises the cross-entropy with the posteriors. Inputs are standardised by the mean and
    standard deviation of these samples.

    Source: Orekondy, Schiele & Fritz 2019, "Knockoff Nets", CVPR, sections 4.1.1 and 4.2.
    """

    def __init__(self, params: KnockoffParams) -> None:
        self._params = params
        self._scale = (torch.zeros(()), torch.ones(()))
        self.network: nn.Module | None = None

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Train a new clone.

        Raises:
            PoolError: if the adversary has no samples to query.
        """
        inputs = known.seen.inputs
        if not len(inputs):
            raise PoolError("knockoff: attack-train is empty; a clone needs samples to query")
        self._scale = (inputs.mean(), inputs.std(correction=0).clamp_min(1e-6))
        widths = (inputs[0].numel(), *self._params.hidden)
        # Initial weights come from torch's global state, which the generator seeds for this block.
        with global_random_state(generator):
            layers: list[nn.Module] = [nn.Flatten()]
            for before, after in pairwise(widths):
                layers += [nn.Linear(before, after), nn.ReLU()]
            self.network = nn.Sequential(*layers, nn.Linear(widths[-1], known.values))
        self._train(self.network, known, self._params.epochs, generator)

    def adapt(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Continue training on the outputs of the changed model."""
        if self.network is None:
            self.fit(known, generator=generator)
        else:
            self._train(self.network, known, self._params.adapt_epochs, generator)

    def answer(self, inputs: Tensor) -> Tensor:
        """Return the clone's labels, shape (M,), int64."""
        if self.network is None:
            raise RuntimeError("an attacker has to be fitted before it can answer")
        with torch.no_grad():
            labels: Tensor = self.network(self._scale_inputs(inputs)).argmax(dim=1)
        return labels

    def _scale_inputs(self, inputs: Tensor) -> Tensor:
        mean, deviation = self._scale
        return (inputs - mean) / deviation

    def _train(
        self, network: nn.Module, known: AdversaryKnowledge, epochs: int, generator: torch.Generator
    ) -> None:
        inputs, answers = self._scale_inputs(known.seen.inputs), known.seen.posteriors
        optimizer = torch.optim.Adam(
            network.parameters(), lr=self._params.learning_rate, fused=True
        )
        for _ in range(epochs):
            order = torch.randperm(len(inputs), generator=generator)
            for rows in order.split(self._params.batch_size):
                optimizer.zero_grad()
                # Soft targets: the posteriors carry more of the model than its labels do.
                F.cross_entropy(network(inputs[rows]), answers[rows]).backward()
                optimizer.step()
        optimizer.zero_grad()  # an attacker is deep-copied, and its gradients would be copied too
