"""Models and samples that metrics measure."""

from collections.abc import Mapping
from typing import Any

import torch
from sklearn.datasets import load_iris
from torch import Tensor, nn

from safecompress_core.api import Params
from safecompress_core.data.pools import Pool
from safecompress_core.host import load_plugins
from safecompress_core.seeding import Seed
from safecompress_core.toolkit import (
    Attribute,
    Classifier,
    Dataset,
    Metric,
    ObservedPool,
    Subject,
    observe,
)


def create(params: Params) -> Metric:
    """Through the registry, as a run does."""
    metric: Metric = load_plugins().registry.create(params)
    return metric


def subject_of(
    network: Classifier,
    inputs: Tensor,
    labels: Tensor,
    *,
    members: int = 0,
    attributes: Mapping[str, Attribute] | None = None,
    uncompressed: Classifier | None = None,
    exposed: Tensor | None = None,
    **dataset: Any,
) -> Subject:
    """The network on these samples, of which the first are members.

    Two copies of the first sample are the members where none are asked for, since a pool has some.
    """
    if not members:
        inputs, labels = (torch.cat([part[[0, 0]], part]) for part in (inputs, labels))
        attributes = {
            name: Attribute(torch.cat([one.values[[0, 0]], one.values]), one.names)
            for name, one in (attributes or {}).items()
        }
        members = 2
    names = tuple(map(str, range(int(labels.max()) + 1)))
    data = Dataset(
        inputs=inputs, labels=labels, classes=names, attributes=attributes or {}, **dataset
    )
    rows = torch.arange(len(labels))
    asked = ObservedPool(
        dataset=data,
        pool=Pool("audit", rows[:members], rows[members:]),
        seen=observe(network, inputs, labels),
        uncompressed=None if uncompressed is None else observe(uncompressed, inputs, labels),
    )
    return Subject(
        asked=asked,
        file_bytes=4321,
        network=network,
        sample=inputs[:1],
        seed=Seed(18),
        create=load_plugins().registry.create,
        exposed=exposed,
    )


def iris_subject(
    *,
    members: int = 0,
    small_group_of: int = 0,
    take: int | None = None,
    steps: int = 60,
    bias: float = 0.0,
) -> Subject:
    """A linear model of two inputs of iris, so that it is wrong at times, and an attribute.

    Args:
        members: how many of the shuffled samples are members.
        small_group_of: samples of a third group of the attribute ``wide``.
        take: only so many samples; all by default.
        steps: of training.
        bias: of the first label in a model that is not trained.
    """
    inputs, labels = (torch.from_numpy(part) for part in load_iris(return_X_y=True))
    generator = torch.Generator().manual_seed(5)
    order = torch.randperm(len(labels), generator=generator)[:take]
    inputs, labels = inputs[order].float(), labels[order]
    # Whether the sepal is wide; the model sees length and width of it.
    groups = (inputs[:, 1] > 2.8).long()
    if take is not None:
        groups = (torch.arange(take) >= take - 5).long()
    if small_group_of:
        versicolor = torch.nonzero(labels == 1).flatten()
        groups[versicolor[:small_group_of]] = 2
    names = ("no", "yes", "rare") if small_group_of else ("no", "yes")
    network = Classifier(nn.Linear(2, 3))
    with torch.no_grad():
        network.head.weight.copy_(torch.randn(3, 2, generator=generator) * 0.1)
        network.head.bias.copy_(torch.tensor([bias, 0.0, 0.0]))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(inputs[:, :2]), labels).backward()
        optimizer.step()
    return subject_of(
        network.eval(),
        inputs[:, :2],
        labels,
        members=members,
        attributes={"wide": Attribute(groups, names)},
    )
