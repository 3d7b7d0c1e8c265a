"""Attacks with reference models, where the likelihood ratio is known."""

import math
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from scipy import stats
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from safecompress_core.toolkit import (
    AdversaryKnowledge,
    Classifier,
    PoolError,
    ReferenceAnswers,
    logit_of_confidence,
    observe,
)
from safecompress_plugins.attackers.membership.bayes_optimal import BayesOptimal
from safecompress_plugins.attackers.membership.calibrated import Calibrated
from safecompress_plugins.attackers.membership.lira import Lira
from safecompress_plugins.attackers.membership.reference_manifest import (
    BayesOptimalParams,
    CalibratedParams,
    LiraParams,
    RmiaParams,
)
from safecompress_plugins.attackers.membership.rmia import Rmia

SAMPLES, MODELS = 2000, 64


def evidence(own: Tensor, others: Tensor, is_in: Tensor, is_member: Tensor) -> AdversaryKnowledge:
    """What models say whose logit-scaled confidences are given, (N,) and (R, N): two classes."""
    head = nn.Linear(2, 2)
    with torch.no_grad():
        nn.init.eye_(head.weight)
        nn.init.zeros_(head.bias)
    labels = torch.arange(len(own)) % 2

    def logits(scores: Tensor) -> Tensor:
        both = torch.stack([scores, torch.zeros_like(scores)], dim=-1)
        return both.where((labels == 0)[:, None], both.flip(-1)).float()

    return AdversaryKnowledge(
        seen=observe(Classifier(head), logits(own), labels),
        truth=is_member,
        values=2,
        references=ReferenceAnswers(logits(others), is_in, labels),
    )


def gaussian(
    *, shift: float, spread: float, models: int = MODELS
) -> tuple[AdversaryKnowledge, Tensor]:
    """Confidences that are normal around a mean of each sample's own, and their true log-ratio.

    Training on a sample moves its confidence by ``shift`` and multiplies its deviation by
    ``spread``.
    """
    generator = torch.Generator().manual_seed(5)
    is_member = torch.arange(SAMPLES) < SAMPLES // 2
    mean = 3 * torch.randn(SAMPLES, generator=generator)
    is_in = torch.rand(models, SAMPLES, generator=generator).argsort(dim=0) < models // 2

    def drawn(inside: Tensor) -> Tensor:
        noise = torch.randn(inside.shape, generator=generator)
        return mean + inside * shift + noise * torch.where(inside, spread, 1.0)

    own = drawn(is_member)
    inside, outside = (own - mean - shift) / spread, own - mean
    ratio = -inside.square() / 2 - math.log(spread) + outside.square() / 2
    return evidence(own, drawn(is_in), is_in, is_member), ratio


def auc(attacker: Any, known: AdversaryKnowledge) -> float:
    """Of an attacker that was fitted to the same samples."""
    attacker.fit(known, generator=torch.Generator())
    assert known.truth is not None
    return float(roc_auc_score(known.truth, attacker.score(known)))


@pytest.mark.parametrize("variance", ["global", "sample", "auto"])
def test_lira_reaches_the_closed_form_optimum(variance: str) -> None:
    """Φ(d / √2) for normal confidences that are d deviations apart; a loss threshold is far off."""
    known, _ = gaussian(shift=2.0, spread=1.0)
    optimum = stats.norm.cdf(2 / math.sqrt(2))
    losses = float(roc_auc_score(known.truth, -known.seen.losses))

    for mode in ("online", "offline"):
        found = auc(Lira(LiraParams(mode=mode, variance=variance)), known)
        assert found == pytest.approx(optimum, abs=0.02)
    assert losses < optimum - 0.2


def test_online_lira_reads_a_change_of_spread() -> None:
    """Training that narrows a confidence is found too; the offline test misses a part of it."""
    known, ratio = gaussian(shift=0.5, spread=0.3)
    optimum = float(roc_auc_score(known.truth, ratio))

    assert auc(Lira(LiraParams()), known) == pytest.approx(optimum, abs=0.02)
    assert auc(Lira(LiraParams(mode="offline")), known) < optimum - 0.1


def test_the_density_variant_is_weaker_where_training_raises_confidence() -> None:
    """It calls samples members whose confidence is unusually low."""
    known, _ = gaussian(shift=1.0, spread=1.0)
    offline = {"mode": "offline", "variance": "global"}

    paper = auc(Lira(LiraParams(**offline)), known)
    density = auc(Lira(LiraParams(**offline, variant="density")), known)

    assert density < paper - 0.1


def test_lira_by_hand() -> None:
    """One sample, two models with it and two without, variances of its own."""
    others = torch.tensor([[3.0, 0.0], [1.0, 4.0], [0.0, 2.0], [2.0, 6.0]])
    is_in = torch.tensor([[True, False], [False, True], [False, False], [True, True]])
    known = evidence(torch.tensor([2.0, 1.0]), others, is_in, torch.tensor([True, False]))
    attackers = {
        "online": LiraParams(variance="sample"),
        "offline": LiraParams(variance="sample", mode="offline"),
        "density": LiraParams(variance="sample", mode="offline", variant="density"),
    }
    found = {}
    for name, params in attackers.items():
        attacker = Lira(params)
        attacker.fit(known, generator=torch.Generator())
        found[name] = float(attacker.score(known)[0])
    spread = math.sqrt(0.5)  # of 3 and 2, as of 1 and 0

    outside = stats.norm(0.5, spread)
    assert found["online"] == pytest.approx(
        stats.norm(2.5, spread).logpdf(2) - outside.logpdf(2), abs=1e-6
    )
    assert stats.norm.cdf(found["offline"]) == pytest.approx(outside.cdf(2), abs=1e-6)
    assert found["density"] == pytest.approx(-outside.logpdf(2), abs=1e-6)


