"""Conformance tests of metrics."""

import json
import math
from dataclasses import replace
from importlib import import_module
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from torch import nn

from safecompress_core.api import MetricDef, Need, Params
from safecompress_core.attacks.observed_pool import observe_pool
from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.metric import Metric, MetricTrial, PairedMetric, Subject
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed
from safecompress_core.testing.manifest import DefinitionConformance

__all__ = ["MetricConformance"]

STEPS = 40


class MetricConformance(DefinitionConformance):
    """Subclass it, name your definition, and pytest runs the checks.

    ::

        class TestBelief(MetricConformance):
            definition = BELIEF

    Attributes:
        definition: the metric's definition.
        params: what a spec would write for it.
        is_repeatable: whether the same model has the same figure twice; a duration has not.
    """

    definition: ClassVar[MetricDef]
    is_repeatable: ClassVar[bool] = True

    def metric(self) -> Metric:
        """Return a new metric with the parameters."""
        module, _, name = self.definition.target.partition(":")
        params = self.definition.params.model_validate(dict(self.params))
        built: Metric = getattr(import_module(module), name)(params)
        return built

    def dataset(self) -> Dataset:
        """Return the samples: irises, with the attribute ``long``, whether the petal is."""
        inputs, labels = load_iris(return_X_y=True)
        inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
        is_long = torch.from_numpy(inputs[:, 2] > 0)
        return Dataset(
            inputs=torch.from_numpy(inputs).float(),
            labels=torch.from_numpy(labels),
            classes=("setosa", "versicolor", "virginica"),
            attributes={"long": Attribute(is_long.long(), ("no", "yes"))},
        )

    def module(self, dataset: Dataset) -> nn.Module:
        """Return a network for these samples."""
        width, classes = math.prod(dataset.inputs.shape[1:]), len(dataset.classes)
        return nn.Sequential(nn.Flatten(), nn.Linear(width, 6), nn.ReLU(), nn.Linear(6, classes))

    def create(self, params: Params) -> Any:
        """Build a component that is among the parameters."""
        module, _, name = params.definition.target.partition(":")  # type: ignore[union-attr]
        return getattr(import_module(module), name)(params)

    def trial(self) -> MetricTrial:
        """Return what a metric looks at before training."""
        dataset = self.dataset()
        return MetricTrial(
            dataset=dataset,
            pool=self._pool(dataset),
            network=self._network(dataset, seed=0),
            create=self.create,
        )

    def subject(self, *, seed: int = 1) -> Subject:
        """Return a trained network, with another one as the uncompressed one."""
        dataset = self.dataset()
        pool = self._pool(dataset)
        network = self._network(dataset, seed=seed)
        asked = observe_pool(network, dataset, pool)
        if Need.UNCOMPRESSED in self.definition.needs:
            uncompressed = observe_pool(self._network(dataset, seed=0), dataset, pool).seen
            asked = replace(asked, uncompressed=uncompressed)
        return Subject(
            asked=asked,
            file_bytes=1234,
            network=network,
            sample=dataset.inputs[torch.tensor([0])],
            seed=Seed(3),
            create=self.create,
            exposed=torch.arange(len(pool.members)) < 7,
        )

    @staticmethod
    def _pool(dataset: Dataset) -> Pool:
        rows = torch.arange(len(dataset))
        return Pool("audit", rows[::2], rows[1::2])

    def _network(self, dataset: Dataset, *, seed: int) -> Classifier:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = Classifier(self.module(dataset))
        rows = torch.arange(0, len(dataset), 2)
        inputs, labels = dataset.inputs[rows], dataset.labels[rows]
        optimizer = torch.optim.Adam(network.parameters(), lr=0.05)
        for _ in range(STEPS):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(inputs), labels).backward()
            optimizer.step()
        return network.eval()

    def _statistic(self) -> PairedMetric:
        metric = self.metric()
        if not isinstance(metric, PairedMetric):
            pytest.skip("it is no statistic of samples")
        return metric

    def test_it_is_a_metric(self) -> None:
        """A run asks it for a figure."""
        assert isinstance(self.metric(), Metric)

    def test_it_finds_nothing_wrong_with_such_samples(self) -> None:
        """Before training."""
        assert list(self.metric().check(self.trial())) == []

    def test_its_figure_lies_in_its_interval_and_in_its_range(self) -> None:
        """And is a number."""
        found = self.metric().measure(self.subject())
        definition = self.definition

        assert all(map(math.isfinite, (found.value, *found.interval)))
        assert found.low <= found.value <= found.high
        assert definition.lowest <= found.value <= definition.highest

    def test_the_same_model_has_the_same_figure(self) -> None:
        """Whatever was measured before."""
        if not self.is_repeatable:
            pytest.skip("it measures time")
        metric = self.metric()
        first = metric.measure(self.subject())
        metric.measure(self.subject(seed=2))

        assert metric.measure(self.subject()) == first

    def test_it_leaves_the_model_alone(self) -> None:
        """Attacks and other metrics look at it next."""
        subject = self.subject()
        before = {name: tensor.clone() for name, tensor in subject.network.state_dict().items()}

        self.metric().measure(subject)

        after = subject.network.state_dict()
        assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
        assert not any(module.training for module in subject.network.modules())

    def test_a_model_does_not_differ_from_itself(self) -> None:
        """Paired on the same resamples."""
        metric, subject = self._statistic(), self.subject()
        values = metric.values(subject)

        assert metric.difference(values, values, values.resample(Seed(1))).value == 0

    def test_the_units_of_all_models_are_the_same(self) -> None:
        """Or there would be nothing to pair."""
        first, second = (self._statistic().values(self.subject(seed=seed)) for seed in (1, 2))

        assert first.numbers.shape == second.numbers.shape
        assert np.array_equal(first.strata, second.strata)

    def test_what_counts_is_the_share_of_a_unit_in_a_draw(self) -> None:
        """A draw that holds every unit three times says the same."""
        metric = self._statistic()
        numbers = metric.values(self.subject()).numbers

        once, thrice = metric.statistic(numbers, np.array([[1], [3]]) * np.ones(len(numbers)))

        assert once == pytest.approx(thrice)

    def test_its_details_are_json(self) -> None:
        """They are written to results.json."""
        details = dict(self._statistic().values(self.subject()).details)

        assert json.loads(json.dumps(details, allow_nan=False)) == details
