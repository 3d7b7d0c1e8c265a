"""Shared weights."""

from typing import ClassVar

import numpy as np
import pytest
import torch

from safecompress_core.sparse.weight_codes import Clustered
from safecompress_core.testing import FinisherConformance
from safecompress_plugins.finishers.cluster import Cluster
from safecompress_plugins.finishers.manifest import DEFINITIONS, ClusterParams

CLUSTER = next(definition for definition in DEFINITIONS if definition.name == "cluster")


class TestCluster(FinisherConformance):
    definition = CLUSTER


class TestClusterToTwoValues(FinisherConformance):
    definition = CLUSTER
    params: ClassVar = {"values": 2}


def test_each_weight_takes_the_nearest_centre() -> None:
    """The assignment of k-means, worked out with numpy."""
    [context, *_] = TestCluster().contexts()

    code = Cluster(ClusterParams(values=8)).finish(context).codes["2.weight"]

    assert isinstance(code, Clustered)
    assert code.codebook[0] == 0
    assert len(code.codebook) == 8
    weight, centres = context.weights["2.weight"].numpy().ravel(), code.codebook[1:].numpy()
    nearest = np.abs(weight[:, None] - centres).argmin(axis=1) + 1
    assert code.codes.flatten().tolist() == nearest.tolist()


def test_a_centre_is_the_mean_of_its_weights() -> None:
    """k-means has converged."""
    [context, *_] = TestCluster().contexts()

    code = Cluster(ClusterParams(values=4)).finish(context).codes["0.weight"]

    assert isinstance(code, Clustered)
    for position in (1, 2, 3):
        mean = float(context.weights["0.weight"][code.codes == position].mean())
        assert mean == pytest.approx(float(code.codebook[position]), rel=1e-3)


def test_more_values_make_a_smaller_error() -> None:
    """Down to nothing, where each weight has a value of its own."""
    [context, *_] = TestCluster().contexts()

    errors = [
        Cluster(ClusterParams(values=values)).finish(context).facts["error"]
        for values in (2, 4, 16, 256)
    ]

    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.01


def test_a_layer_of_few_weights_has_no_more_values() -> None:
    """One active weight has a centre of its own, next to 0."""
    *_, context = TestCluster().contexts()

    code = Cluster(ClusterParams()).finish(context).codes["0.weight"]

    assert isinstance(code, Clustered)
    assert len(code.codebook) == 2
    torch.testing.assert_close(code.weight(), context.weights["0.weight"])
