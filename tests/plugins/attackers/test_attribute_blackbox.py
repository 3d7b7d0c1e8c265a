"""What a model's answers tell about a private attribute, beside another library's attack."""

import warnings
from typing import Any, Protocol

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.api import AttackerDef
from safecompress_core.testing import AttackerConformance
from safecompress_core.toolkit import Evidence, Observations
from safecompress_plugins.attackers.attribute_blackbox import AttributeBlackbox
from safecompress_plugins.attackers.attribute_manifest import DEFINITIONS, AttributeBlackboxParams

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
    known: Evidence
    pool: Evidence
    known_digits: Tensor
    pool_digits: Tensor


def guesses(attacker: AttributeBlackbox, leaky: Leaky) -> Tensor:
    """The likeliest digit of each sample of the pool."""
    known = Evidence(seen=leaky.known.seen, truth=leaky.known_digits, values=10)
    attacker.fit(known, generator=torch.Generator().manual_seed(0))
    return attacker.score(Evidence(seen=leaky.pool.seen, truth=None, values=10)).argmax(dim=1)


def accuracy(attacker: AttributeBlackbox, leaky: Leaky) -> float:
    """Share of the pool's digits that it tells rightly."""
    return float((guesses(attacker, leaky) == leaky.pool_digits).double().mean())


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


def test_the_features_are_answer_and_label(leaky: Leaky) -> None:
    """Nothing of the sample itself: that would tell its digit without any model."""
    seen = leaky.pool.seen.take(torch.arange(3))
    label = F.one_hot(seen.labels, 14).float()
    plain, soft = (
        AttributeBlackbox(AttributeBlackboxParams(attribute="digit", output=output))
        for output in ("logits", "posteriors")
    )

    assert torch.equal(plain.features(seen), torch.cat([seen.logits, label], dim=1))
    assert torch.equal(soft.features(seen), torch.cat([seen.posteriors, label], dim=1))


class LikeArt(AttributeBlackbox):
    """Sees what the other library hands its classifier: predicted label (one column) and label."""

    def features(self, seen: Observations) -> Tensor:
        return torch.cat([seen.predictions[:, None], F.one_hot(seen.labels, seen.classes)], dim=1)


def test_the_same_attack_of_another_library_guesses_the_same(leaky: Leaky) -> None:
    """adversarial-robustness-toolbox 1.20, AttributeInferenceBlackBox with logistic regression.

    It reduces answers to the predicted label, and wants that as a column in ``infer``, not the
    posteriors: what more our attack sees makes it stronger.
    """
    art = pytest.importorskip("art.attacks.inference.attribute_inference")
    estimators = pytest.importorskip("art.estimators.classification")
    known, pool = leaky.known.seen, leaky.pool.seen
    answers = iter(known.posteriors.split(128))  # it asks once, in batches of 128
    model = estimators.BlackBoxClassifier(
        lambda _: next(answers).numpy(), input_shape=(1,), nb_classes=14
    )
    attack = art.AttributeInferenceBlackBox(
        model, attack_model_type="lr", attack_feature=0, scaler_type="standard"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        attack.fit(leaky.known_digits[:, None].numpy().astype(np.float32), known.labels.numpy())
    theirs = attack.infer(
        np.empty((len(pool), 0), dtype=np.float32),
        pool.labels.numpy(),
        pred=pool.predictions[:, None].numpy(),
        values=list(range(10)),
    )

    params = AttributeBlackboxParams(attribute="digit")
    ours = guesses(LikeArt(params), leaky)

    assert float((ours == torch.as_tensor(theirs).long().flatten()).double().mean()) > 0.99
    assert accuracy(AttributeBlackbox(params), leaky) > accuracy(LikeArt(params), leaky) + 0.3
