"""Model that answers every input and shows nothing else."""

import pytest
import torch
from torch import nn

from safecompress_core.api import Access, Kind
from safecompress_core.attacks.observations import observe
from safecompress_core.errors import AccessError
from safecompress_core.export.answering_model import AnsweringModel, missing_needs
from safecompress_core.games.play import Attack
from safecompress_core.host import load_plugins
from safecompress_core.saved_models.rebuild import component

REGISTRY = load_plugins().registry


def test_it_answers_queries_and_has_no_inside() -> None:
    """Gray-box access: no gradient of it can be had."""
    network = nn.Linear(3, 2)
    inputs = torch.rand(4, 3)
    seen = observe(AnsweringModel(network), inputs, torch.zeros(4, dtype=torch.int64))

    assert seen.access is Access.GRAY_BOX
    assert torch.allclose(seen.query(inputs), network(inputs).softmax(dim=1))
    with pytest.raises(AccessError, match="needs white-box access"):
        seen.gradients("weight")


@pytest.mark.parametrize(
    ("attacker", "needs"),
    [
        ({"type": "loss-threshold"}, []),
        ({"type": "boundary"}, []),
        ({"type": "knockoff"}, []),
        ({"type": "attribute-blackbox", "attribute": "digit"}, []),
        ({"type": "neural-whitebox"}, ["parameters"]),
        ({"type": "lira"}, ["references"]),
        ({"type": "compression-difference"}, ["uncompressed"]),
        ({"type": "compression-versions"}, ["uncompressed", "versions"]),
    ],
)
def test_an_attack_is_repeated_where_answers_suffice(
    attacker: dict[str, str], needs: list[str]
) -> None:
    """By what its definition needs."""
    params = component(REGISTRY, Kind.ATTACKER, attacker, allow_code=False)
    attack = Attack.from_params(params, REGISTRY)

    assert list(missing_needs(attack)) == needs
