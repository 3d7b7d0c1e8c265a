"""Architectures in memory: those that a call from Python was given, known by a fingerprint.

As with samples (`safecompress_core.data.in_memory`), a spec names the fingerprint, and the object
stays in this process while the call lasts.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.held_objects import HeldObjects
from safecompress_core.errors import ModelError
from safecompress_core.networks.classifier import ModelFactory
from safecompress_core.networks.manifest import InMemoryModelParams
from safecompress_core.networks.module_digest import digest_of_module

__all__ = ["GivenArchitecture", "InMemoryModel", "holding_architecture"]


def _as_it_is(dataset: Dataset) -> Dataset:
    return dataset


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GivenArchitecture:
    """An architecture that a call was given.

    Attributes:
        build: a fresh network, whose random weights are drawn from a generator.
        prepare: samples as the network takes them.
        labels: names of the outputs that it has learned, in their order; empty for none.
        identity: of what else decides how samples are prepared, such as a tokenizer.
    """

    build: Callable[[torch.Generator], nn.Module]
    prepare: Callable[[Dataset], Dataset] = _as_it_is
    labels: tuple[str, ...] = ()
    identity: str = ""

    def fingerprint(self) -> str:
        """Return a SHA-256 of a network that is drawn with the seed 0, and of the identity."""
        network = digest_of_module(self.build(torch.Generator().manual_seed(0)))
        return hashlib.sha256(repr((network, self.labels, self.identity)).encode()).hexdigest()


_held: HeldObjects[GivenArchitecture] = HeldObjects()


@contextmanager
def holding_architecture(given: GivenArchitecture) -> Iterator[str]:
    """Hold an architecture in memory for a while, and yield its fingerprint.

    Raises:
        ModelError: if it cannot be built.
    """
    key = given.fingerprint()
    with _held.hold(key, given):
        yield key


class InMemoryModel(ModelFactory):
    """The architecture of a fingerprint.

    Raises:
        ModelError: if it is not in this process.
    """

    def __init__(self, params: InMemoryModelParams) -> None:
        given = _held.get(params.fingerprint)
        if given is None:
            raise ModelError(
                "the network was given as a Python object, and is not in this process",
                hint="call the function from Python again, with the same network, or fill one: "
                "load_model(path, network=...)",
                field=("fingerprint",),
            )
        self._given = given

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the outputs that the network has learned already."""
        return self._given.labels

    def prepare(self, dataset: Dataset) -> Dataset:
        """Prepare samples as the network takes them."""
        return self._given.prepare(dataset)

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a fresh network; its own outputs decide how many labels it has."""
        del input_shape, classes  # both are fixed by the network
        return self._given.build(generator)
