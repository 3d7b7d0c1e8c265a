"""Adversarial regularisation: training against an attacker that learns at the same time."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Classifier, Defence, DefenceInputs, Step, in_eval_mode
from safecompress_plugins.defences.manifest import AdversarialRegularisationParams
from safecompress_plugins.defences.training.linear_stack import linear, stack

__all__ = ["AdversarialRegularisation", "InferenceModel"]


class InferenceModel(nn.Module):
    """Membership classifier of posteriors and label.

    Two streams and their fusion, as in the paper's figure 3. At ``width`` 1024 they have its sizes:
    posteriors pass 1024, 512 and 64 units, the label 512 and 64, both together 256 and 64.
    """

    def __init__(self, classes: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        half, quarter, narrow = width // 2, width // 4, width // 16
        self.answer = stack((classes, width, half, narrow), generator)
        self.label = stack((classes, half, narrow), generator)
        self.both = stack((2 * narrow, quarter, narrow), generator)
        self.head = linear(narrow, 1, generator)

    def forward(self, posteriors: Tensor, labels: Tensor) -> Tensor:
        """Return log-odds of membership, shape (B,), from posteriors (B, C) and labels (B,)."""
        known = F.one_hot(labels, posteriors.shape[1]).to(posteriors)
        streams = torch.cat([self.answer(posteriors), self.label(known)], dim=1)
        scores: Tensor = self.head(self.both(streams))[:, 0]
        return scores


class AdversarialRegularisation(Defence):
    """A min-max game between the model f and an inference model h.

    ::

        max_h  ½ · mean log h(x, y, f(x)) + ½ · mean log(1 − h(x′, y′, f(x′)))
        min_f  cross-entropy + weight · mean log h(x, y, f(x))

    over members (x, y) of the batch and equally many reference samples (x′, y′), which are
    non-members. Before each step of the model, h takes ``steps`` Adam steps on the model's outputs
    in eval mode, the view of an attacker. h is not stored with the model.

    Source: Nasr, Shokri & Houmansadr 2018, "Machine Learning with Membership Privacy using
    Adversarial Regularization", CCS, Eq. 7 and 8, Algorithm 1.
    """

    needs_whole_batch = ""
    opponent: InferenceModel

    def __init__(self, params: AdversarialRegularisationParams) -> None:
        super().__init__()
        self._params = params
        self._reference: list[Batch] = []  # in a list: not part of the module's state

    def prepare(
        self,
        *,
        representation: int,
        classes: int,
        attributes: Mapping[str, int],
        generator: torch.Generator,
    ) -> None:
        """Initialise the inference model's weights: He's rule, biases 0."""
        self.opponent = InferenceModel(classes, self._params.width, generator)
        self.own_optimizer = torch.optim.Adam(
            self.opponent.parameters(), lr=self._params.learning_rate, fused=True
        )

    def equip(self, inputs: DefenceInputs) -> None:
        """Store the reference samples."""
        assert inputs.reference is not None  # the definition asks for some
        self._reference = [inputs.reference]

    def oppose(self, step: Step, *, generator: torch.Generator) -> None:
        """Train the inference model on the batch and equally many reference samples."""
        assert self.own_optimizer is not None
        others, batch = self._reference[0], step.batch
        for _ in range(self._params.steps):
            # Drawn with replacement: there may be fewer reference samples than the batch has
            # members.
            rows = torch.randint(len(others.labels), (len(batch.labels),), generator=generator)
            rows = rows.to(others.labels.device)
            posteriors = _posteriors(step.network, [batch.inputs, others.inputs[rows]])
            scores = self.opponent(posteriors, torch.cat([batch.labels, others.labels[rows]]))
            is_member = torch.zeros_like(scores)
            is_member[: len(batch.labels)] = 1
            self.own_optimizer.zero_grad(set_to_none=True)
            F.binary_cross_entropy_with_logits(scores, is_member).backward()
            # Each process shows it members of its own; all keep the same inference model.
            gradients = [one.grad for one in self.opponent.parameters() if one.grad is not None]
            step.group.sum_gradients(gradients, share=step.share)
            self.own_optimizer.step()

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Add the inference model's gain on the members to the loss."""
        scores = self.opponent(step.logits.softmax(dim=1), step.batch.labels)
        return loss + self._params.weight * F.logsigmoid(scores).mean()


def _posteriors(network: Classifier, inputs: list[Tensor]) -> Tensor:
    """Return the model's posteriors of all these samples, without gradients."""
    # In eval mode dropout is off and batch normalisation does not learn from non-members.
    with torch.no_grad(), in_eval_mode(network):
        return torch.cat([network(part).float().softmax(dim=1) for part in inputs])
