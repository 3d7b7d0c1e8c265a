"""DMP: the model learns from reference samples, labelled by a teacher, and from nothing else."""

from dataclasses import replace

import numpy as np
import torch
from scipy.special import softmax
from scipy.stats import entropy
from torch import nn
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Classifier, DefenceInputs
from safecompress_plugins.defences.training.dmp import Dmp
from safecompress_plugins.defences.training.manifest import DmpParams

MEMBERS = Batch(
    inputs=torch.full((16, 4), 7.0), labels=torch.arange(16) % 3, attributes={"odd": torch.ones(16)}
)


def teacher() -> Classifier:
    """A linear model, frozen."""
    layer = nn.Linear(4, 3)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(3, 4, generator=torch.Generator().manual_seed(1)))
        layer.bias.zero_()
    return Classifier(layer).eval().requires_grad_(requires_grad=False)


def reference(count: int = 40) -> Batch:
    """Samples that no member is like; their true labels are the least likely ones."""
    inputs = torch.randn(count, 4, generator=torch.Generator().manual_seed(2))
    labels = teacher()(inputs).argmin(dim=1)
    return Batch(inputs=inputs, labels=labels, attributes={"odd": torch.zeros(count)})


def dmp(samples: Batch, **params: float) -> Dmp:
    """The defence with its teacher."""
    defence = Dmp(DmpParams(**params))
    defence.equip(DefenceInputs(reference=samples, teacher=teacher()))
    return defence


def positions(inputs: torch.Tensor, among: torch.Tensor) -> list[int]:
    """Which of the reference samples these are."""
    is_same = (inputs[:, None] == among).all(dim=2)
    assert is_same.any(dim=1).all()
    return is_same.int().argmax(dim=1).tolist()  # type: ignore[no-any-return]


def test_a_batch_holds_no_member_and_no_true_label() -> None:
    """As many reference samples, each once, with what the teacher answers at the temperature."""
    samples = reference()
    seen = dmp(samples, temperature=2.0).transform(
        MEMBERS, generator=torch.Generator().manual_seed(0)
    )
    chosen = positions(seen.inputs, samples.inputs)
    logits = teacher()(samples.inputs[chosen]).double().numpy()

    assert len(set(chosen)) == len(chosen) == 16
    assert seen.targets is not None
    np.testing.assert_allclose(seen.targets, softmax(logits / 2, axis=1), rtol=1e-5)
    assert seen.labels.tolist() == logits.argmax(axis=1).tolist()
    assert not (seen.labels == samples.labels[chosen]).any()
    assert not seen.attributes["odd"].any()


def test_nothing_of_a_member_reaches_the_gradient() -> None:
    """Members are a part of the graph, and get no gradient at all; other members change nothing."""
    samples, gradients = reference(), []
    for scale in (1.0, 100.0):
        members = replace(MEMBERS, inputs=(scale * MEMBERS.inputs).requires_grad_())
        network = Classifier(nn.Linear(4, 3))
        nn.init.constant_(network.module.weight, 0.1)
        nn.init.zeros_(network.module.bias)
        seen = dmp(samples).transform(members, generator=torch.Generator().manual_seed(0))
        F.cross_entropy(network(seen.inputs), seen.targets).backward()
        assert members.inputs.grad is None
        gradients.append(network.module.weight.grad)

    assert gradients[0] is not None
    assert torch.equal(gradients[0], gradients[1])


def test_only_what_the_teacher_is_surest_of_is_learned() -> None:
    """A quarter of the samples: those of the lowest entropy, by scipy."""
    samples = reference()
    defence = dmp(samples, share=0.25)
    generator = torch.Generator().manual_seed(0)
    seen = {
        one
        for _ in range(20)
        for one in positions(defence.transform(MEMBERS, generator=generator).inputs, samples.inputs)
    }

    uncertainty = entropy(softmax(teacher()(samples.inputs).numpy(), axis=1), axis=1)
    assert seen == set(np.argsort(uncertainty)[:10].tolist())


def test_few_samples_are_seen_more_often() -> None:
    """Five for a batch of sixteen: each three times, one once more."""
    samples = reference(5)
    seen = dmp(samples).transform(MEMBERS, generator=torch.Generator().manual_seed(0))
    chosen = positions(seen.inputs, samples.inputs)

    assert sorted(map(chosen.count, range(5))) == [3, 3, 3, 3, 4]
