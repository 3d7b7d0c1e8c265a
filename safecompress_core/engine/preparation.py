"""All that stands before the first epoch: data, pools and components, built from a spec."""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.api import AttackerParams, component_id
from safecompress_core.dataset import Dataset, DataSource
from safecompress_core.engine.arithmetic import arithmetic_for
from safecompress_core.engine.attack import Attack
from safecompress_core.engine.audit import Auditor
from safecompress_core.engine.checkpoints import Checkpoints
from safecompress_core.engine.duplicates import without_copies
from safecompress_core.engine.environment import pick_device
from safecompress_core.engine.examiner import Examiner
from safecompress_core.engine.journal import Journal
from safecompress_core.engine.learning_rate import LearningRate
from safecompress_core.engine.method import Method, Recipe, Workshop, taught_by
from safecompress_core.engine.metric import Metric, SampleMetric
from safecompress_core.engine.trainer import Trainer
from safecompress_core.errors import PoolError
from safecompress_core.host import Registry
from safecompress_core.network import Classifier, ModelFactory
from safecompress_core.privacy.canaries import mislabelled
from safecompress_core.privacy.pools import Pools, build_pools, cut_pools
from safecompress_core.seeding import Seed
from safecompress_core.sparsifiable import SparseRule
from safecompress_core.spec.components import attacker_of
from safecompress_core.spec.load import LoadedSpec
from safecompress_core.spec.model import RunSpec, Training

__all__ = ["Preparation"]


