"""Trains reference models: what an adversary trains itself, to compare the attacked model with.

- The adversary knows every sample of the data set and nothing of who is a member. All samples are
  dealt anew into halves (:func:`~safecompress_core.privacy.references.deal`), and each reference
  model is trained on one. So every sample that is attacked has models that knew it and models that
  did not: *online* attacks use both, *offline* ones only the latter.
- A reference model re-runs the whole method, its selection included, on pools that are cut from its
  own half and the rest; with another seed for everything that is drawn. It is not audited, and has
  no reference models of its own.
- The uncompressed model is attacked with reference models that are trained as it was.
- What is kept is each model's logits for all samples, under a key of everything that they depend
  on, so that attackers share them and a run that was stopped trains only what is missing.
"""

import copy
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache, partial
from pathlib import Path

import torch
from torch import Tensor

from safecompress_core.api import Access
from safecompress_core.dataset import Dataset
from safecompress_core.engine.checkpoints import Checkpoints
from safecompress_core.engine.environment import reproducible
from safecompress_core.engine.executor import each_done
from safecompress_core.engine.identity import require_same_identity
from safecompress_core.engine.journal import Journal
from safecompress_core.engine.keys import content_key, trains_plainly
from safecompress_core.engine.manifest import UncompressedParams
from safecompress_core.engine.method import taught_by
from safecompress_core.engine.named_code import naming_code_of
from safecompress_core.engine.plan import PLAIN
from safecompress_core.engine.preparation import Preparation
from safecompress_core.engine.run_directory import RunDirectory
from safecompress_core.engine.uncompressed import Uncompressed
from safecompress_core.errors import (
    DataError,
    MissingExtraError,
    ModelError,
    PluginError,
    SafeCompressError,
    SpecError,
)
from safecompress_core.host import load_plugins
from safecompress_core.network import Classifier
from safecompress_core.privacy.observations import observe
from safecompress_core.privacy.pools import Pools, cut_pools
from safecompress_core.privacy.references import References, deal
from safecompress_core.seeding import Seed
from safecompress_core.spec.components import definition_of
from safecompress_core.spec.load import load_spec
from safecompress_core.spec.placing import placing
from safecompress_core.writing import partial_name

__all__ = [
    "Order",
    "ReferencePreparation",
    "ReferenceTraining",
    "dealt",
    "reference",
    "references_wanted",
]

SELECTING = ("method", "attackers", "metrics", "choose")
"""The sections of a spec that a method depends on, beside those that all training does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A reference model that is to be trained.

    Attributes:
        key: of all that its answers depend on.
        index: which one it is, from 0.
        is_dense: whether it is trained as the uncompressed model, or by the spec's method.
    """

    key: str
    index: int
    is_dense: bool


def references_wanted(prepared: Preparation) -> int:
    """How many reference models the audit needs: as many as the attacker that asks for most."""
    return max(
        (
            getattr(attack.params, "references", 0)
            for attack in prepared.audit_attacks
            if attack.definition.references
        ),
        default=0,
    )


@dataclass(frozen=True, eq=False)
class ReferencePreparation(Preparation):
    """A spec as a reference model runs it: the same but for the pools and all that is drawn.

    Attributes:
        origin: of the model that is attacked.
        index: which reference model it is, from 0.
    """

    origin: Preparation
    index: int

    @cached_property
    def seed(self) -> Seed:
        """A branch of the run's."""
        return self.origin.seed.child("reference", self.index)

    @cached_property
    def dataset(self) -> Dataset:
        """The very same."""
        return self.origin.dataset

    @cached_property
    def is_in(self) -> Tensor:
        """Which samples it is trained on, shape (N,), bool."""
        return dealt(self.origin, self.index + 1)[self.index]

    @cached_property
    def pools(self) -> Pools:
        """Cut from its own members and the rest."""
        shares = self.spec.pools
        pools = cut_pools(
            self.dataset.labels,
            self.is_in,
            shares=(shares.attack_train, shares.select, shares.audit),
            generator=self.seed.child("pools").torch(),
            groups=self.dataset.groups,
        )
        generator = self.seed.child("pools", "reference").torch()
        return pools.with_reference(shares.reference, generator=generator)


def reference(prepared: Preparation, index: int) -> ReferencePreparation:
    """What the reference model of that number (from 0) runs."""
    return ReferencePreparation(prepared.loaded, prepared.registry, origin=prepared, index=index)


def dealt(prepared: Preparation, count: int) -> Tensor:
    """Which of the first ``count`` reference models are trained on which sample, (count, N)."""
    return deal(
        prepared.dataset.labels,
        members=len(prepared.pools.members),
        count=count,
        generator=prepared.seed.child("reference", "deal").torch(),
        groups=prepared.dataset.groups,
    )


