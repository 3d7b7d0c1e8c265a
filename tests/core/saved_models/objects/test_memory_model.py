"""Model in memory."""

import numpy as np
import torch
from torch import nn

from safecompress_core.api import Access
from safecompress_core.saved_models.model_format import Format
from safecompress_core.saved_models.objects.memory_model import MemoryModel


def network(seed: int = 0) -> nn.Module:
    """A network with batch statistics."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))


def test_a_network_is_known_by_layers_and_weights() -> None:
    """Also in half precision, which NumPy does not know."""
    given = MemoryModel.of(Format.MODULE, module=network())

    assert given.format.access is Access.WHITE_BOX
    assert (given.file_bytes, given.parts, str(given.path)) == (None, (), "in-memory")
    assert given.fingerprint() == MemoryModel.of(Format.MODULE, module=network()).fingerprint()
    deeper = nn.Sequential(*network().children(), nn.ReLU())
    others = [network(1), network().to(torch.bfloat16), deeper]
    digests = {MemoryModel.of(Format.MODULE, module=one).fingerprint() for one in others}
    assert len(digests | {given.fingerprint()}) == 4


def test_the_network_of_the_caller_stays_as_it_is() -> None:
    """What is audited is a copy in eval mode."""
    module = network()
    copied = MemoryModel.of(Format.MODULE, module=module).copy_module()

    copied(torch.ones(2, 4))

    assert module.training
    assert not copied.training
    assert copied is not module


def test_a_model_of_answers_is_known_by_them_and_its_form() -> None:
    """A function and an array may well answer the same."""
    answers = np.full((4, 2), 0.5)
    digests = {
        MemoryModel.of(form, answers=values).fingerprint()
        for form in (Format.FUNCTION, Format.ARRAY)
        for values in (answers, answers + 0.1)
    }

    assert len(digests) == 4
    assert MemoryModel.of(Format.ARRAY, answers=answers).format.access is Access.BLACK_BOX
