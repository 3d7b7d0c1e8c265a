"""Adversaries: the knowledge that attackers get, and the answers that they return."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor

from safecompress_core.api import (
    AttackerDef,
    AttackerParams,
    Definition,
    Need,
    references_of,
    versions_of,
)
from safecompress_core.attacks.observations import Observations
from safecompress_core.attacks.public_features import AttributeEncoding
from safecompress_core.attacks.reference_answers import ReferenceAnswers
from safecompress_core.host.boundary import check_result

__all__ = [
    "Adversary",
    "AdversaryKnowledge",
    "Attacker",
    "Evader",
    "Extractor",
    "InversionTargets",
    "Inverter",
    "PerturbationBudget",
]

# N samples · C classes · V attribute values · P columns of public features


@dataclass(frozen=True, slots=True, kw_only=True)
class AdversaryKnowledge:
    """Knowledge of an adversary about the samples of one pool.

    Attributes:
        seen: the model's reactions to them, limited to the declared access.
        truth: what it tries to find out, when it is known (attack-train) and None when it is not:
            (N,) bool for membership, (N,) int64 in [0, V) for an attribute.
        values: how many values the truth can take; 2 for membership.
        references: what reference models say of the same samples, for an attacker whose definition
            asks for them; else None.
        uncompressed: the uncompressed model's reactions to the same samples, with the same access,
            for an attacker whose definition asks for them; else None.
        versions: other compressed versions' reactions to the same samples, with the same access,
            for an attacker whose definition asks for them; empty where there are none.
        twin: the swap twin's reactions to the same samples, with the same access, for an attacker
            whose definition asks for them; else None.
        public: attribute: what anyone may know of the samples anyway, shape (N, P), where the data
            have public features; else None. ``seen.inputs`` show no more than that either.
        encoding: attribute: how the model's input says the attribute, where it does; else None.
        is_member: attribute: which samples are members, shape (N,), bool, where that is known
            (attack-train); else None.
        is_per_value: whether an attacker answers with a score for each value, shape (N, V), as for
            an attribute; else with one score a sample, shape (N,).
    """

    seen: Observations
    truth: Tensor | None
    values: int
    references: ReferenceAnswers | None = None
    uncompressed: Observations | None = None
    versions: tuple[Observations, ...] = ()
    twin: Observations | None = None
    public: Tensor | None = None
    encoding: AttributeEncoding | None = None
    is_member: Tensor | None = None
    is_per_value: bool = False

    @property
    def score_shape(self) -> tuple[int, ...]:
        """Of what an attacker has to answer."""
        n = len(self.seen.labels)
        return (n, self.values) if self.is_per_value else (n,)

    def take(self, positions: Tensor) -> "AdversaryKnowledge":
        """The evidence on some samples, by position (int64) or mask (bool), in that order."""
        return replace(
            self,
            seen=self.seen.take(positions),
            truth=None if self.truth is None else self.truth[positions],
            references=None if self.references is None else self.references.take(positions),
            uncompressed=None if self.uncompressed is None else self.uncompressed.take(positions),
            versions=tuple(version.take(positions) for version in self.versions),
            twin=None if self.twin is None else self.twin.take(positions),
            public=None if self.public is None else self.public[positions],
            is_member=None if self.is_member is None else self.is_member[positions],
        )

    def restrict(self, definition: AttackerDef, params: AttackerParams) -> "AdversaryKnowledge":
        """Return the part of the knowledge that an attacker with these needs may see.

        Of reference models and versions there are as many as its parameters ask for.
        """
        access, references, uncompressed = definition.access, self.references, self.uncompressed
        # A plugin receives nothing that its definition does not declare, even if the run has it.
        if Need.REFERENCES not in definition.needs or references is None:
            references = None
        else:
            count = references_of(params)
            references = references.first(count).restricted(access)
        if Need.UNCOMPRESSED not in definition.needs or uncompressed is None:
            uncompressed = None
        else:
            uncompressed = uncompressed.restrict(access)
        twin = self.twin if Need.TWIN in definition.needs else None
        # One of the versions is the audited model itself, which is in `seen`.
        others = versions_of(params) - 1 if Need.VERSIONS in definition.needs else 0
        return replace(
            self,
            seen=self.seen.restrict(access),
            references=references,
            uncompressed=uncompressed,
            versions=tuple(version.restrict(access) for version in self.versions[:others]),
            twin=twin and twin.restrict(access),
        )


# Called by the host, whose error names the plugin.
def _check_scores(_: Definition, scores: object, knowledge: AdversaryKnowledge) -> None:
    """Require a tensor of numbers, of the shape that the evidence asks for."""
    n, shape = len(knowledge.seen.labels), knowledge.score_shape
    wanted = f"it must return a tensor of shape {shape}, without NaN"
    if not isinstance(scores, Tensor):
        raise ValueError(f"returned {type(scores).__name__} for {n} samples; {wanted}")
    if tuple(scores.shape) != shape:
        raise ValueError(f"returned shape {tuple(scores.shape)} for {n} samples; {wanted}")
    # NaN is rejected, infinite scores are not: they only rank first or last.
    if scores.is_complex() or (broken := int(scores.isnan().sum())):
        what = "complex numbers" if scores.is_complex() else f"{broken} NaN"
        raise ValueError(f"returned {what} for {n} samples; {wanted}")


class Adversary(ABC):
    """Built from its parameters once a model; copied, with what it learned, for each candidate.

    Attributes:
        remarks: what an audit says of it, once fitted, next to the game's measures; JSON-ready.
    """

    # A read-only default: a plugin that writes into it would write for all attackers.
    remarks: Mapping[str, Any] = MappingProxyType({})

    @abstractmethod
    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Learn from the samples of attack-train that the adversary holds, starting afresh."""

    def adapt(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Learn for a slightly changed model, starting from what was learned before.

        Adversaries that fit in no time start afresh.
        """
        self.fit(known, generator=generator)


class Attacker(Adversary):
    """Says of each sample what is true: whether it is a member, or which value an attribute has.

    Attributes:
        threshold: the membership score above which the attacker itself says "member"; None lets
            the game choose it on attack-train. Attribute attackers leave it alone.
    """

    threshold: float | None = None

    @abstractmethod
    @check_result(_check_scores)
    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """One answer a sample; ``knowledge.truth`` is None.

        Returns:
            membership: shape (N,), higher means more likely a member;
            attribute: shape (N, V), higher means more likely that value.
        """


# N samples

ROUNDING = 1e-5  # of float32 arithmetic on inputs of order 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PerturbationBudget:
    """Perturbation budget: the inputs that are within reach of a sample.

    Attributes:
        norm: ``linf``, the largest change of a value; ``l2``, the Euclidean length of the change.
        epsilon: the largest change, above 0.
        low: the lowest value that an input can have; broadcasts to one sample.
        high: the highest one.
    """

    norm: Literal["linf", "l2"]
    epsilon: float
    low: Tensor
    high: Tensor

    def distances(self, moved: Tensor, origin: Tensor) -> Tensor:
        """Return the size of each perturbation, shape (N,), for inputs (N, ...)."""
        order = torch.inf if self.norm == "linf" else 2
        # float64, so that rounding in the distance is not taken for a broken budget.
        change = (moved - origin).flatten(1).double()
        lengths: Tensor = torch.linalg.vector_norm(change, ord=order, dim=1)
        return lengths

    def check(self, moved: Tensor, origin: Tensor) -> None:
        """Return whether the perturbed inputs are within the budget, up to rounding.

        Raises:
            ValueError: if the shape is another one, or an input is no number, too far from where it
                was, or outside the range; which is the attacker's fault.
        """
        if moved.shape != origin.shape:
            raise ValueError(
                f"perturbed inputs must be {tuple(origin.shape)}, but are {tuple(moved.shape)}"
            )
        if not moved.isfinite().all():
            raise ValueError("perturbed inputs are not all finite numbers")
        # The largest distance decides: one input outside the budget invalidates the result.
        farthest = float(self.distances(moved, origin).max())
        # Relative for large budgets, absolute for budgets near 0.
        if farthest > self.epsilon * (1 + ROUNDING) + ROUNDING:
            raise ValueError(
                f"an input was moved by {farthest:g} in {self.norm}, "
                f"but epsilon is {self.epsilon:g}"
            )
        if ((moved < self.low - ROUNDING) | (moved > self.high + ROUNDING)).any():
            raise ValueError("a perturbed input has a value that no input can have")

    def random_perturbation(self, origin: Tensor, *, generator: torch.Generator) -> Tensor:
        """The inputs, each moved by epsilon in a direction drawn at random, shape (N, ...).

        ``linf``: every value by epsilon, up or down; ``l2``: uniform on the sphere. What would
        leave the range stops at its edge.
        """
        # Drawn for both norms, so that a seed uses up the same random numbers in each.
        drawn = torch.randn(origin.shape, generator=generator)
        if self.norm == "linf":
            # Not sign(): a 0 would stay in place instead of moving by epsilon.
            step = self.epsilon * torch.where(drawn < 0, -1.0, 1.0)
        else:
            # A normalised Gaussian vector is uniform on the sphere.
            flat = torch.nn.functional.normalize(drawn.flatten(1), dim=1)
            step = self.epsilon * flat.reshape(origin.shape)
        # Clipping shortens the step for values at the edge of the range.
        return torch.clamp(origin + step, self.low, self.high)


def _check_moved(
    _: Definition,
    moved: object,
    knowledge: AdversaryKnowledge,
    budget: PerturbationBudget,
    **__: object,
) -> None:
    """Inputs within the ball."""
    if not isinstance(moved, Tensor):
        raise ValueError(f"returned {type(moved).__name__}; it must return a tensor of inputs")
    try:
        # An attacker may return tensors on its device, and with a graph.
        budget.check(moved.detach().cpu(), knowledge.seen.inputs)
    except ValueError as error:
        # The cause adds nothing: the message says which rule was broken.
        raise ValueError(f"broke a rule: {error}") from None


class Evader(Adversary):
    """Moves inputs a little, so that the model answers incorrectly.

    What it is fitted on are the non-members of attack-train.
    """

    @abstractmethod
    @check_result(_check_moved)
    def perturb(
        self,
        knowledge: AdversaryKnowledge,
        budget: PerturbationBudget,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        """The samples of a pool, each moved within the ball.

        Args:
            knowledge: the samples with their labels, and the model within the declared access.
            budget: where they may be moved to; what leaves it is an error.
            generator: all chance comes from it.

        Returns:
            Shape (N, ...) as ``knowledge.seen.inputs``.
        """


# K things to reconstruct


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class InversionTargets:
    """Targets of an inversion: the knowledge about K things to reconstruct.

    Attributes:
        classes: task labels, shape (K,), int64, for an attacker that reconstructs what is
            typical of each; empty for one that reconstructs single samples.
        gradients: of K samples, for an attacker whose definition asks for them: by parameter the
            gradient of the cross-entropy, as a participant of federated learning sends it, in
            double precision. Weights that the model does not have send 0. Empty otherwise.
        low: the lowest value that an input can have; broadcasts to one sample.
        high: the highest one.
    """

    classes: Tensor
    gradients: tuple[Mapping[str, Tensor], ...]
    low: Tensor
    high: Tensor

    def __len__(self) -> int:
        # Gradient inversion has a target per gradient, model inversion one per class.
        return len(self.gradients) or len(self.classes)


def _check_inputs(
    _: Definition,
    reconstructions: object,
    knowledge: AdversaryKnowledge,
    targets: InversionTargets,
    **__: object,
) -> None:
    """Finite inputs of the model, one for each clue."""
    shape = (len(targets), *knowledge.seen.inputs.shape[1:])
    wanted = f"it must return a tensor of finite numbers, of shape {shape}"
    if not isinstance(reconstructions, Tensor):
        raise ValueError(f"returned {type(reconstructions).__name__}; {wanted}")
    if tuple(reconstructions.shape) != shape:
        raise ValueError(f"returned shape {tuple(reconstructions.shape)}; {wanted}")
    if broken := int((~reconstructions.isfinite()).sum()):
        raise ValueError(f"returned {broken} values that are not finite; {wanted}")


class Inverter(Adversary):
    """Reconstructs inputs of the model.

    What it is fitted on are the non-members of attack-train.
    """

    @abstractmethod
    @check_result(_check_inputs)
    def reconstruct(
        self,
        knowledge: AdversaryKnowledge,
        targets: InversionTargets,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        """One input for each clue.

        Args:
            knowledge: the adversary's own samples, and the model within the declared access.
            targets: what there is to reconstruct.
            generator: all chance comes from it.

        Returns:
            Shape (K, ...), inputs like those of the model.
        """


def _check_labels(_: Definition, labels: object, inputs: Tensor) -> None:
    """A label for each input."""
    wanted = f"it must return a tensor of {len(inputs)} labels, int64"
    if not isinstance(labels, Tensor):
        raise ValueError(f"returned {type(labels).__name__}; {wanted}")
    if tuple(labels.shape) != (len(inputs),) or labels.is_floating_point():
        raise ValueError(f"returned {labels.dtype} of shape {tuple(labels.shape)}; {wanted}")


class Extractor(Adversary):
    """Trains a clone of the model.

    What it is fitted on are non-members of attack-train, as many as its budget allows, and the
    model's answers to them. It is fitted a second time, on the same samples with their true labels
    as answers: what it achieves then needs no model, and is the baseline.
    """

    @abstractmethod
    @check_result(_check_labels)
    def answer(self, inputs: Tensor) -> Tensor:
        """Return the clone's labels for inputs (M, ...), shape (M,), int64."""
