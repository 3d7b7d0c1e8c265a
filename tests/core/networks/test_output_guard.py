"""Output guards: the wrapper of a network, and the hashes that identify a query."""

import copy

import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn

from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.output_guard import (
    AnswerModule,
    GuardedClassifier,
    GuardTrainingData,
    OutputGuard,
    digests,
)
from safecompress_core.sparse.topology import Topology

DIGITS = torch.as_tensor(load_digits().data, dtype=torch.float32).reshape(-1, 1, 8, 8)


def test_the_same_input_has_the_same_number_whatever_is_beside_it() -> None:
    """Of images as of rows, and with either sign of a 0."""
    whole = digests(DIGITS)

    assert torch.equal(torch.cat([digests(part) for part in DIGITS.split(100)]), whole)
    assert torch.equal(digests(DIGITS.flatten(1)), whole)
    assert torch.equal(digests(torch.where(DIGITS == 0, -0.0, DIGITS)), whole)


def test_other_inputs_have_other_numbers() -> None:
    """All real digits, one moved by the least that a float can be, and words."""
    different = DIGITS.unique(dim=0)
    moved = torch.nextafter(DIGITS, torch.tensor(99.0))
    words = torch.arange(3000).reshape(1000, 3)

    assert len(digests(different).unique()) == len(different)
    assert not (digests(moved) == digests(DIGITS)).any()
    assert len(digests(words).unique()) == 1000


class Halved(OutputGuard):
    """Half of every logit."""

    def learn(self, training_data: GuardTrainingData, *, generator: torch.Generator) -> None:
        raise NotImplementedError

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return logits / 2


def test_a_guard_wraps_a_network_and_is_no_part_of_it() -> None:
    """Copies have it, and a holder of the network can leave it out."""
    network = Classifier(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3))).eval()
    network.topology = Topology.dense({"0.weight": (6, 4)})
    inputs = torch.rand(5, 4)
    logits, representation = network.represent(inputs)

    guarded = GuardedClassifier(network, Halved())

    twin = copy.deepcopy(guarded)
    for one in (guarded, twin):
        assert torch.equal(one(inputs), logits / 2)
        seen = one.forward_with_representation(inputs)
        assert torch.equal(seen.answers, logits / 2)
        assert torch.equal(seen.logits, logits)
        assert torch.equal(seen.representation, representation)
        assert torch.equal(one.inside(inputs), logits)
        assert one.inside.module is one.module
    assert guarded.inside is network
    assert twin.module is not network.module
    assert network.inside is network
    assert guarded.state().keys() == network.state().keys()
    assert len(list(guarded.parameters())) == len(list(network.parameters()))
    assert guarded.sparse_parameters().keys() == network.sparse_parameters().keys()
    assert (guarded.access, guarded.width, guarded.head) == (network.access, 6, network.head)
    assert guarded.topology is network.topology


class Marked(Halved):
    """Logits that show the query's number."""

    def forward(self, logits: Tensor, queries: Tensor) -> Tensor:
        return logits + (queries % 1000)[:, None]


def test_a_tracer_follows_a_network_and_its_guard() -> None:
    """The same numbers of queries in a graph of plain operators as in a run."""
    network, guard = nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), Marked()
    whole = AnswerModule(network, guard, values=64).eval()
    batch = {0: torch.export.Dim.DYNAMIC}
    traced = torch.export.export(whole, (DIGITS[:4],), dynamic_shapes=(batch,)).module()

    with torch.no_grad():
        wanted = guard.answer(DIGITS, network(DIGITS))
        assert torch.equal(whole(DIGITS), wanted)
        assert torch.equal(traced(DIGITS), wanted)
