"""Sharpness, against exact eigenvalues."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd.functional import hessian
from torch.func import functional_call

from safecompress_core.toolkit import Subject, Topology
from safecompress_plugins.metrics.manifest import SharpnessParams
from safecompress_plugins.metrics.sharpness import Sharpness, top_eigenvalue
from tests.plugins.metrics.conftest import iris_subject
from tests.plugins.metrics.test_groups import trial_of


def exact_hessian(subject: Subject, members: int) -> np.ndarray:
    """All second derivatives of the members' mean loss, by torch."""
    module = subject.network.module
    names = [name for name, _ in module.named_parameters()]
    parameters = {name: p.detach() for name, p in module.named_parameters()}
    shapes = [parameters[name].shape for name in names]
    seen = subject.asked.seen

    def loss(flat: Tensor) -> Tensor:
        parts = flat.split([shape.numel() for shape in shapes])
        values = {n: p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        logits = functional_call(module, values, (seen.inputs[:members],))
        return nn.functional.cross_entropy(logits, seen.labels[:members])

    flat = torch.cat([parameters[name].flatten() for name in names])
    found: np.ndarray = hessian(loss, flat).numpy()
    return found


def test_the_eigenvalue_is_that_of_the_whole_hessian() -> None:
    """Of nine parameters, over members in several chunks."""
    subject = iris_subject(members=80)
    expected = np.linalg.eigvalsh(exact_hessian(subject, 80))[-1]

    found = Sharpness(SharpnessParams(tolerance=1e-6, iterations=500)).measure(subject)

    assert found.value == pytest.approx(expected, rel=1e-3)
    assert found.low == found.high == found.value


def test_only_active_weights_count() -> None:
    """Rows and columns of inactive ones are left out of the Hessian."""
    subject = iris_subject(members=80)
    mask = torch.tensor([[1, 0], [0, 1], [1, 1]], dtype=torch.bool)
    subject.network.topology = Topology.from_masks({"weight": mask})
    active = np.concatenate([mask.flatten().numpy(), np.ones(3, dtype=bool)])
    whole = exact_hessian(subject, 80)
    expected = np.linalg.eigvalsh(whole[active][:, active])[-1]

    found = Sharpness(SharpnessParams(tolerance=1e-6, iterations=500)).measure(subject)

    assert found.value == pytest.approx(expected, rel=1e-3)
    assert found.value < np.linalg.eigvalsh(whole)[-1]


@pytest.mark.parametrize(
    ("eigenvalues", "expected"),
    [([3.0, 1.0, -2.0], 3.0), ([1.0, 0.5, -4.0], 1.0), ([-1.0, -3.0, -5.0], -1.0), ([0.0] * 3, 0)],
)
def test_the_largest_is_asked_for_whatever_the_sign_of_the_rest(
    eigenvalues: list[float], expected: float
) -> None:
    """A saddle may curve more downwards than upwards."""
    basis = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    matrix = basis @ torch.diag(torch.tensor(eigenvalues)) @ basis.T

    found = top_eigenvalue(
        lambda vector: matrix @ vector,
        3,
        iterations=1000,
        tolerance=1e-7,
        generator=torch.Generator().manual_seed(0),
    )

    assert found == pytest.approx(expected, abs=1e-3)


def test_a_hessian_that_does_not_fit_is_refused_with_the_figure() -> None:
    """A network of 16 million weights, and a limit of 100 MiB."""
    subject = iris_subject()
    wide = nn.Sequential(nn.Linear(2, 4000), nn.Linear(4000, 4000), nn.Linear(4000, 3))
    trial = replace(trial_of(subject), network=type(subject.network)(wide))

    [problem] = Sharpness(SharpnessParams(memory=100)).check(trial)

    assert problem.path == ("memory",)
    # 16,028,003 parameters of 4 bytes, ten vectors of them, and the activations of 64 samples.
    assert problem.message == (
        "a product with the Hessian of 16,028,003 parameters takes about 619 MiB, and there are 100"
    )
    assert list(Sharpness(SharpnessParams(memory=620)).check(trial)) == []