@dataclass(frozen=True)
class Preparation:
    """A spec with everything that it names loaded and built."""

    loaded: LoadedSpec
    registry: Registry

    @property
    def spec(self) -> RunSpec:
        """The spec as it was validated."""
        return self.loaded.spec

    @cached_property
    def seed(self) -> Seed:
        """Where all randomness of the run starts."""
        return Seed(self.spec.seed)

    @cached_property
    def device(self) -> torch.device:
        """Where networks are trained."""
        return pick_device(self.spec.device)

    @cached_property
    def original(self) -> Dataset:
        """The data as the model takes them, loaded once, and without copies if the spec says so."""
        source: DataSource = self.registry.create(self.spec.task.data)
        prepared = self._factory.prepare(source.load())
        return without_copies(prepared) if self.spec.pools.duplicates == "remove" else prepared

    @cached_property
    def _factory(self) -> ModelFactory:
        factory: ModelFactory = self.registry.create(self.spec.task.model)
        return factory

    @cached_property
    def dataset(self) -> Dataset:
        """The data of the run: canaries, if there are any, have a wrong label."""
        canaries = self.pools.canaries if self.spec.pools.canaries else None
        if canaries is None:
            return self.original
        generator = self.seed.child("canaries").torch()
        return mislabelled(self.original, canaries, generator=generator)

    @cached_property
    def pools(self) -> Pools:
        """Who knows which sample, cut once."""
        generator = self.seed.child("pools", "reference").torch()
        return self._whole_pools.with_reference(self.spec.pools.reference, generator=generator)

    @cached_property
    def _whole_pools(self) -> Pools:
        """Before a defence gets its part."""
        declared, data = self.spec.pools, self.original
        shares = (declared.attack_train, declared.select, declared.audit)
        generator = self.seed.child("pools").torch()
        if isinstance(declared.members, str):
            if data.is_member is None:
                message = "the data do not tell which samples are members"
                raise PoolError(f"{message}; write a share of them, or how many")
            return cut_pools(
                data.labels,
                data.is_member,
                shares=shares,
                generator=generator,
                canaries=declared.canaries,
                groups=data.groups,
            )
        return build_pools(
            data.labels,
            members=declared.members,
            attack_train=declared.attack_train,
            select=declared.select,
            audit=declared.audit,
            generator=generator,
            canaries=declared.canaries,
            groups=data.groups,
        )

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """By the names that gates use."""
        return {component_id(params): self.registry.create(params) for params in self.spec.metrics}

    @cached_property
    def performance(self) -> tuple[str, SampleMetric]:
        """The metric that the loop maximises: the first one that is a mean over samples."""
        return next(
            (name, metric)
            for name, metric in self.metrics.items()
            if isinstance(metric, SampleMetric)
        )

    @cached_property
    def method(self) -> Method:
        """How the compressed model comes about."""
        method: Method = self.registry.create(self.spec.method)
        return method

    @cached_property
    def attacks(self) -> tuple[Attack, ...]:
        """What tests candidates."""
        return tuple(self._attacks(self.spec.attackers))

    @cached_property
    def audit_attacks(self) -> tuple[Attack, ...]:
        """What judges at the end."""
        return tuple(self._attacks(self.spec.audit.attackers))

    def _attacks(self, declared: Iterable[AttackerParams]) -> Iterable[Attack]:
        for params in declared:
            yield Attack(id=component_id(params), definition=attacker_of(params), params=params)

    @cached_property
    def blank(self) -> Callable[[], Classifier]:
        """Makes a fresh network; the same weights at every call."""
        factory = self._factory
        shape, classes = tuple(self.dataset.inputs.shape[1:]), len(self.dataset.classes)
        seed, device = self.seed.child("network"), self.device
        training, sample, task = self.spec.training, self.sample, self.spec.task
        rule = SparseRule(
            layers=tuple(task.sparsify.layers),
            include=tuple(task.sparsify.include),
            exclude=tuple(task.sparsify.exclude),
        )

        def made() -> Classifier:
            module = factory.build(input_shape=shape, classes=classes, generator=seed.torch())
            network = Classifier(
                module,
                sample=sample,
                representation=task.representation,
                rule=rule,
            ).to(device)
            arithmetic_for(training, network, sample, device).laid_out(network)
            return network

        return made

    @property
    def sample(self) -> Tensor:
        """An input of the model, shape (1, ...)."""
        return self.dataset.inputs[torch.tensor([0])]

    def filled(self, state: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> Classifier:
        """A network with weights and masks from a model file."""
        network = self.blank()
        network.module.load_state_dict(state)
        network.masks = dict(masks)
        return network

    @cached_property
    def passport(self) -> dict[str, Any]:
        """What a model file says of itself."""
        return {
            "model": self.spec.task.model.model_dump(mode="json"),
            "input_shape": list(self.dataset.inputs.shape[1:]),
            "classes": list(self.dataset.classes),
        }

    @cached_property
    def recipe(self) -> Recipe:
        """How models are trained."""
        training = self.spec.training
        return Recipe(
            epochs=training.epochs,
            learning_rate=training.learning_rate,
            optimizer=_optimizer(training),
            arithmetic=arithmetic_for(training, self.blank(), self.sample, self.device),
        )

    @cached_property
    def _trainer(self) -> Trainer:
        training = self.spec.training
        return Trainer(
            self.dataset,
            self.pools.members,
            batch_size=training.batch_size,
            device=self.device,
            seed=self.seed.child("training"),
            epochs=training.epochs,
            learning_rate=LearningRate(shape=training.schedule, warmup=training.warmup),
            clip_norm=training.clip_norm,
            arithmetic=self.recipe.arithmetic,
            reference=self.pools.reference,
        )

    def workshop(
        self,
        unit: str,
        *,
        big: Classifier | None,
        checkpoints: Checkpoints,
        archived: Callable[[str], Path],
        journal: Journal,
    ) -> Workshop:
        """What a method works with.

        Args:
            unit: names the method's own branch of the seed.
            big: the trained uncompressed network, where there is one already.
            checkpoints: where the method keeps what it has reached.
            archived: the file of a model of the archive.
            journal: where it tells what happens.
        """
        blank = self.blank

        def original() -> Classifier:
            return copy.deepcopy(big) if big is not None else blank()

        examiner = Examiner(
            self.attacks,
            self.performance[1],
            dataset=self.dataset,
            pools=self.pools,
            create=self.registry.create,
            journal=journal,
            seed=self.seed.child("select"),
        )
        return Workshop(
            recipe=self.recipe,
            trainer=self._trainer,
            examiner=examiner,
            aggregator=self.registry.create(self.spec.choose),
            create=self.registry.create,
            blank=blank,
            big=original,
            teacher=taught_by(original),
            card=self.dataset.card,
            seed=self.seed.child(unit),
            checkpoints=checkpoints,
            archived=archived,
            passport=self.passport,
            journal=journal,
        )

    def auditor(
        self,
        journal: Journal,
        *,
        uncompressed: Classifier | None = None,
        versions: Mapping[str, Classifier] = MappingProxyType({}),
    ) -> Auditor:
        """Who judges finished models, beside others where an attack asks for that.

        Args:
            journal: is told of each attack.
            uncompressed: the model that compression started from.
            versions: the compressed models that an adversary may hold several of, by id, those
                that are handed out first in front.
        """
        return Auditor(
            self.audit_attacks,
            self.metrics,
            dataset=self.dataset,
            pools=self.pools,
            create=self.registry.create,
            journal=journal,
            seed=self.seed.child("audit"),
            prior=self.spec.audit.prior,
            uncompressed=uncompressed,
            versions=versions,
        )

    def describe_pools(self) -> dict[str, Any]:
        """Sizes and fingerprints, JSON-ready."""
        fingerprints = self.pools.fingerprints(self.dataset)
        return {
            pool.name: {
                "members": len(pool.members),
                "non_members": len(pool.non_members),
                "fingerprint": fingerprints[pool.name],
            }
            for pool in self.pools
        }


def _optimizer(training: Training) -> Callable[[list[nn.Parameter], float], torch.optim.Optimizer]:
    """What the spec's training section asks for."""

    def adam(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=learning_rate, weight_decay=training.weight_decay)

    def adamw(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=training.weight_decay)

    def sgd(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            parameters,
            lr=learning_rate,
            momentum=training.momentum,
            weight_decay=training.weight_decay,
        )

    return {"adam": adam, "adamw": adamw, "sgd": sgd}[training.optimizer]
