"""What a model's answers tell about a private attribute, beside another library's attack."""

import warnings
from dataclasses import replace
from typing import Any, Protocol

import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.api import AttackerDef
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import AdversaryKnowledge
from safecompress_plugins.attackers.attribute.attribute_blackbox import (
    AttributeBlackbox,
    with_public,
)
from safecompress_plugins.attackers.attribute.manifest import DEFINITIONS, AttributeBlackboxParams

[BLACKBOX] = [one for one in DEFINITIONS if one.name == "attribute-blackbox"]


class TestLogisticBlackbox(AttackerConformance):
    definition: AttackerDef = BLACKBOX
    params = {"attribute": "group"}


class TestMlpBlackbox(AttackerConformance):
    definition: AttackerDef = BLACKBOX
    params = {"attribute": "group", "classifier": "mlp"}


class TestBoostingBlackboxOnPosteriors(AttackerConformance):
    definition: AttackerDef = BLACKBOX
    params = {"attribute": "group", "classifier": "boosting", "output": "posteriors"}


class Leaky(Protocol):
    known: AdversaryKnowledge
    pool: AdversaryKnowledge
    known_digits: Tensor
    pool_digits: Tensor


def public_pixels(knowledge: AdversaryKnowledge, count: int) -> Tensor | None:
    """The first pixels of each image, taken for public; None for none."""
    return knowledge.seen.inputs[:, :count] if count else None


def guesses(attacker: AttributeBlackbox, leaky: Leaky, *, public: int = 0) -> Tensor:
    """The likeliest digit of each sample of the pool."""
    known, pool = (
        AdversaryKnowledge(seen=one.seen, truth=truth, values=10, public=public_pixels(one, public))
        for one, truth in ((leaky.known, leaky.known_digits), (leaky.pool, None))
    )
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    return attacker.score(pool).argmax(dim=1)


def accuracy(attacker: AttributeBlackbox, leaky: Leaky, *, public: int = 0) -> float:
    """Share of the pool's digits that it tells rightly."""
    found = guesses(attacker, leaky, public=public)
    return float((found == leaky.pool_digits).double().mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("classifier", "output", "at_least"),
    [
        ("logistic", "logits", 0.5),
        ("mlp", "logits", 0.65),
        ("boosting", "logits", 0.6),
        ("boosting", "posteriors", 0.55),
    ],
)
def test_the_digit_is_read_from_answers_about_the_session(
    classifier: Any, output: Any, at_least: float, leaky: Leaky
) -> None:
    """Far over one in ten, though the model only answers who wrote."""
    params = AttributeBlackboxParams(attribute="digit", classifier=classifier, output=output)

    assert accuracy(AttributeBlackbox(params), leaky) >= at_least


def test_the_features_are_answer_label_and_what_is_public(leaky: Leaky) -> None:
    """Nothing of the sample itself but that: it would tell its digit without any model."""
    knowledge = replace(leaky.pool, public=torch.rand(len(leaky.pool.seen), 2)).take(
        torch.arange(3)
    )
    seen, public = knowledge.seen, knowledge.public
    assert public is not None
    label = F.one_hot(seen.labels, 14).float()
    plain, soft = (
        AttributeBlackbox(AttributeBlackboxParams(attribute="digit", output=output))
        for output in ("logits", "posteriors")
    )

    assert torch.equal(plain.features(knowledge), torch.cat([seen.logits, label, public], dim=1))
    assert torch.equal(soft.features(knowledge), torch.cat([seen.posteriors, label, public], dim=1))
    nothing_public = plain.features(replace(knowledge, public=None))
    assert torch.equal(nothing_public, torch.cat([seen.logits, label], dim=1))


class LikeArt(AttributeBlackbox):
    """Sees what the other library hands its classifier: predicted label (one column) and label."""

    def features(self, knowledge: AdversaryKnowledge) -> Tensor:
        seen = knowledge.seen
        answer = seen.predictions[:, None]
        return with_public(knowledge, answer, F.one_hot(seen.labels, seen.classes))


@pytest.mark.parametrize("public", [0, 12])
def test_the_same_attack_of_another_library_guesses_the_same(leaky: Leaky, public: int) -> None:
    """adversarial-robustness-toolbox 1.20, AttributeInferenceBlackBox with logistic regression.

    It reduces answers to the predicted label, and wants that as a column in ``infer``, not the
    posteriors: what more our attack sees makes it stronger.
    """
    art = pytest.importorskip("art.attacks.inference.attribute_inference")
    estimators = pytest.importorskip("art.estimators.classification")
    known, pool = leaky.known.seen, leaky.pool.seen
    answers = iter(known.posteriors.split(128))  # it asks once, in batches of 128
    model = estimators.BlackBoxClassifier(
        lambda _: next(answers).numpy(), input_shape=(1 + public,), nb_classes=14
    )
    attack = art.AttributeInferenceBlackBox(
        model, attack_model_type="lr", attack_feature=0, scaler_type="standard"
    )
    columns = [leaky.known_digits[:, None].float(), known.inputs[:, :public]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        attack.fit(torch.cat(columns, dim=1).numpy(), known.labels.numpy())
    theirs = attack.infer(
        pool.inputs[:, :public].numpy(),
        pool.labels.numpy(),
        pred=pool.predictions[:, None].numpy(),
        values=list(range(10)),
    )

    params = AttributeBlackboxParams(attribute="digit")
    ours = guesses(LikeArt(params), leaky, public=public)

    assert float((ours == torch.as_tensor(theirs).long().flatten()).double().mean()) > 0.99
    ours_on_answers, theirs_on_labels = (
        accuracy(attacker(params), leaky, public=public)
        for attacker in (AttributeBlackbox, LikeArt)
    )
    assert ours_on_answers > theirs_on_labels + 0.1