class ReferenceTraining:
    """The reference models of one run.

    Args:
        prepared: the run.
        directory: of the run; it holds the resolved spec.
        journal: is told of each model.
        workers: how many processes train.
        plugins_dir: where single-file plugins are, for those processes.
        shared: where several runs keep what they have in common; None to keep it with the run.
    """

    def __init__(
        self,
        prepared: Preparation,
        directory: Path,
        *,
        journal: Journal,
        workers: int = 1,
        plugins_dir: Path | None = None,
        shared: Path | None = None,
    ) -> None:
        self._prepared = prepared
        self._spec = directory / "spec.resolved.yaml"
        self._folder = (shared or directory / "checkpoints") / "references"
        self._journal = journal
        self._workers = workers
        self._plugins_dir = plugins_dir

    def units(self) -> int:
        """How many models there are to train, those that are there already included."""
        return len({order.key for order in self._orders()})

    def train(self, *, kinds: Sequence[bool] = (True, False)) -> None:
        """Train every model that is not there yet.

        Args:
            kinds: values of ``is_dense`` that are wanted.
        """
        orders = {order.key: order for order in self._orders() if order.is_dense in kinds}
        kept = Checkpoints(self._folder)
        missing = [order for order in orders.values() if kept.load(order.key) is None]
        self._journal.advance(len(orders) - len(missing))
        for order in orders.values():
            if order not in missing:
                self._skip(order)
        began = time.perf_counter()
        if self._workers > 1:
            source = _Source(
                self._spec, self._plugins_dir, allow_code=self._prepared.loaded.allow_code
            )
            work = partial(_train_elsewhere, source, torch.get_num_threads())
        else:
            work = partial(_train, self._prepared, journal=self._journal.inner())
        for order in each_done(partial(work, self._folder), missing, workers=self._workers):
            self._journal.advance()
            if self._workers > 1:  # of other processes nothing is known but that they are done
                epochs, now = self._skip(order, has_trained=True), time.perf_counter()
                self._journal.timed(epochs=epochs, seconds=now - began)
                began = now
            self._journal.tell(
                "reference_trained",
                model="uncompressed" if order.is_dense else "compressed",
                reference=order.index + 1,
            )

    def _skip(self, order: Order, *, has_trained: bool = False) -> int:
        """Take off a model's attacks, and its epochs unless they were just trained."""
        spec = self._prepared.spec
        workload = None if order.is_dense else definition_of(spec.method).workload
        work = workload(spec.method, spec.training.epochs) if workload else None
        epochs = work.epochs if work else spec.training.epochs
        attacks = work.tests * len(spec.attackers) if work else 0
        self._journal.skip(epochs=0 if has_trained else epochs, attacks=attacks)
        return epochs

    def of(self, *, is_dense: bool) -> References | None:
        """What the models say of all samples of the data set; None where nobody asks for any."""
        orders = [order for order in self._orders() if order.is_dense == is_dense]
        if not orders:
            return None
        kept = Checkpoints(self._folder)
        found = [kept.load(order.key) for order in orders]
        answers = [models[0] for _, models in filter(None, found)]
        return References(
            logits=torch.stack([one["logits"] for one in answers]),
            is_in=torch.stack([one["is_in"] for one in answers]),
            labels=self._prepared.dataset.labels,
            bare=torch.stack([one["bare"] for one in answers]) if "bare" in answers[0] else None,
        )

    def _orders(self) -> Iterator[Order]:
        for is_dense in (True, False):
            for index in range(references_wanted(self._prepared)):
                key = self._key(index, is_dense=is_dense)
                yield Order(key=key, index=index, is_dense=is_dense)

    def _key(self, index: int, *, is_dense: bool) -> str:
        """The same for a method that is dense training and nothing else as for the baseline."""
        resolved = self._prepared.loaded.resolved
        if is_dense or trains_plainly(self._prepared):
            return content_key(self._prepared, index=index, method=PLAIN)
        own = {name: resolved[name] for name in SELECTING}
        return content_key(self._prepared, index=index, **own)


def _train(
    prepared: Preparation, folder: Path, order: Order, *, journal: Journal | None = None
) -> None:
    """Train one reference model and keep its answers; the model itself is not kept."""
    own = reference(prepared, order.index)
    working = folder / partial_name(order.key)
    try:
        network = _trained(own, working, is_dense=order.is_dense, journal=journal or Journal())
    finally:
        shutil.rmtree(working, ignore_errors=True)
    seen = observe(network, own.dataset.inputs, own.dataset.labels)
    answers = {"logits": seen.logits, "is_in": own.is_in}
    if network.guard is not None:
        answers["bare"] = seen.restricted(Access.WHITE_BOX).logits
    Checkpoints(folder).save(order.key, {"index": order.index}, [answers])


def _trained(
    own: ReferencePreparation, working: Path, *, is_dense: bool, journal: Journal
) -> Classifier:
    """Run a method, of which only the training is told, and which has no audit of its own."""

    @cache
    def big() -> Classifier:
        """Only for what starts from it, or asks it."""
        return _trained(own, working / "big", is_dense=True, journal=journal)

    workshop = replace(
        own.workshop(
            "method",
            big=None,
            checkpoints=Checkpoints(working / "checkpoints"),
            archived=lambda model: working / "archive" / f"{model}.safetensors",
            journal=journal,
        ),
        big=lambda: copy.deepcopy(big()),
        teacher=taught_by(lambda: copy.deepcopy(big())),
    )
    method = Uncompressed(UncompressedParams()) if is_dense else own.method
    return method.run(workshop).chosen.network


@dataclass(frozen=True, slots=True)
class _Source:
    """Where another process finds what it has to build, and whether that may be code."""

    spec: Path
    plugins_dir: Path | None
    allow_code: bool


def _train_elsewhere(source: _Source, threads: int, folder: Path, order: Order) -> None:
    """The same in a process that has to load everything first."""
    try:
        prepared = _prepared(source)
        loaded, registry = prepared.loaded, prepared.registry
        with placing(loaded), naming_code_of(loaded, registry), reproducible(threads):
            _train(prepared, folder, order)
    except (DataError, MissingExtraError, ModelError, PluginError, SpecError) as error:
        # made of more than a message, they cannot be sent to another process
        raise SafeCompressError(str(error)) from None


@lru_cache(maxsize=1)
def _prepared(source: _Source) -> Preparation:
    registry = load_plugins(plugins_dir=source.plugins_dir).registry
    loaded = load_spec(source.spec, registry=registry, allow_code=source.allow_code)
    prepared = Preparation(loaded, registry)
    require_same_identity(prepared.identity(), RunDirectory(source.spec.parent))
    return prepared
