"""Reference models: who trains which, and what is kept of their answers."""

from dataclasses import replace

import pytest
import torch

from safecompress_core.api import Access
from safecompress_core.attacks.reference_answers import ReferenceAnswers, assign_folds, fold_count
from safecompress_core.attacks.signals import negative_loss_of_logits
from safecompress_core.errors import PoolError

LABELS = torch.arange(101) % 3


def dealt(members: int, count: int, seed: int = 0) -> torch.Tensor:
    """Of 101 samples with three labels."""
    generator = torch.Generator().manual_seed(seed)
    return assign_folds(LABELS, members=members, count=count, generator=generator)


def test_of_half_as_members_each_pair_of_models_has_one_half_each() -> None:
    """So every sample is in exactly half of the models, and out of the other half."""
    held = dealt(50, 6)

    assert torch.equal(held[0::2], ~held[1::2])
    assert (held.sum(dim=0) == 3).all()
    assert set(held.sum(dim=1).tolist()) == {50, 51}
    assert not torch.equal(held[0], held[2])


@pytest.mark.parametrize("members", [20, 81])
def test_models_are_about_as_large_as_the_one_that_is_attacked(members: int) -> None:
    """A fifth as members is dealt into five hands; of four fifths the hand is who stays out."""
    held = dealt(members, 10)

    assert fold_count(members, 101) == 5
    assert all(abs(size - members) <= 1 for size in held.sum(dim=1).tolist())
    assert (held.sum(dim=0) == round(members / 101 * 10)).all()


def test_each_half_has_as_much_of_every_label() -> None:
    """As the attacked model's members do, so that the label says nothing."""
    for half in dealt(50, 4):
        counts = torch.bincount(LABELS[half])

        assert counts.max() - counts.min() <= 1


def test_more_models_begin_with_the_same_ones() -> None:
    """An attacker that asks for fewer shares those of one that asks for more."""
    assert torch.equal(dealt(50, 8)[:3], dealt(50, 3))
    assert not torch.equal(dealt(50, 3), dealt(50, 3, seed=1))


def answers() -> ReferenceAnswers:
    """Three models, five samples, four classes."""
    generator = torch.Generator().manual_seed(1)
    logits = 5 * torch.randn(3, 5, 4, generator=generator)
    is_in = torch.rand(3, 5, generator=generator) < 0.5
    return ReferenceAnswers(logits, is_in, torch.arange(5) % 4)


def test_what_belongs_together_is_in_the_same_models() -> None:
    """Hands are then as large as whole groups allow."""
    groups = torch.arange(101) // 4
    generator = torch.Generator().manual_seed(3)

    held = assign_folds(LABELS, members=50, count=6, generator=generator, groups=groups)

    for group in groups.unique():
        assert (held[:, groups == group].float().mean(dim=1) % 1 == 0).all()
    assert (held.sum(dim=0) == 3).all()
    assert ((held.sum(dim=1) - 50.5).abs() <= 4).all()


def test_a_holder_of_the_network_sees_last_layers_of_references_too() -> None:
    """Of some of them as well; mostly these are what they answer."""
    plain = answers()
    guarded = replace(plain, inside=plain.logits * 2)

    some = guarded.first(2).take(torch.tensor([4, 1]))

    assert torch.equal(some.logits, plain.logits[:2][:, [4, 1]])
    held = some.restricted(Access.WHITE_BOX)
    assert torch.equal(held.logits, 2 * some.logits)
    assert torch.equal(held.is_in, some.is_in)
    assert some.restricted(Access.GRAY_BOX) is some
    assert plain.restricted(Access.WHITE_BOX) is plain


def test_some_samples_and_some_models_can_be_taken() -> None:
    """In the order that is asked for, labels too."""
    references = answers()
    some = references.take(torch.tensor([4, 1])).first(2)

    assert len(some) == 2
    assert torch.equal(some.logits, references.logits[:2][:, [4, 1]])
    assert torch.equal(some.is_in, references.is_in[:2][:, [4, 1]])
    assert some.labels.tolist() == [0, 1]


def test_confidences_are_those_of_the_labels() -> None:
    """Both forms, against probabilities."""
    references = answers()
    p = references.logits.double().softmax(dim=2)[:, torch.arange(5), references.labels]

    torch.testing.assert_close(references.confidence_logits, (p / (1 - p)).log())
    torch.testing.assert_close(
        references.log_confidences[0],
        negative_loss_of_logits(references.logits[0], references.labels),
    )


def test_shapes_that_do_not_fit_are_an_error() -> None:
    """Rather than figures of other samples."""
    references = answers()

    with pytest.raises(PoolError, match="do not fit"):
        ReferenceAnswers(references.logits, references.is_in[:, :4], references.labels)