def test_a_global_variance_is_better_from_few_models() -> None:
    """With four of them a sample's own says little; ``auto`` knows."""
    known, _ = gaussian(shift=1.5, spread=1.0, models=4)

    pooled, own, chosen = (
        auc(Lira(LiraParams(variance=variance)), known) for variance in ("global", "sample", "auto")
    )

    assert pooled > own + 0.05
    assert chosen == pooled


def tilted() -> tuple[AdversaryKnowledge, Tensor]:
    """Probabilities p ~ Beta(α, β) without a sample and Beta(α + 1, β) with it; log p / E p."""
    generator = torch.Generator().manual_seed(6)
    is_member = torch.arange(SAMPLES) < SAMPLES // 2
    alpha, beta = (0.5 + 3 * torch.rand(SAMPLES, generator=generator) for _ in range(2))
    is_in = (torch.arange(MODELS)[:, None] + torch.randint(2, (SAMPLES,), generator=generator)) % 2
    is_in = is_in.bool()

    def drawn(inside: Tensor) -> Tensor:
        first, second = (alpha + inside.double()), beta.double().expand(inside.shape)
        gamma = [torch._standard_gamma(one, generator=generator) for one in (first, second)]
        return (gamma[0] / (gamma[0] + gamma[1])).clamp(1e-6, 1 - 1e-6)

    own = drawn(is_member)
    ratio = own.log() - (alpha / (alpha + beta)).log()
    return evidence(own.logit(), drawn(is_in).logit(), is_in, is_member), ratio


def test_rmia_and_base_reach_the_optimum_where_their_ratio_is_the_likelihood_ratio() -> None:
    """Training tilts p's density by p, so the ratio is p / E p: what both are offline at a = 1."""
    known, ratio = tilted()
    optimum = float(roc_auc_score(known.truth, ratio))
    losses = float(roc_auc_score(known.truth, -known.seen.losses))

    for attacker in (
        Rmia(RmiaParams(mode="offline", scaling=1)),
        BayesOptimal(BayesOptimalParams(mode="offline", scaling=1)),
    ):
        assert auc(attacker, known) == pytest.approx(optimum, abs=0.01)
    assert losses < optimum - 0.02


def test_rmia_is_the_share_of_the_population_that_is_dominated() -> None:
    """By the definition, sample by sample; the rest is less than one sample's share."""
    known, _ = tilted()
    attacker = Rmia(RmiaParams(gamma=1.5))
    attacker.fit(known, generator=torch.Generator())
    asked = known.take(torch.arange(0, SAMPLES, 100))
    assert known.truth is not None
    assert asked.references is not None
    assert known.references is not None

    scores = attacker.score(asked)

    def ratios(one: AdversaryKnowledge) -> Tensor:
        assert one.references is not None
        probabilities = one.references.log_confidences.exp()
        own = torch.sigmoid(logit_of_confidence(one.seen.logits, one.seen.labels))
        return own / probabilities.mean(dim=0)

    population = ratios(known)[~known.truth]
    shares = (ratios(asked)[:, None] / population >= 1.5).double().mean(dim=1)
    assert ((scores - shares).abs() <= 1.1 / (len(population) + 1)).all()


def test_rmia_breaks_ties_by_the_log_ratio() -> None:
    """A saturated share orders nothing; online the order is that of ``base``."""
    known, _ = tilted()
    attacker = Rmia(RmiaParams(gamma=1000))
    attacker.fit(known, generator=torch.Generator())

    scores = attacker.score(known)

    assert len((scores * (SAMPLES // 2 + 1)).floor().unique()) < 10
    base = BayesOptimal(BayesOptimalParams()).score(known)
    assert torch.equal(scores.argsort(stable=True), base.argsort(stable=True))


def test_calibration_subtracts_the_mean_loss_without_the_sample() -> None:
    """By hand: models with the sample have no part in it."""
    known, _ = tilted()
    assert known.references is not None
    losses, is_in = -known.references.log_confidences, known.references.is_in

    scores = Calibrated(CalibratedParams()).score(known)

    mean = torch.tensor([losses[~is_in[:, n], n].mean() for n in range(50)], dtype=torch.float64)
    expected = mean - known.seen.losses[:50]
    torch.testing.assert_close(scores[:50], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "attacker",
    [
        Lira(LiraParams()),
        Rmia(RmiaParams()),
        BayesOptimal(BayesOptimalParams()),
        Calibrated(CalibratedParams()),
    ],
    ids=lambda attacker: type(attacker).__name__,
)
def test_a_sample_that_no_model_was_trained_without_is_an_error(attacker: Any) -> None:
    """Rather than a score that is no number."""
    others, own = torch.zeros(4, 2), torch.zeros(2)
    is_in = torch.tensor([[True, True]] * 3 + [[True, False]])
    known = evidence(own, others, is_in, torch.tensor([True, False]))

    with pytest.raises(PoolError, match="4 reference models are too few"):
        auc(attacker, known)


def test_an_online_test_has_no_variant() -> None:
    """It is a choice of the offline one, and nothing would change."""
    with pytest.raises(ValidationError, match="write 'mode: offline'"):
        LiraParams(variant="density")


@pytest.mark.parametrize("params", [LiraParams, RmiaParams, BayesOptimalParams, CalibratedParams])
def test_fewer_than_four_reference_models_are_refused(params: Any) -> None:
    """Two with each sample and two without it are the least."""
    with pytest.raises(ValidationError, match="greater than or equal to 4"):
        params(references=3)
