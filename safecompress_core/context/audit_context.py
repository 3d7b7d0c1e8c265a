"""Audit context: a finished model, and the samples as it takes them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import Access
from safecompress_core.context.samples import cut_members, with_membership_note
from safecompress_core.context.spec_context import SpecContext
from safecompress_core.data.dataset import Dataset, DataSource
from safecompress_core.data.duplicates import copies, overlap, without_copies
from safecompress_core.data.labels import unify_labels
from safecompress_core.data.pools import SamplePools
from safecompress_core.errors import DataError, PoolError
from safecompress_core.host import Registry
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.saved_models.model_format import GivenModel
from safecompress_core.saved_models.output_labels import are_placeholders, renumber_labels
from safecompress_core.seeding import Seed
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.audit_spec import AuditSpec
from safecompress_core.specfile.models.run_spec import GIVEN

__all__ = ["AuditContext", "AuditSamples", "build_audit_context", "build_samples_context"]

MOST_SHOWN = 5


@dataclass(frozen=True, eq=False, kw_only=True)
class AuditSamples:
    """Samples of an audit, with the members that trained the model.

    Attributes:
        spec: of the audit.
        registry: what its components are made of.
        seed: of the audit.
        given: the model; None for the samples alone, numbered as the spec or the data have them.
    """

    spec: AuditSpec
    registry: Registry
    seed: Seed
    given: GivenModel | None

    @cached_property
    def factory(self) -> ModelFactory | None:
        """Return the factory of the architecture; None without one in the spec."""
        params = self.spec.task.model
        factory: ModelFactory | None = None if params is None else self.registry.create(params)
        return factory

    @cached_property
    def source(self) -> Dataset:
        """The samples as the model takes them, numbered as its outputs are, with all copies.

        Raises:
            DataError: if they cannot be read, or have labels that the model does not know.
            ModelError: if the model cannot read them.
        """
        source: DataSource = self.registry.create(self.spec.task.data)
        data = unify_labels(source.load())
        if self.factory is not None:
            data = self.factory.prepare(data)
        if self._names:
            # Without names the order of labels in the data is the order of outputs.
            data = renumber_labels(data, self._names)
        return with_membership_note(data, self.spec)

    @property
    def source_size(self) -> int:
        """Return the number of samples before copies are left out."""
        return len(self.source)

    @cached_property
    def rows(self) -> Tensor:
        """Return the position of each sample among those that were loaded, shape (N,), int64."""
        if len(self.original) == self.source_size:
            return torch.arange(self.source_size)
        return (~copies(self.source)).nonzero()[:, 0]

    @cached_property
    def original(self) -> Dataset:
        """The samples without copies.

        Raises:
            DataError: as `source` says, or if members are among the non-members.
            ModelError: likewise.
        """
        data = self.source
        is_given = self.spec.pools.members == GIVEN
        if not is_given:
            # A warning, no error: the draw is right for a model of the same spec.
            data = replace(data, warnings=(*data.warnings, self._describe_draw))
        # Equal answers are no copies.
        if self.spec.pools.duplicates == "keep" or data.holds_answers:
            return data
        # Drawn members are cut after copies are removed, so only named ones can overlap.
        if is_given and data.is_member is not None:
            _refuse_overlap(data)
        return without_copies(data)

    @property
    def _names(self) -> tuple[str, ...]:
        """Names of the model's outputs; empty if they are unknown."""
        names = tuple(self.spec.task.labels) or (self.given.labels if self.given else ())
        # Placeholders say nothing, so positions are used instead.
        return () if are_placeholders(names) else names

    @property
    def _describe_draw(self) -> str:
        """Return the warning that the seed decides who the members of a finished model are."""
        members = self.spec.pools.members
        return (
            f"members are drawn by the seed (pools.members: {members}, seed: {self.spec.seed}), "
            "which is right for a model that a run with the same data, share and seed has trained; "
            "for any other, every figure is about a membership that never was"
        )

    @cached_property
    def pools(self) -> SamplePools:
        """Return the pools, split once.

        Raises:
            PoolError: if the data do not name the members, or do not suffice.
        """
        declared, data = self.spec.pools, self.original
        if declared.members == GIVEN:
            if data.is_member is None:
                raise PoolError(
                    "the data do not state which samples are members; name a column that does as "
                    "task.data.members, or give --members and --non-members"
                )
            count = int(data.is_member.sum())
            # One side alone leaves nothing to distinguish.
            if count in (0, len(data)):
                side, other = ("members", "non-members") if count else ("non-members", "members")
                raise PoolError(f"all {len(data)} samples are {side}; give {other} as well")
        # No select pool: an audit chooses nothing.
        shares = (declared.attack_train, 0.0, declared.audit)
        return cut_members(data, declared.members, shares, seed=self.seed)

    @property
    def dataset(self) -> Dataset:
        """The same as the original: an audit has no canaries."""
        return self.original


@dataclass(frozen=True, eq=False, kw_only=True)
class AuditContext(SpecContext):
    """The spec of an audit with the model that it is of.

    Attributes:
        given: the model.
        samples: data and pools, with the factory of the model's architecture.
    """

    given: GivenModel
    samples: AuditSamples

    @property
    def spec(self) -> AuditSpec:
        """The spec as it was validated."""
        spec: AuditSpec = self.loaded.spec
        return spec

    @property
    def factory(self) -> ModelFactory | None:
        """Return the factory of the architecture; None if the file holds it or nothing names it."""
        return self.samples.factory

    @property
    def access(self) -> Access:
        """The most that an attacker can see of the model."""
        if self.spec.task.answers == "probabilities":
            return Access.BLACK_BOX  # the layers before the softmax are unknown
        return self.given.format.access


def build_audit_context(
    loaded: LoadedSpec[Any], registry: Registry, given: GivenModel
) -> AuditContext:
    """Build the context of an audit from its spec and the model."""
    seed = Seed(loaded.spec.seed)
    samples = AuditSamples(spec=loaded.spec, registry=registry, seed=seed, given=given)
    return AuditContext(loaded=loaded, registry=registry, seed=seed, samples=samples, given=given)


def build_samples_context(loaded: LoadedSpec[Any], registry: Registry) -> SpecContext:
    """Build the context of an audit whose model is not there yet: its data and pools alone."""
    seed = Seed(loaded.spec.seed)
    samples = AuditSamples(spec=loaded.spec, registry=registry, seed=seed, given=None)
    return SpecContext(loaded=loaded, registry=registry, seed=seed, samples=samples)


def _refuse_overlap(data: Dataset) -> None:
    duplicates = overlap(data)
    if not duplicates:
        return
    shown = ", ".join(f"{ours + 1} = {theirs + 1}" for ours, theirs in duplicates[:MOST_SHOWN])
    more = f" and {len(duplicates) - MOST_SHOWN} more" if len(duplicates) > MOST_SHOWN else ""
    count = (
        "1 non-member is a member"
        if len(duplicates) == 1
        else f"{len(duplicates)} non-members are members"
    )
    raise DataError(
        f"{count} as well, with the same input and label (member = non-member, each counted from 1 "
        f"on its side): {shown}{more}",
        hint="take them out on one side; where they are others who only look alike, write "
        "'pools: {duplicates: keep}'",
    )
