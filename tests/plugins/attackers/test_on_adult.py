"""What attacks on a private attribute find in real records, where the attribute is an input or not.

UCI Adult (Becker & Kohavi 1996), in the folder that SAFECOMPRESS_DATA names or in ../shared/data.
"""

import csv
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.data.pools import build_pools
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.attribute import AttributeGame
from safecompress_core.games.manifest import ATTRIBUTE
from safecompress_core.games.play import Attack, ObservedPool, observe_pool
from safecompress_core.networks.classifier import Classifier
from safecompress_plugins.attackers.attribute.attribute_blackbox import AttributeBlackbox
from safecompress_plugins.attackers.attribute.attribute_by_membership import AttributeByMembership
from safecompress_plugins.attackers.attribute.attribute_imputation_gain import (
    AttributeImputationGain,
)
from safecompress_plugins.attackers.attribute.attribute_probe import AttributeProbe
from safecompress_plugins.attackers.attribute.manifest import DEFINITIONS

FILE = Path(os.environ.get("SAFECOMPRESS_DATA", "../shared/data")) / "adult.csv"
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"there is no {FILE}")

ROWS, MEMBERS = 6000, 2000
NUMBERS = ("age", "education-num", "hours-per-week")
WORDS = ("workclass", "race", "Salary")
TYPES: dict[str, Callable[[Any], Any]] = {
    "attribute-blackbox": AttributeBlackbox,
    "attribute-probe": AttributeProbe,
    "attribute-imputation-gain": AttributeImputationGain,
    "attribute-by-membership": AttributeByMembership,
}


def coded(rows: list[dict[str, str]], column: str) -> tuple[Tensor, tuple[str, ...]]:
    """Categories by number, and their names."""
    names = sorted({row[column] for row in rows})
    return torch.tensor([names.index(row[column]) for row in rows]), tuple(names)


def one_hot(rows: list[dict[str, str]], column: str) -> Tensor:
    """A column for each category."""
    values, names = coded(rows, column)
    return F.one_hot(values, len(names)).float()


def adult(*, with_sex: bool) -> Dataset:
    """The occupation of the first people of the file; sex comes first in the input, if at all."""
    with FILE.open(encoding="utf-8", newline="") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(ROWS), strict=False)]
    numbers = torch.tensor([[float(row[name]) for name in NUMBERS] for row in rows])
    public = [(numbers - numbers.mean(dim=0)) / numbers.std(dim=0)]
    public += [one_hot(rows, name) for name in WORDS]
    blocks = [one_hot(rows, "sex"), *public] if with_sex else public
    inputs = torch.cat(blocks, dim=1)
    place = {"columns": (0, 1), "codes": torch.eye(2)} if with_sex else {}
    labels, classes = coded(rows, "occupation")
    return Dataset(
        inputs=inputs,
        labels=labels,
        classes=classes,
        attributes={"sex": Attribute(*coded(rows, "sex"), **place)},
        features={"all but sex": tuple(range(2 * with_sex, inputs.shape[1]))},
    )


@lru_cache
def sights(*, with_sex: bool) -> tuple[ObservedPool, ObservedPool]:
    """Attack-train and audit, as a network of 64 units shows them after 60 epochs."""
    dataset = adult(with_sex=with_sex)
    pools = build_pools(
        dataset.labels,
        members=MEMBERS,
        attack_train=0.5,
        select=0.1,
        audit=0.4,
        generator=torch.Generator().manual_seed(18),
    )
    with torch.random.fork_rng():
        torch.manual_seed(18)
        layers = nn.Linear(dataset.inputs.shape[1], 64), nn.ReLU(), nn.Linear(64, 15)
        network = nn.Sequential(*layers)
        optimizer = torch.optim.Adam(network.parameters(), lr=3e-3, fused=True)
        for _ in range(60):
            for rows in pools.members[torch.randperm(MEMBERS)].split(128):
                optimizer.zero_grad()
                F.cross_entropy(network(dataset.inputs[rows]), dataset.labels[rows]).backward()
                optimizer.step()
    known, asked = (
        observe_pool(Classifier(network), dataset, pool)
        for pool in (pools.attack_train, pools.audit)
    )
    return known, asked


def judged(name: str, *, with_sex: bool, **params: Any) -> AttackResult:
    """How well an attack on the sex does in the audit."""
    known, asked = sights(with_sex=with_sex)
    [definition] = [one for one in DEFINITIONS if one.name == name]
    own = definition.params.model_validate({"attribute": "sex", **params})
    game = AttributeGame(ATTRIBUTE)
    attack = Attack(id=name, game=game, definition=definition, params=own)  # type: ignore[arg-type]
    attacker = TYPES[name](own)
    attacker.fit(
        attack.adversary_knowledge(known, is_known=True), generator=torch.Generator().manual_seed(0)
    )
    return attack.measure(attacker, known, asked)


def lift(result: AttackResult) -> tuple[float, float]:
    """Both ends of its interval."""
    assert result.lift is not None
    return result.lift.interval


@pytest.mark.parametrize("name", ["attribute-blackbox", "attribute-probe"])
def test_what_the_model_does_not_see_it_does_not_tell(name: str) -> None:
    """Three in four are told by anyone from public features, and by no attack more."""
    result = judged(name, with_sex=False)

    assert result.baseline_rule in ("logistic", "boosting")
    assert result.baseline > 0.72
    assert result.accuracy.value > 0.72
    assert lift(result)[1] < 0.03


@pytest.mark.parametrize("name", ["attribute-blackbox", "attribute-probe"])
def test_the_answer_to_a_record_tells_what_is_written_in_it(name: str) -> None:
    """Attacks that see what the model makes of the true record beat the guess by far."""
    assert lift(judged(name, with_sex=True))[0] > 0.1


@pytest.mark.parametrize("name", ["attribute-imputation-gain", "attribute-by-membership"])
def test_attacks_that_only_ask_the_model_do_not_beat_the_guess(name: str) -> None:
    """With the papers' prior, though the model sees the attribute."""
    result = judged(name, with_sex=True)

    assert result.accuracy.value > 0.55
    assert lift(result)[1] < 0.03


def test_asking_with_a_prior_of_features_is_stronger_than_with_a_frequency() -> None:
    """Public features and answer tell different things."""
    plain, informed = (
        judged("attribute-imputation-gain", with_sex=True, by="posterior", prior=prior)
        for prior in ("frequency", "features")
    )

    assert informed.accuracy.value > plain.accuracy.value
