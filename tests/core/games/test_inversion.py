"""Inversion: what a reconstruction is measured by, and what an inverter is given."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio
from torch import Tensor

from safecompress_core.api import WHITE_BOX, AttackerParams, GradientAttackerParams, Need
from safecompress_core.attacks.adversary import AdversaryKnowledge, InversionTargets, Inverter
from safecompress_core.attacks.observed_pool import ObservedPool, observe_pool
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.games.inversion import InversionGame, InversionResult, psnr
from safecompress_core.games.manifest import INVERSION
from safecompress_core.networks.classifier import Classifier
from safecompress_core.sparse.topology import Topology
from safecompress_core.stats.intervals import Estimate

Play = Callable[..., Any]
MakeNetwork = Callable[..., Classifier]

GRADIENTS = WHITE_BOX | {Need.GRADIENTS}


def test_inversion_is_one_less_the_quotient_of_two_errors() -> None:
    """Hand-worked: errors of 0.01 and 0.03 where the mean has 0.04 and 0.04."""
    truth = np.zeros((2, 4))
    reconstructed = np.array([[0.1] * 4, [np.sqrt(0.03)] * 4])
    found = InversionGame(INVERSION).measure(
        reconstructed,
        truth,
        np.full(4, 0.2),
        units="samples",
        width=1.0,
        measures={},
        facts={},
    )
    document = found.to_json()

    assert document["error"] == pytest.approx(0.02)
    assert document["baseline"] == pytest.approx(0.04)
    assert document["advantage"] == pytest.approx(0.5)
    assert document["advantage_interval"] == [0.0, 1.0]  # two samples show next to nothing
    assert document["psnr"] == pytest.approx(
        peak_signal_noise_ratio(truth, reconstructed, data_range=1.0)
    )


def test_an_exact_reconstruction_has_a_psnr_that_is_a_number() -> None:
    """JSON has no infinity."""
    assert psnr(Estimate(0.0, 0.0, 0.0), 1.0) == Estimate(120.0, 120.0, 120.0)


class Blank(Inverter):
    """Reconstructs nothing."""

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        self.known = known

    def reconstruct(
        self,
        knowledge: AdversaryKnowledge,
        targets: InversionTargets,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        self.clues = targets
        return torch.zeros(len(targets), *knowledge.seen.inputs.shape[1:])


def test_classes_are_reconstructed_against_the_means_of_members(
    sights: tuple[ObservedPool, ObservedPool],
    played: Play,
) -> None:
    """The baseline is the mean of the adversary's own samples, which are no members."""
    found = played(Blank(), "inversion", AttackerParams(), sights)
    known, asked = sights
    members = asked.seen.take(torch.arange(len(asked.pool.members)))
    means = torch.stack([members.inputs[members.labels == c].mean(0) for c in range(10)])

    assert isinstance(found, InversionResult)
    assert (found.units, found.count) == ("classes", 10)
    assert found.error.value == pytest.approx(float((means**2).mean()))
    population = known.unseen.inputs.mean(0)
    assert found.baseline == pytest.approx(float(((means - population) ** 2).mean()))
    assert found.measures["evaluator_on_members"].value > 0.5


def test_gradients_are_those_of_members_and_of_weights_that_exist(
    network: MakeNetwork, digits: Dataset, pools: SamplePools, played: Play
) -> None:
    """By a plain backward pass in double precision; missing weights send nothing."""
    made = network()
    mask = torch.arange(12 * 64).reshape(12, 64) % 3 == 0
    made.topology = Topology.from_masks({"0.weight": mask})
    sights = observe_pool(made, digits, pools.attack_train), observe_pool(made, digits, pools.audit)
    attacker = Blank()
    found = played(attacker, "inversion", GradientAttackerParams(samples=3), sights, GRADIENTS)

    assert (found.units, found.count) == ("samples", 3)
    members = digits.inputs[pools.audit.members].double()
    labels = digits.labels[pools.audit.members]
    plain = made.double()
    for seen in attacker.clues.gradients:
        assert not seen["0.weight"][~mask].any()
        losses = []
        for one, label in zip(members, labels, strict=True):
            plain.zero_grad()
            torch.nn.functional.cross_entropy(plain(one[None]), label[None]).backward()
            losses.append(float((plain.module[3].bias.grad - seen["3.bias"]).abs().max()))
        assert min(losses) < 1e-9, "a gradient is of no member of the pool"
